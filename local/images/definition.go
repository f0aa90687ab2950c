package images

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"sigs.k8s.io/yaml"
)

// FileName is the file that makes a folder an image.
const FileName = "image.yaml"

// Definition is the contents of an image.yaml.
type Definition struct {
	// Names are the image names that the folder is known by.
	Names []string `json:"names,omitempty"`
	// Command is the entrypoint. A first element that is a relative path with a slash, and any other element that
	// names a file of the folder, is taken from the folder.
	Command []string `json:"command,omitempty"`
	// Program is one of Hotpod's own programs, by the name of its file; it runs in place of a command.
	Program string `json:"program,omitempty"`
	// Env is set below the container's own environment.
	Env map[string]string `json:"env,omitempty"`
	// WorkDir is relative to the folder; empty means the folder itself.
	WorkDir string `json:"workdir,omitempty"`
	// Requires are programs that have to be on PATH.
	Requires []string `json:"requires,omitempty"`
	// Optional are programs that the image finds on its PATH when they are installed.
	Optional []string `json:"optional,omitempty"`
	// Builds says that the image, which is no builder, builds sources too: it has what builders have.
	Builds bool `json:"builds,omitempty"`
	// Install says how to get what is required, for people.
	Install string `json:"install,omitempty"`
	// Packages are the Debian packages that the folder's container image is made of; the embedded platform uses the
	// machine's programs.
	Packages []string `json:"packages,omitempty"`
}

// builderFolder is the name of an environment's folder that is the image of its builder.
const builderFolder = "builder"

// isBuilder reports whether a folder is a builder's: without a command of its own it runs the program of that name, with
// its scripts on the PATH.
func isBuilder(dir string) bool { return filepath.Base(dir) == builderFolder }

// readDefinition reads the image.yaml of the folder. Unknown fields are errors, because they are misspelt ones.
func readDefinition(dir string) (Definition, error) {
	var d Definition
	text, err := os.ReadFile(filepath.Join(dir, FileName))
	if err != nil {
		return d, err
	}
	if err := yaml.UnmarshalStrict(text, &d); err != nil {
		return d, fmt.Errorf("read %s: %w", filepath.Join(dir, FileName), err)
	}
	return d, d.validate(dir)
}

func (d Definition) validate(dir string) error {
	var errs []error
	if len(d.Command) == 0 && d.Program == "" && !isBuilder(dir) {
		errs = append(errs, errors.New("command is empty"))
	}
	if len(d.Command) > 0 && d.Program != "" {
		errs = append(errs, errors.New("command and program exclude each other"))
	}
	for _, name := range d.Names {
		if normalize(name) == "" || strings.ContainsAny(name, " \t\n") {
			errs = append(errs, fmt.Errorf("%q is not an image name", name))
		}
	}
	if d.WorkDir != "" && !filepath.IsLocal(d.WorkDir) {
		errs = append(errs, fmt.Errorf("workdir %q leads out of the folder", d.WorkDir))
	}
	if len(errs) > 0 {
		return fmt.Errorf("%s is invalid: %w", filepath.Join(dir, FileName), errors.Join(errs...))
	}
	return nil
}

// inFolder makes the elements of the command absolute that name files of the folder.
func (d Definition) inFolder(dir string) []string {
	command := make([]string, len(d.Command))
	for i, arg := range d.Command {
		command[i] = arg
		if filepath.IsAbs(arg) || !filepath.IsLocal(arg) || i == 0 && !strings.Contains(arg, "/") {
			continue
		}
		if path := filepath.Join(dir, arg); exists(path) {
			command[i] = path
		}
	}
	return command
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
