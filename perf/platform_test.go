package perf

import (
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func quiet() *slog.Logger { return slog.New(slog.NewTextHandler(io.Discard, nil)) }

func TestExports_ReadsWhatAShellWould(t *testing.T) {
	got := exports("export KUBECONFIG=/a/b\nexport FISSION_ROUTER='127.0.0.1:80'\n# note\nexport PATH=\"/x:$PATH\";\n")
	want := map[string]string{"KUBECONFIG": "/a/b", "FISSION_ROUTER": "127.0.0.1:80", "PATH": "/x:$PATH"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// standIn writes a program that behaves as hotpod-local does, as a shell script.
func standIn(t *testing.T, up string) (*platform, string) {
	t.Helper()
	programs, dir := t.TempDir(), t.TempDir()
	script := `#!/bin/sh
dir=
for a in "$@"; do [ "$last" = --dir ] && dir=$a; last=$a; done
case $1 in
up) ` + up + ` ;;
status) test -e "$dir/ready" ;;
env) echo "export KUBECONFIG=$dir/kubeconfig" ;;
esac
`
	if err := os.WriteFile(filepath.Join(programs, "hotpod-local"), []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	p, err := newPlatform(programs, dir, quiet())
	if err != nil {
		t.Fatal(err)
	}
	return p, dir
}

func TestPlatform_StartsIsAskedAndStops(t *testing.T) {
	p, dir := standIn(t, `trap 'rm "$dir/ready"; exit 0' TERM; touch "$dir/ready"; while :; do sleep 0.01; done`)
	if err := p.up(t.Context()); err != nil {
		t.Fatal(err)
	}
	settings, err := p.settings(t.Context())
	if err != nil || settings["KUBECONFIG"] != filepath.Join(dir, "kubeconfig") {
		t.Error(settings, err)
	}
	if err := p.down(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "ready")); err == nil {
		t.Error("it was not stopped in order")
	}
}

func TestPlatform_ThatEndsIsAnErrorWithWhatItSaid(t *testing.T) {
	p, _ := standIn(t, `echo "port 8888 is taken" >&2; exit 3`)
	err := p.up(t.Context())
	if err == nil || !strings.Contains(err.Error(), "port 8888 is taken") {
		t.Error(err)
	}
	if err := p.down(); err != nil {
		t.Error(err)
	}
}

func TestNewPlatform_WithoutItsProgramSaysWhatToDo(t *testing.T) {
	if _, err := newPlatform(t.TempDir(), "", quiet()); err == nil || !strings.Contains(err.Error(), "make build") {
		t.Error(err)
	}
}
