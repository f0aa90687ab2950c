package podinit

import (
	"errors"
	"os"
	"path/filepath"
)

// mirror makes dir a real directory whose entries lead to those of original, so
// that mount points can be made in it without touching the host's directory.
func (b *builder) mirror(original, dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	entries, err := os.ReadDir(original)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		from, path := filepath.Join(original, entry.Name()), filepath.Join(dir, entry.Name())
		if err := b.mirrorEntry(entry, from, path); err != nil && !errors.Is(err, os.ErrExist) {
			return err
		}
	}
	return nil
}

func (b *builder) mirrorEntry(entry os.DirEntry, from, path string) error {
	switch {
	case b.opened[path] && entry.IsDir():
		return b.mirror(from, path)
	case b.opened[path], b.points[path]:
		return nil
	case entry.Type()&os.ModeSymlink != 0:
		// A relative link is copied as it is: seen from the original's place it
		// would lead out of the directories that are bound.
		target, err := os.Readlink(from)
		if err != nil {
			return err
		}
		return os.Symlink(target, path)
	default:
		return os.Symlink(from, path)
	}
}
