package podinit

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func TestParseStat(t *testing.T) {
	for line, want := range map[string]entry{
		"7 (sh) S 3 7 5 0 -1 4194304": {pid: 7, parent: 3, session: 5},
		"7 (a) b (c)) R 3 7 5 0":      {pid: 7, parent: 3, session: 5},
		"7 (dead) Z 3 7 5 0":          {},
		"7 (x":                        {},
		"":                            {},
		"7 (x) S a b c":               {},
		"7 (x) S 3 7 y 0":             {},
		"7 (kworker/0:1-events) I 2 0 0 0 -1 692384": {pid: 7, parent: 2},
	} {
		got, ok := parseStat(7, line)
		if ok != (want != entry{}) || ok && got != want {
			t.Errorf("%q: %+v, %v", line, got, ok)
		}
	}
}

func FuzzParseStat(f *testing.F) {
	f.Add("7 (sh) S 3 7 5 0")
	f.Fuzz(func(_ *testing.T, line string) { parseStat(1, line) })
}

func TestDescendantsOf(t *testing.T) {
	all := []entry{{pid: 5, parent: 4}, {pid: 2, parent: 1}, {pid: 3, parent: 2}, {pid: 4, parent: 3}, {pid: 9, parent: 8}}
	got := descendantsOf(2, all)
	slices.Sort(got)
	if !slices.Equal(got, []int{3, 4, 5}) {
		t.Errorf("descendants %v", got)
	}
}

func TestProcesses_FindThisOne(t *testing.T) {
	if !slices.ContainsFunc(processes(), func(e entry) bool { return e.pid == os.Getpid() && e.parent == os.Getppid() }) {
		t.Error("this process is not in the list")
	}
}

func TestLookPath(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "tool"), nil, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "text"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	env := []string{"PATH=/nowhere", "PATH=" + dir}
	for name, want := range map[string]string{"tool": filepath.Join(dir, "tool"), "./x": "./x", "text": "", "none": ""} {
		got, err := lookPath(name, env)
		if got != want || (err != nil) != (want == "") {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

func TestNewBuilder_OpensWhatHasMountPointsIn(t *testing.T) {
	b := newBuilder(Root{
		Points: []Point{{Path: "/usr/share/key", File: true}, {Path: "/userfunc"}},
		Files:  map[string]string{"/etc/hosts": ""},
	})
	for path, want := range map[string]bool{"/usr": true, "/usr/share": true, "/etc": true, "/userfunc": false, "/": false, "/usr/share/key": false} {
		if b.opened[path] != want {
			t.Errorf("%s opened: %v", path, b.opened[path])
		}
	}
}

func TestMain_RefusesToBeStartedByHand(t *testing.T) {
	if err := Main([]string{"x"}); err == nil {
		t.Error("no error")
	}
}
