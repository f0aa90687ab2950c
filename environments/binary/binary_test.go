package binary

import (
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"hotpod.dev/environments/generic"
)

func TestApply_ReadsStatusAndHeaders(t *testing.T) {
	header := http.Header{}
	status := apply([]byte("Status: 404 Not Found\nX-A: b\nnonsense\nstatus: 9999\nSet-Cookie: a=1\nSet-Cookie: b=2\n"), header)
	if status != 404 || header.Get("X-A") != "b" || len(header.Values("Set-Cookie")) != 2 || len(header) != 2 {
		t.Errorf("%d %v", status, header)
	}
}

func TestLocate_FindsProgramsAndTheirInterpreters(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"plain": "echo\n", "env": "#!/usr/bin/env python3 -u\nprint()\n", "only/one": "#! /bin/sh\n"} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, test := range map[string]struct {
		path, function string
		command        []string
		fault          string
	}{
		"without a first line": {"plain", "", []string{"/bin/sh", "plain"}, ""},
		"one argument":         {"", "env", []string{"/usr/bin/env", "python3 -u", "env"}, ""},
		"only file":            {"only", "", []string{"/bin/sh", "only/one"}, ""},
		"no name":              {"", "", nil, "env, plain"},
		"missing":              {"", "gone", nil, "there is no file gone"},
		"leads out":            {"only", "../plain", nil, "leads out"},
		"nothing there":        {"nowhere", "", nil, "nowhere"},
	} {
		p, err := locate(generic.Load{Path: filepath.Join(dir, test.path), Function: test.function})
		if test.fault != "" {
			if err == nil || !strings.Contains(err.Error(), test.fault) {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		want := slices.Clone(test.command)
		want[len(want)-1] = filepath.Join(dir, want[len(want)-1])
		if err != nil || !slices.Equal(p.command, want) {
			t.Errorf("%s: %v, %v", name, p.command, err)
		}
	}
}

func TestVariable_IsAShellsName(t *testing.T) {
	if got := variable("X-Fission-Params-Id"); got != "X_FISSION_PARAMS_ID" {
		t.Error(got)
	}
}
