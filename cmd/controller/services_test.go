package main

import (
	"os"
	"path/filepath"
	"testing"
)

func TestTarget_HasTheClustersDomain(t *testing.T) {
	for name, c := range map[string]struct{ target, resolver, want string }{
		"of a pod":     {"router-services.fission", "nameserver 10.96.0.10\nsearch fission.svc.corp.example svc.corp.example corp.example\n", "router-services.fission.svc.corp.example"},
		"of a host":    {"router-services.fission", "search example.com\n", "router-services.fission.svc.cluster.local"},
		"whole":        {"a.b.svc.c", "search x.svc.d svc.d d\n", "a.b.svc.c"},
		"none":         {"", "search svc.d\n", ""},
		"of no system": {"a.b", "", "a.b.svc.cluster.local"},
	} {
		file := filepath.Join(t.TempDir(), "resolv.conf")
		if c.resolver != "" {
			if err := os.WriteFile(file, []byte(c.resolver), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if got := (options{serviceTarget: c.target}).target(file); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}
