package main

import (
	"io"
	"strings"
	"testing"
)

func TestParse_NamesEveryFault(t *testing.T) {
	_, err := parse([]string{"--address=here", "--database=mysql://x", "--keep-bytes=-1", "--prune-interval=0s", "--max-streams=0"},
		func(string) string { return "" }, io.Discard)
	if err == nil {
		t.Fatal("it was accepted")
	}
	for _, want := range []string{"--address", "--database", "--keep-bytes", "--prune-interval", "--max-streams"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not name %s", err, want)
		}
	}
}

func TestParse_TakesTheEnvironment(t *testing.T) {
	o, err := parse(nil, func(name string) string {
		return map[string]string{"HOTPOD_DATABASE": "postgres://u:p@h/d", "HOTPOD_REQUIRE_AUTH": "true", "POD_NAMESPACE": "platform"}[name]
	}, io.Discard)
	if err != nil || o.database != "postgres://u:p@h/d" || !o.requireAuth || o.componentNamespace != "platform" {
		t.Errorf("options are %+v, %v", o, err)
	}
}
