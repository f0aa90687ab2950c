package golden

import (
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
)

var update = flag.Bool("update", false, "write golden files instead of comparing with them") //nolint:gochecknoglobals // a flag of the test binary

// File is one part of a case.
type File struct {
	Name string
	Data []byte
}

// Run calls make for every file that matches pattern, with the parts whose names do not begin with "want/", and
// compares what it returns with those that do; the names of outputs are given without "want/".
func Run(t *testing.T, pattern string, produce func(t *testing.T, inputs map[string][]byte) []File) {
	t.Helper()
	paths, err := filepath.Glob(pattern)
	if err != nil || len(paths) == 0 {
		t.Fatalf("no golden file matches %s (%v)", pattern, err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), filepath.Ext(path)), func(t *testing.T) {
			runCase(t, path, produce)
		})
	}
}

const outputs = "want/"

func runCase(t *testing.T, path string, produce func(*testing.T, map[string][]byte) []File) {
	t.Helper()
	archive, err := txtar.ParseFile(path)
	if err != nil {
		t.Fatal(err)
	}
	inputs, want := map[string][]byte{}, map[string]string{}
	for _, f := range archive.Files {
		if name, ok := strings.CutPrefix(f.Name, outputs); ok {
			want[name] = string(f.Data)
		} else {
			inputs[f.Name] = f.Data
		}
	}
	got := produce(t, inputs)
	if *update {
		rewrite(t, path, archive, got)
		return
	}
	for _, f := range got {
		if diff := cmp.Diff(want[f.Name], string(f.Data)); diff != "" {
			t.Errorf("%s: %s is another than before (-was +is); run with -update if that is right:\n%s", path, f.Name, diff)
		}
		delete(want, f.Name)
	}
	for name := range want {
		t.Errorf("%s: %s is no longer made", path, name)
	}
}

func rewrite(t *testing.T, path string, archive *txtar.Archive, got []File) {
	t.Helper()
	archive.Files = slices.DeleteFunc(archive.Files, func(f txtar.File) bool { return strings.HasPrefix(f.Name, outputs) })
	for _, f := range got {
		archive.Files = append(archive.Files, txtar.File{Name: outputs + f.Name, Data: f.Data})
	}
	if err := os.WriteFile(path, txtar.Format(archive), 0o644); err != nil {
		t.Fatal(err)
	}
}
