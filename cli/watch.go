package cli

import (
	"context"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"time"

	"github.com/fsnotify/fsnotify"
)

// settleFiles is how long files must be at rest before a change counts: editors and compilers write in several steps.
const settleFiles = 60 * time.Millisecond

// fileWatch tells when something in folders changes.
type fileWatch struct {
	watcher *fsnotify.Watcher
	// only is the one file that matters; empty means all.
	only string
}

// watchFiles watches folders and all that is in them, but for what no project means: hidden and installed files.
func watchFiles(roots ...string) (*fileWatch, error) {
	w, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, fmt.Errorf("watch files: %w", err)
	}
	f := &fileWatch{watcher: w}
	for _, root := range roots {
		if err := f.add(root, true); err != nil {
			_ = w.Close()
			return nil, fmt.Errorf("watch %s: %w", root, err)
		}
	}
	return f, nil
}

// add watches a folder and those below it.
func (f *fileWatch) add(root string, top bool) error {
	return filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		if ignoredFile(path) && (!top || path != root) {
			return fs.SkipDir
		}
		return f.watcher.Add(path)
	})
}

// ignoredFile reports whether changes of a file mean nothing.
func ignoredFile(path string) bool {
	name := filepath.Base(path)
	if name == "node_modules" || name == "__pycache__" {
		return true
	}
	return len(name) > 1 && name[0] == '.' && name != ".." || strings.HasSuffix(name, "~") || strings.HasSuffix(name, ".swp")
}

// next waits for a change and for its end, and returns the file that changed first; "" when ctx ended.
func (f *fileWatch) next(ctx context.Context) (string, error) {
	changed := ""
	settled := time.NewTimer(time.Hour)
	defer settled.Stop()
	for {
		select {
		case <-ctx.Done():
			return "", nil
		case err := <-f.watcher.Errors:
			return "", fmt.Errorf("watch files: %w", err)
		case <-settled.C:
			if changed != "" {
				return changed, nil
			}
		case e := <-f.watcher.Events:
			if ignoredFile(e.Name) || e.Op == fsnotify.Chmod || f.only != "" && e.Name != f.only {
				continue
			}
			if e.Op.Has(fsnotify.Create) {
				_ = f.add(e.Name, false) // a folder is watched too; what is gone again needs no watch
			}
			if changed == "" {
				changed = e.Name
			}
			settled.Reset(settleFiles)
		}
	}
}

// Close ends the watch.
func (f *fileWatch) Close() error { return f.watcher.Close() }
