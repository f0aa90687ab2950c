package images

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"hotpod.dev/local/node"
)

// Resolver finds images for the node. It is safe for concurrent use and must not be changed after its first use.
type Resolver struct {
	// Environments is the folder whose subfolders are the checkout's images; empty means none.
	Environments string
	// Programs are folders of Hotpod's own programs, searched in order.
	Programs []string
	// Extra maps further image names to programs, by their absolute paths.
	Extra map[string]string
	// BuilderEnv are variables of all builders: how registries are reached from here.
	BuilderEnv map[string]string
	// BuilderCache is the folder where builders keep what they download; empty means that it goes with the pod.
	BuilderCache string
	// Added are the person's own images; nil means none.
	Added *Registry
}

var _ node.ImageResolver = (*Resolver)(nil)

// Resolve returns what to run for the image. The error for an unknown name tells the known ones.
func (r *Resolver) Resolve(image string) (node.Image, error) {
	name := normalize(image)
	if found, ok := r.program(name); ok {
		return found, nil
	}
	folders, unreadable := r.Folders()
	dir, ok := folders[name]
	if !ok {
		return node.Image{}, errors.Join(fmt.Errorf("no image %s here; known are %s; a folder becomes an image by: hotpod local image add NAME DIR",
			image, strings.Join(slices.Sorted(maps.Keys(folders)), ", ")), unreadable)
	}
	return r.load(image, dir)
}

// Names returns the known names, sorted, without those of Hotpod's own programs.
func (r *Resolver) Names() []string {
	folders, _ := r.Folders() // a folder that cannot be read is reported by Resolve
	return slices.Sorted(maps.Keys(folders))
}

// Folders returns the folder of each known name. The error tells which definitions cannot be read; the others are
// returned beside it.
func (r *Resolver) Folders() (map[string]string, error) {
	folders := map[string]string{}
	var errs []error
	if r.Environments != "" {
		files, err := filepath.Glob(filepath.Join(r.Environments, "*", FileName))
		builders, berr := filepath.Glob(filepath.Join(r.Environments, "*", builderFolder, FileName))
		errs = append(errs, err, berr)
		for _, file := range slices.Concat(files, builders) {
			d, err := readDefinition(filepath.Dir(file))
			if err != nil {
				errs = append(errs, err)
				continue
			}
			for _, name := range d.Names {
				folders[normalize(name)] = filepath.Dir(file)
			}
		}
	}
	if r.Added != nil {
		added, err := r.Added.List()
		errs = append(errs, err)
		maps.Copy(folders, added)
	}
	return folders, errors.Join(errs...)
}

// load reads the image.yaml of the image's folder.
func (r *Resolver) load(image, dir string) (node.Image, error) {
	d, err := readDefinition(dir)
	if err != nil {
		return node.Image{}, fmt.Errorf("use image %s: %w", image, err)
	}
	for _, program := range d.Requires {
		if _, err := exec.LookPath(program); err != nil {
			return node.Image{}, fmt.Errorf("image %s needs %s on the PATH of the platform: %s and start the platform again", image, program, d.howToInstall())
		}
	}
	found := node.Image{
		Command: d.inFolder(dir), Env: d.Env, WorkDir: filepath.Join(dir, d.WorkDir), Dir: dir, Requires: d.Requires, Optional: d.Optional,
	}
	if len(d.Command) == 0 && d.Program == "" {
		return r.builder(image, dir, found)
	}
	if d.Program != "" {
		file, ok := r.find(d.Program)
		if !ok {
			return node.Image{}, fmt.Errorf("image %s is the program %s, which is not in %s: run make build", image, d.Program, strings.Join(r.Programs, ", "))
		}
		found.Command, found.Dir, found.WorkDir = []string{file}, filepath.Dir(file), "/"
	}
	if d.Builds {
		err = r.equip(image, &found)
	}
	return found, err
}

// builder completes the image of a builder's folder.
func (r *Resolver) builder(image, dir string, found node.Image) (node.Image, error) {
	program, ok := r.find(builderFolder)
	if !ok {
		return node.Image{}, fmt.Errorf("image %s needs the program builder, which is not in %s: run make build", image, strings.Join(r.Programs, ", "))
	}
	programs := filepath.Dir(program)
	found.Command, found.Dir, found.WorkDir, found.Path = []string{program, "/packages"}, programs, "/", []string{dir, programs}
	err := r.equip(image, &found)
	return found, err
}

// equip gives an image what builders have: the way to package registries, and a cache.
func (r *Resolver) equip(image string, found *node.Image) error {
	env := maps.Clone(r.BuilderEnv)
	if env == nil {
		env = map[string]string{}
	}
	maps.Copy(env, found.Env)
	found.Env = env
	if found.Cache = r.BuilderCache; found.Cache != "" {
		if err := os.MkdirAll(found.Cache, 0o755); err != nil { //nolint:gosec // its files are the public's
			return fmt.Errorf("use image %s: %w", image, err)
		}
	}
	return nil
}

func (d Definition) howToInstall() string {
	if d.Install == "" {
		return "install it"
	}
	return d.Install
}

// program finds hotpod/NAME in the folders of programs; queue-proxy is also found as queueproxy.
func (r *Resolver) program(name string) (node.Image, bool) {
	if file, ok := r.Extra[name]; ok {
		return binary(file), true
	}
	registry, base := path.Split(name)
	if path.Base(registry) != "hotpod" {
		return node.Image{}, false
	}
	file, ok := r.find(base, strings.ReplaceAll(base, "-", ""))
	if !ok {
		return node.Image{}, false
	}
	return binary(file), true
}

// find returns the first of the folders' executables that has one of the names.
func (r *Resolver) find(names ...string) (string, bool) {
	for _, dir := range r.Programs {
		for _, name := range names {
			file := filepath.Join(dir, name)
			if info, err := os.Stat(file); err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0 {
				return file, true
			}
		}
	}
	return "", false
}

func binary(file string) node.Image {
	dir := filepath.Dir(file)
	return node.Image{
		Command: []string{file}, WorkDir: "/", Dir: dir,
		// Manifests may name the program without its folder, as they do for containers.
		Env: map[string]string{"PATH": dir + ":/usr/local/bin:/usr/bin:/bin"},
	}
}
