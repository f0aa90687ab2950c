package contract

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"sigs.k8s.io/yaml"
)

const patience = 30 * time.Second

// language is one runtime: its image description and where its test functions lie.
type language struct {
	name string
	// label names the language in tests; it differs from name for a variant of its runtime.
	label     string
	dir       string
	functions string
	// healthIsReserved says that /healthz stays the runtime's after specialization, as in Fission's image.
	healthIsReserved bool
	image            image
}

// image is an image.yaml.
type image struct {
	Names    []string          `json:"names"`
	Command  []string          `json:"command"`
	Env      map[string]string `json:"env"`
	Requires []string          `json:"requires"`
}

// each runs a test for every language, in parallel.
func each(t *testing.T, test func(t *testing.T, l language)) {
	t.Helper()
	if testing.Short() {
		t.Skip("starts processes; run without -short")
	}
	for _, l := range append(languages(t), variants(t)...) {
		t.Run(l.label, func(t *testing.T) {
			t.Parallel()
			for _, program := range l.image.Requires {
				if _, err := exec.LookPath(program); err != nil {
					t.Skipf("%s is not on PATH: see %s/image.yaml", program, l.dir)
				}
			}
			test(t, l)
		})
	}
}

// only runs a test for one language and its variants.
func only(t *testing.T, name string, test func(t *testing.T, l language)) {
	t.Helper()
	each(t, func(t *testing.T, l language) {
		t.Helper()
		if l.name != name {
			t.SkipNow()
		}
		test(t, l)
	})
}

func languages(t *testing.T) []language {
	t.Helper()
	files, err := filepath.Glob("../*/image.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no runtime found: %v", err)
	}
	var found []language
	for _, file := range files {
		dir, err := filepath.Abs(filepath.Dir(file))
		if err != nil {
			t.Fatal(err)
		}
		name := filepath.Base(dir)
		functions, err := filepath.Abs(filepath.Join("testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, language{name: name, label: name, dir: dir, functions: functions, healthIsReserved: name == "python", image: readImage(t, file)})
	}
	return found
}

// variants are runtimes with other settings that must keep the same contract.
func variants(t *testing.T) []language {
	t.Helper()
	var found []language
	for _, l := range languages(t) {
		if l.name == "python" && exec.CommandContext(t.Context(), "python3", "-c", "import flask").Run() == nil {
			l.label = "python with Flask"
			l.image.Env = map[string]string{"HOTPOD_FLASK": "installed"}
			found = append(found, l)
		}
	}
	return found
}

func readImage(t *testing.T, file string) image {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var i image
	if err := yaml.UnmarshalStrict(raw, &i); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return i
}

// source returns the path of a test function.
func (l language) source(t *testing.T, name string) string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(l.functions, name+".*"))
	if err != nil || len(found) != 1 {
		t.Fatalf("test function %s of %s: %v %v", name, l.name, found, err)
	}
	return found[0]
}

// place copies a test function to where the fetcher puts a single file: a path without an extension.
func (l language) place(t *testing.T, name string) string {
	t.Helper()
	return place(t, l.source(t, name))
}

func place(t *testing.T, source string) string {
	t.Helper()
	raw, err := os.ReadFile(source)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "deployarchive")
	if err := os.WriteFile(path, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
