package images

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"hotpod.dev/local/pki"
)

// Registry is the list of images that a person added, kept in one file. Methods are safe for concurrent use within a
// process; a change is one replacement of the file, and each reading method reads it anew, so a running platform sees
// what another process added.
type Registry struct {
	file string
	mu   sync.Mutex // guards the sequence of reading and replacing the file
}

// NewRegistry returns the registry kept in the file, which need not exist.
func NewRegistry(file string) *Registry { return &Registry{file: file} }

// List returns the added images: folder by name.
func (r *Registry) List() (map[string]string, error) {
	added := map[string]string{}
	text, err := os.ReadFile(r.file)
	if errors.Is(err, fs.ErrNotExist) {
		return added, nil
	}
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(text, &added); err != nil {
		return nil, fmt.Errorf("read %s: %w", r.file, err)
	}
	return added, nil
}

// Add makes the folder known by the name, in place of what had the name before. The folder needs an image.yaml.
func (r *Registry) Add(name, dir string) error {
	key := normalize(name)
	if key == "" {
		return fmt.Errorf("%q is not an image name", name)
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	if _, err := readDefinition(dir); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s has no %s (it needs at least a line like: command: [node, server.js])", dir, FileName)
	} else if err != nil {
		return err
	}
	return r.change(func(added map[string]string) error {
		added[key] = dir
		return nil
	})
}

// Remove forgets an added name.
func (r *Registry) Remove(name string) error {
	key := normalize(name)
	return r.change(func(added map[string]string) error {
		if _, ok := added[key]; !ok {
			return fmt.Errorf("no image %s was added (added: %v)", name, slices.Sorted(maps.Keys(added)))
		}
		delete(added, key)
		return nil
	})
}

func (r *Registry) change(edit func(map[string]string) error) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	added, err := r.List()
	if err != nil {
		return err
	}
	if err := edit(added); err != nil {
		return err
	}
	text, err := json.MarshalIndent(added, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(r.file), 0o700); err != nil {
		return err
	}
	return pki.WriteFile(r.file, append(text, '\n'), 0o600)
}
