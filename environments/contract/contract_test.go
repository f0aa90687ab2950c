package contract

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// programs is the folder of the runtimes that are programs of Hotpod's own.
var programs string

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	flag.Parse()
	if testing.Short() {
		return m.Run()
	}
	dir, err := os.MkdirTemp("", "programs-")
	if err == nil {
		defer os.RemoveAll(dir)
		err = buildPrograms(dir)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "build the runtimes:", err)
		return 1
	}
	programs = dir
	return m.Run()
}

// buildPrograms builds what "make build" builds of the runtimes.
func buildPrograms(dir string) error {
	build := exec.Command("go", "build", "-trimpath", "-o", dir+"/", "hotpod.dev/cmd/binaryruntime", "hotpod.dev/cmd/goruntime")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("%w\n%s", err, out)
	}
	return nil
}

// TestContract runs every check against every language: go test -run 'TestContract/python/call'.
func TestContract(t *testing.T) {
	each(t, func(t *testing.T, l Language) {
		for _, c := range Checks() {
			t.Run(c.Area+"/"+c.Name, func(t *testing.T) {
				t.Parallel()
				if why := l.Cannot(c); why != "" {
					t.Skip(why)
				}
				c.Run(t, l)
			})
		}
	})
}

func TestCannot_NamesChecksThatExist(t *testing.T) {
	known := map[string]bool{}
	for _, c := range Checks() {
		known[c.Area], known[c.Area+": "+c.Name] = true, true
	}
	for _, l := range languages(t) {
		for name := range l.Traits.Cannot {
			if !known[name] {
				t.Errorf("%s: there is no check %q", l.Name, name)
			}
		}
	}
}

// each runs a test for every language, in parallel.
func each(t *testing.T, test func(t *testing.T, l Language)) {
	t.Helper()
	if testing.Short() {
		t.Skip("starts processes; run without -short")
	}
	for _, l := range append(languages(t), variants(t)...) {
		t.Run(l.Label, func(t *testing.T) {
			t.Parallel()
			if program := l.Image.Missing(); program != "" {
				t.Skipf("%s is not on PATH: %s", program, l.Image.Install)
			}
			test(t, l)
		})
	}
}

// only runs a test for one language and its variants.
func only(t *testing.T, name string, test func(t *testing.T, l Language)) {
	t.Helper()
	each(t, func(t *testing.T, l Language) {
		t.Helper()
		if l.Name != name {
			t.SkipNow()
		}
		test(t, l)
	})
}

func languages(t *testing.T) []Language {
	t.Helper()
	files, err := filepath.Glob("../*/image.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no runtime found: %v", err)
	}
	var found []Language
	for _, file := range files {
		dir := filepath.Dir(file)
		l, err := ReadLanguage(dir, filepath.Join("testdata", filepath.Base(dir)))
		if err != nil {
			t.Fatal(err)
		}
		l.Programs = programs
		found = append(found, l)
	}
	return found
}

// variants are runtimes with other settings that must keep the same contract.
func variants(t *testing.T) []Language {
	t.Helper()
	var found []Language
	for _, l := range languages(t) {
		if l.Name == "python" && exec.CommandContext(t.Context(), "python3", "-c", "import flask").Run() == nil {
			l.Label = "python with Flask"
			l.Image.Env = map[string]string{"HOTPOD_FLASK": "installed"}
			found = append(found, l)
		}
	}
	return found
}
