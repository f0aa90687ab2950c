package perf

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestExports_ReadsWhatAShellWould(t *testing.T) {
	got := exports("export KUBECONFIG=/a/b\nexport FISSION_ROUTER='127.0.0.1:80'\n# note\nexport PATH=\"/x:$PATH\";\n")
	want := map[string]string{"KUBECONFIG": "/a/b", "FISSION_ROUTER": "127.0.0.1:80", "PATH": "/x:$PATH"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// standIn makes a program that answers as hotpod-local does, from a shell script.
func standIn(t *testing.T, cases string) *platform {
	t.Helper()
	programs := t.TempDir()
	script := "#!/bin/sh\necho \"$@\" >>'" + programs + "/calls'\ncase $1 in\n" + cases + "\nesac\n"
	if err := os.WriteFile(filepath.Join(programs, "hotpod-local"), []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	p, err := newPlatform(programs, "/data")
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestPlatform_StartsIsAskedAndStops(t *testing.T) {
	p := standIn(t, `env) echo "export KUBECONFIG=/k" ;;
		status) echo '{"phase":"ready","memory":[{"pid":7,"command":"etcd --x","resident":1}]}' ;;`)
	if err := p.up(t.Context()); err != nil {
		t.Fatal(err)
	}
	settings, err := p.settings(t.Context())
	if err != nil || settings["KUBECONFIG"] != "/k" {
		t.Error(settings, err)
	}
	processes, err := p.processes(t.Context())
	if diff := cmp.Diff([]process{{7, "etcd --x"}}, processes); diff != "" || err != nil {
		t.Error(diff, err)
	}
	if err := p.down(t.Context()); err != nil {
		t.Error(err)
	}
	calls, err := os.ReadFile(filepath.Join(filepath.Dir(p.program), "calls"))
	want := "up --detach --dir /data\nenv --dir /data\nstatus -o json --dir /data\ndown --dir /data\n"
	if diff := cmp.Diff(want, string(calls)); diff != "" || err != nil {
		t.Error(diff, err)
	}
}

func TestPlatform_ThatDoesNotStartIsAnErrorWithWhatItSaid(t *testing.T) {
	p := standIn(t, `up) echo "port 8888 is taken" >&2; exit 3 ;;`)
	if err := p.up(t.Context()); err == nil || !strings.Contains(err.Error(), "port 8888 is taken") {
		t.Error(err)
	}
}

func TestPlatform_StatusWithoutProcessesIsAnError(t *testing.T) {
	for _, answer := range []string{"{}", "not json", ""} {
		p := standIn(t, "status) echo '"+answer+"' ;;")
		if _, err := p.processes(t.Context()); err == nil {
			t.Errorf("accepted %q", answer)
		}
	}
}

func TestNewPlatform_WithoutItsProgramSaysWhatToDo(t *testing.T) {
	if _, err := newPlatform(t.TempDir(), ""); err == nil || !strings.Contains(err.Error(), "make build") {
		t.Error(err)
	}
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }
