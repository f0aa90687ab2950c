package spec

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	kjson "sigs.k8s.io/json"

	v1 "hotpod.dev/api/v1"
)

// Options say how specs are read.
type Options struct {
	// Namespace of objects that name none; with Force of all.
	Namespace string
	Force     bool
	// Ignore is the name of the file of patterns of specs to leave out; empty means IgnoreFile.
	Ignore string
	// Labels that every object gets.
	Labels map[string]string
}

// ErrNoSpecs says that a folder holds no specs.
var ErrNoSpecs = errors.New("no specs")

// Read reads all specs of a folder. Its error lists every fault with its place.
func Read(dir string, o Options) (*App, error) {
	files, err := specFiles(dir, o.Ignore)
	if err != nil {
		return nil, err
	}
	app := &App{Dir: dir}
	var faults []error
	for _, file := range files {
		docs, err := documents(file)
		if err != nil {
			faults = append(faults, err)
		}
		for i := range docs {
			faults = append(faults, app.add(&docs[i], o)...)
		}
	}
	if len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	if app.Config.UID == "" {
		return nil, fmt.Errorf("%w in %s: there is no DeploymentConfig", ErrNoSpecs, dir)
	}
	for _, item := range app.Items {
		item.mark(app.Config, o.Labels)
	}
	return app, nil
}

// specFiles returns the YAML files of a folder and of those below it.
func specFiles(dir, ignore string) ([]string, error) {
	if ignore == "" {
		ignore = IgnoreFile
	}
	hidden, err := patterns(filepath.Join(dir, ignore))
	if err != nil {
		return nil, err
	}
	var files []string
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(dir, path)
		skip := rel != "." && (hidden.match(filepath.ToSlash(rel)) || strings.HasPrefix(d.Name(), "."))
		if skip && d.IsDir() {
			return fs.SkipDir
		}
		if ext := filepath.Ext(path); !skip && !d.IsDir() && (ext == ".yaml" || ext == ".yml") {
			files = append(files, path)
		}
		return nil
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: there is no folder %s", ErrNoSpecs, dir)
	}
	return files, err
}

// patterns reads a file of globs; one that does not exist has none.
func patterns(file string) (globs, error) {
	data, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read specs: %w", err)
	}
	var out globs
	for line := range strings.Lines(string(data)) {
		line = strings.Trim(strings.TrimSpace(line), "/")
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if !strings.Contains(line, "/") {
			line = "**/" + line
		}
		out = append(out, glob(line))
	}
	return out, nil
}

// add takes a document into the app.
func (a *App) add(d *document, o Options) []error {
	var head metav1.TypeMeta
	if err := json.Unmarshal(d.json, &head); err != nil {
		return []error{fmt.Errorf("%s: not an object: %w", d.at, err)}
	}
	switch {
	case head.Kind == kindConfig:
		if a.Config.UID != "" {
			return []error{fmt.Errorf("%s: a second DeploymentConfig: a folder describes one application", d.at)}
		}
		faults := d.decode(&a.Config)
		if a.Config.UID == "" {
			faults = append(faults, fmt.Errorf("%s: the DeploymentConfig has no uid", d.at))
		}
		return faults
	case head.Kind == kindArchive:
		archive := &Archive{at: d.at}
		faults := d.decode(archive)
		a.Archives = append(a.Archives, archive)
		return faults
	case newObject(head.Kind) == nil:
		return []error{fmt.Errorf("%s: kind %q is not known: it is one of %s, %s, %s", d.locate("kind"), head.Kind,
			strings.Join(Kinds(), ", "), kindArchive, kindConfig)}
	case head.APIVersion != v1.GroupVersion.String():
		return []error{fmt.Errorf("%s: apiVersion %q: it is %s", d.locate("apiVersion"), head.APIVersion, v1.GroupVersion)}
	}
	item, faults := newItem(d, head.Kind, o)
	if len(faults) == 0 {
		a.Items = append(a.Items, item)
	}
	return faults
}

// unknownField finds the field that a strict decoder blames.
var unknownField = regexp.MustCompile(`^(unknown|duplicate) field "(.*)"$`)

// decode decodes strictly: what it does not know is a fault, with its line.
func (d *document) decode(into any) []error {
	strict, err := kjson.UnmarshalStrict(d.json, into)
	if err != nil {
		return []error{fmt.Errorf("%s: %s", d.at, strings.TrimPrefix(err.Error(), "json: "))}
	}
	var faults []error
	for _, fault := range strict {
		at := d.at
		if m := unknownField.FindStringSubmatch(fault.Error()); m != nil {
			at = d.locate(m[2])
		}
		faults = append(faults, fmt.Errorf("%s: %w", at, fault))
	}
	return faults
}
