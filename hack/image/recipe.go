package image

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"
)

// Recipe says what an image consists of and how it starts.
type Recipe struct {
	// Name is the image's name without registry and tag, such as hotpod/activator.
	Name string
	// Title says in a few words what the image is.
	Title string
	// Packages are the Debian packages it is made of, with all that they depend on; none means an empty base.
	Packages []string
	// Programs are commands of the checkout, which are built as static binaries and put into /usr/bin: names below cmd/,
	// or folders that begin with "./".
	Programs []string
	// Files maps paths in the image to files and folders of this machine.
	Files map[string]string
	// Links maps paths in the image to what they are symbolic links to.
	Links map[string]string
	// Entrypoint and WorkDir are those of the container.
	Entrypoint []string
	WorkDir    string
	// Env are variables, NAME=value, below those of the container.
	Env []string
}

// parts are the components that manifests and the pool name as hotpod/NAME, by their folders in cmd/.
func parts() []string {
	return []string{"activator", "autoscaler", "builder", "controller", "fetcher", "kubewatcher", "logger", "queueproxy", "router", "storage", "timer", "xds"}
}

// Recipes returns what the checkout has images for: the components, Envoy, and each folder of environments/ that tells
// its Debian packages or its program. The path of Envoy's binary is given by envoy.
func Recipes(root, envoy string) ([]Recipe, error) {
	recipes := []Recipe{{
		Name: "hotpod/envoy", Title: "Envoy for Hotpod's router", Packages: []string{"libc6", "libgcc-s1", "ca-certificates"},
		Files: map[string]string{"/usr/local/bin/envoy": envoy}, Entrypoint: []string{"envoy"},
	}}
	for _, part := range parts() {
		if _, err := os.Stat(filepath.Join(root, "cmd", part)); err != nil {
			continue
		}
		recipes = append(recipes, Recipe{
			Name: "hotpod/" + part, Title: "Hotpod's " + part, Programs: []string{part}, Entrypoint: []string{"/usr/bin/" + part},
		})
	}
	for _, kind := range []struct {
		files string
		read  func(file string) (Recipe, bool, error)
	}{{"environments/*/image.yaml", environment}, {"environments/*/builder/image.yaml", languageBuilder}} {
		definitions, err := filepath.Glob(filepath.Join(root, filepath.FromSlash(kind.files)))
		if err != nil {
			return nil, err
		}
		for _, file := range definitions {
			recipe, ok, err := kind.read(file)
			if err != nil {
				return nil, err
			}
			if ok {
				recipes = append(recipes, recipe)
			}
		}
	}
	return recipes, nil
}

// Testing returns the images that only tests want: what holds the namespaces of pods on the test cluster, and a server
// that answers what it is told to.
func Testing() []Recipe {
	return []Recipe{
		{Name: "hotpod/pause", Title: "Holder of a pod's namespaces", Programs: []string{"./test/cluster/pause"}, Entrypoint: []string{"/usr/bin/pause"}},
		{Name: "hotpod/probe", Title: "Server for tests", Programs: []string{"probe"}, Entrypoint: []string{"/usr/bin/probe"}},
	}
}

// definition is what this package reads of an image.yaml; the embedded platform reads it too.
type definition struct {
	Names    []string          `json:"names"`
	Command  []string          `json:"command"`
	Program  string            `json:"program"`
	Env      map[string]string `json:"env"`
	WorkDir  string            `json:"workdir"`
	Packages []string          `json:"packages"`
}

func readDefinition(file string) (definition, error) {
	var d definition
	text, err := os.ReadFile(file)
	if err != nil {
		return d, err
	}
	if err := yaml.Unmarshal(text, &d); err != nil {
		return d, fmt.Errorf("read %s: %w", file, err)
	}
	return d, nil
}

// languageBuilder reads the recipe of a language's builder: the program builder with the language's script and what that
// calls. Without packages it has none.
func languageBuilder(file string) (recipe Recipe, ok bool, err error) {
	d, err := readDefinition(file)
	if err != nil || len(d.Names) == 0 || len(d.Packages) == 0 {
		return Recipe{}, false, err
	}
	dir := filepath.Dir(file)
	return Recipe{
		Name: d.Names[0], Title: "Hotpod's builder for " + filepath.Base(filepath.Dir(dir)), Programs: []string{"builder"},
		Packages: slices.Concat([]string{"ca-certificates", "coreutils", "dash", "findutils", "grep", "sed", "tar"}, d.Packages),
		Files:    map[string]string{"/usr/local/bin/build": filepath.Join(dir, "build")},
		// Builder pods start it by this name, as Fission's do.
		Links:      map[string]string{"/builder": "usr/bin/builder"},
		Entrypoint: []string{"/builder", "/packages"},
	}, true, nil
}

// environment reads the recipe of a language's runtime. Without packages and program it has none.
func environment(file string) (recipe Recipe, ok bool, err error) {
	d, err := readDefinition(file)
	if err != nil || len(d.Names) == 0 || len(d.Packages) == 0 && d.Program == "" {
		return Recipe{}, false, err
	}
	dir := filepath.Dir(file)
	recipe = Recipe{
		Name: d.Names[0], Title: "Hotpod's runtime for " + filepath.Base(dir),
		// A shell and its tools are there for functions that call them, and for kubectl exec.
		Packages: slices.Concat([]string{"ca-certificates", "coreutils", "dash"}, d.Packages),
	}
	for name, value := range d.Env {
		recipe.Env = append(recipe.Env, name+"="+value)
	}
	slices.Sort(recipe.Env)
	if d.Program != "" {
		recipe.Programs, recipe.Entrypoint = []string{d.Program}, []string{"/usr/bin/" + d.Program}
		return recipe, true, nil
	}
	if len(d.Command) == 0 {
		return Recipe{}, false, errors.New(file + ": neither command nor program")
	}
	recipe.Files, err = runtimeFiles(dir)
	recipe.WorkDir = filepath.Join(runtimeDir, d.WorkDir)
	recipe.Entrypoint = inImage(dir, d.Command)
	return recipe, true, err
}

// runtimeDir is where an environment's folder is in its image.
const runtimeDir = "/opt/hotpod/runtime"

// runtimeFiles returns what of an environment's folder belongs into its image: not its tests, documents and builder.
func runtimeFiles(dir string) (map[string]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	files := map[string]string{}
	for _, entry := range entries {
		name := entry.Name()
		switch {
		case slices.Contains([]string{"test", "tests", "builder", "Containerfile", "image.yaml", "__pycache__"}, name):
		case strings.HasPrefix(name, "."), strings.HasSuffix(name, ".md"), strings.HasSuffix(name, "_test.go"):
		default:
			files[filepath.Join(runtimeDir, name)] = filepath.Join(dir, name)
		}
	}
	return files, nil
}

// inImage replaces the elements of a command that name files of the folder by their paths in the image.
func inImage(dir string, command []string) []string {
	out := slices.Clone(command)
	for i, arg := range out {
		if filepath.IsAbs(arg) || !filepath.IsLocal(arg) || i == 0 && !strings.Contains(arg, "/") {
			continue
		}
		if _, err := os.Stat(filepath.Join(dir, arg)); err == nil {
			out[i] = filepath.Join(runtimeDir, arg)
		}
	}
	return out
}
