package volume

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// dataLink leads to the directory with the present content; the names that
// containers use are links through it.
const dataLink = "..data"

// Write makes dir hold exactly the payload. Readers in a container see the old
// content or the new, because one rename of a link changes all of it. It says
// whether anything was different.
func Write(dir string, payload Payload) (changed bool, err error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return false, fmt.Errorf("make volume: %w", err)
	}
	old, _ := os.Readlink(filepath.Join(dir, dataLink))
	if old != "" && same(filepath.Join(dir, old), payload) {
		return false, nil
	}
	fresh, err := os.MkdirTemp(dir, "..v")
	if err != nil {
		return false, fmt.Errorf("make volume: %w", err)
	}
	if err := fill(fresh, payload); err != nil {
		return false, errors.Join(err, os.RemoveAll(fresh))
	}
	if err := swap(dir, filepath.Base(fresh)); err != nil {
		return false, errors.Join(err, os.RemoveAll(fresh))
	}
	if err := relink(dir, payload); err != nil {
		return false, err
	}
	if old != "" {
		return true, os.RemoveAll(filepath.Join(dir, old))
	}
	return true, nil
}

func fill(dir string, payload Payload) error {
	if err := os.Chmod(dir, 0o755); err != nil {
		return err
	}
	for name, file := range payload {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return fmt.Errorf("write volume: %w", err)
		}
		if err := os.WriteFile(path, file.Data, 0o600); err != nil {
			return fmt.Errorf("write volume: %w", err)
		}
		if err := os.Chmod(path, os.FileMode(file.Mode).Perm()); err != nil {
			return fmt.Errorf("write volume: %w", err)
		}
	}
	return nil
}

func swap(dir, fresh string) error {
	next := filepath.Join(dir, dataLink+"_next")
	_ = os.Remove(next)
	if err := os.Symlink(fresh, next); err != nil {
		return fmt.Errorf("write volume: %w", err)
	}
	return os.Rename(next, filepath.Join(dir, dataLink))
}

// relink makes the names that containers use, and removes those that are gone.
func relink(dir string, payload Payload) error {
	wanted := map[string]bool{}
	for name := range payload {
		top, _, _ := strings.Cut(name, "/")
		wanted[top] = true
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if name := entry.Name(); !strings.HasPrefix(name, "..") && !wanted[name] {
			if err := os.Remove(filepath.Join(dir, name)); err != nil {
				return err
			}
		}
	}
	for name := range wanted {
		err := os.Symlink(filepath.Join(dataLink, name), filepath.Join(dir, name))
		if err != nil && !errors.Is(err, os.ErrExist) {
			return err
		}
	}
	return nil
}

// same says whether the directory holds the payload already.
func same(dir string, payload Payload) bool {
	count := 0
	err := filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		file, ok := payload[name]
		data, err := os.ReadFile(path)
		if err != nil || !ok || !bytes.Equal(data, file.Data) {
			return errors.New("different")
		}
		count++
		return nil
	})
	return err == nil && count == len(payload)
}
