package node

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
)

// languageImages know one image, whose folder is dir and which needs the programs.
type languageImages struct {
	dir      string
	requires []string
}

func (l languageImages) Resolve(string) (Image, error) {
	return Image{Dir: l.dir, WorkDir: l.dir, Requires: l.requires, Command: []string{"/bin/sh", "-c"}}, nil
}

func TestToolchain_InterpretersWorkWhereverTheyAreInstalled(t *testing.T) {
	for name, script := range map[string]string{
		"node":    `node -e 'console.log("version", process.version, require("./data").text)'`,
		"python3": `python3 -c 'import ssl, json, sys, sqlite3; print("version", sys.version_info[0], open("data.json").read())'`,
	} {
		t.Run(name, func(t *testing.T) {
			path := os.Getenv("PATH")
			if findProgram(name, path) == "" {
				t.Skipf("%s is not on PATH", name)
			}
			dir, err := realTempDir(t)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, "data.json"), []byte(`{"text":"read"}`), 0o644); err != nil {
				t.Fatal(err)
			}
			h, objects, events := testHost(t)
			h.tools = newToolchain(path)
			h.images = languageImages{dir: dir, requires: []string{name}}
			pod := shellPod(script)
			pod.Spec.RestartPolicy = corev1.RestartPolicyNever
			f := startOn(t, h, objects, events, pod)
			<-f.finished
			if got := f.log(0); !strings.HasPrefix(got, "version") || !strings.Contains(got, "read") {
				t.Errorf("log %q", got)
			}
		})
	}
}

func TestToolchain_SaysWhatIsNotInstalled(t *testing.T) {
	h, objects, events := testHost(t)
	h.images = languageImages{requires: []string{"no-such-language"}}
	f := startOn(t, h, objects, events, shellPod(""))
	f.eventually("event", func() bool {
		return f.events.has("Failed: image shell: no-such-language is not installed: not found in PATH")
	})
}

func TestToolchain_AProgramOfTheUserBringsItsFolderOnly(t *testing.T) {
	home, err := realTempDir(t)
	if err != nil {
		t.Fatal(err)
	}
	bin := filepath.Join(home, "bin")
	if err := os.MkdirAll(bin, 0o755); err != nil {
		t.Fatal(err)
	}
	for path, mode := range map[string]os.FileMode{"bin/tool": 0o755, "private": 0o644} {
		if err := os.WriteFile(filepath.Join(home, path), []byte("#!/bin/sh\necho tool runs\n"), mode); err != nil {
			t.Fatal(err)
		}
	}
	h, objects, events := testHost(t)
	h.tools = newToolchain(bin)
	h.images = languageImages{requires: []string{"tool"}}
	pod := shellPod("tool; ls " + home)
	pod.Spec.RestartPolicy = corev1.RestartPolicyNever
	f := startOn(t, h, objects, events, pod)
	<-f.finished
	if got := f.log(0); got != "tool runs\nbin\n" {
		t.Errorf("log %q", got)
	}
}
