package contract

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"sigs.k8s.io/yaml"
)

const patience = 30 * time.Second

// Language is a runtime to be checked: a folder with an image.yaml, and functions written for the checks.
type Language struct {
	Name string
	// Label names the language in results; it differs from Name for a variant of its runtime.
	Label string
	// Dir is the folder of the runtime.
	Dir string
	// Functions is the folder of the functions that the checks load.
	Functions string
	// Programs is the folder of Hotpod's own programs.
	Programs string
	Image    Image
	Traits   Traits
}

// Image is an image.yaml.
type Image struct {
	Names   []string `json:"names"`
	Command []string `json:"command"`
	// Program is a program of Hotpod's own, by its file's name, that runs in place of Command.
	Program  string            `json:"program"`
	Env      map[string]string `json:"env"`
	WorkDir  string            `json:"workdir"`
	Requires []string          `json:"requires"`
	Optional []string          `json:"optional"`
	Install  string            `json:"install"`
	Builds   bool              `json:"builds"`
	Packages []string          `json:"packages"`
}

// Traits are where languages may differ: a contract.yaml beside the functions. Without one, nothing differs.
type Traits struct {
	// HealthIsReserved says that /healthz stays the runtime's after specialization.
	HealthIsReserved bool `json:"healthIsReserved"`
	// LoadBlocks says that the runtime answers nothing while it loads code.
	LoadBlocks bool `json:"loadBlocks"`
	// Says are texts that a refused load must contain, by what was wrong with the code.
	Says map[string][]string `json:"says"`
	// Entries are the language's own names for the entry points that checks use.
	Entries map[string]string `json:"entries"`
	// Cannot holds checks, by area or by "area: name", that do not apply, and why.
	Cannot map[string]string `json:"cannot"`
}

// ReadLanguage reads the runtime in dir; functions is the folder of its test functions.
func ReadLanguage(dir, functions string) (Language, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return Language{}, err
	}
	if functions, err = filepath.Abs(functions); err != nil {
		return Language{}, err
	}
	l := Language{Name: filepath.Base(dir), Label: filepath.Base(dir), Dir: dir, Functions: functions}
	if own, err := os.Executable(); err == nil {
		l.Programs = filepath.Dir(own)
	}
	if l.Image, err = ReadImage(dir); err != nil {
		return l, err
	}
	err = readYAML(filepath.Join(functions, "contract.yaml"), &l.Traits)
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return l, err
}

// ReadImage reads the image.yaml of a runtime's folder.
func ReadImage(dir string) (Image, error) {
	var i Image
	file := filepath.Join(dir, "image.yaml")
	if err := readYAML(file, &i); err != nil {
		return i, err
	}
	if len(i.Command) == 0 && i.Program == "" {
		return i, fmt.Errorf("%s has no command and no program", file)
	}
	return i, nil
}

// CommandIn returns what runs the image of a folder: a word that names a file there by its path, or the program among those
// of Hotpod's own.
func (i Image) CommandIn(dir, programs string) []string {
	if i.Program != "" {
		return []string{filepath.Join(programs, i.Program)}
	}
	command := make([]string, len(i.Command))
	for n, word := range i.Command {
		command[n] = word
		if file := filepath.Join(dir, word); filepath.IsLocal(word) && (n > 0 || strings.Contains(word, "/")) && exists(file) {
			command[n] = file
		}
	}
	return command
}

func readYAML(file string, into any) error {
	raw, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	if err := yaml.UnmarshalStrict(raw, into); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	return nil
}

// Missing returns a program that the image requires and that is not on PATH, or nothing.
func (i Image) Missing() string {
	for _, program := range i.Requires {
		if _, err := exec.LookPath(program); err != nil {
			return program
		}
	}
	return ""
}

// Cannot returns why a check does not apply to the language, or nothing.
func (l Language) Cannot(c Check) string {
	if why := l.Traits.Cannot[c.Area]; why != "" {
		return why
	}
	return l.Traits.Cannot[c.Area+": "+c.Name]
}

// entry returns the language's name for an entry point.
func (l Language) entry(name string) string {
	if own, ok := l.Traits.Entries[name]; ok {
		return own
	}
	return name
}

// source returns the path of a test function; a language without it skips the check.
func (l Language) source(t T, name string) string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(l.Functions, name+".*"))
	if err != nil || len(found) > 1 {
		t.Fatalf("test function %s of %s: %v %v", name, l.Name, found, err)
	}
	if len(found) == 0 {
		t.Skipf("there is no test function %s.* in %s", name, l.Functions)
	}
	return found[0]
}

// folder returns the path of a test function that is a folder.
func (l Language) folder(t T, name string) string {
	t.Helper()
	path := filepath.Join(l.Functions, name)
	if !exists(path) {
		t.Skipf("there is no test function %s/ in %s", name, l.Functions)
	}
	return path
}

// place copies a test function to where the fetcher puts a single file: a path without an extension.
func (l Language) place(t T, name string) string {
	t.Helper()
	return place(t, l.source(t, name), "deployarchive")
}

// volume returns a folder with a test function where version 1 has it.
func (l Language) volume(t T, name string) string {
	t.Helper()
	return filepath.Dir(place(t, l.source(t, name), "user"))
}

func place(t T, source, name string) string {
	t.Helper()
	raw, err := os.ReadFile(source)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
