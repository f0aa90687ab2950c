package storage

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// Folder is the Backend that keeps archives as files: ab/abcdef….
type Folder struct {
	dir string
	// mu keeps a deletion from taking away what is being uploaded again.
	mu sync.Mutex
}

// NewFolder returns the backend in a folder, which is made if there is none.
func NewFolder(dir string) (*Folder, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the folder of archives: %w", err)
	}
	return &Folder{dir: dir}, nil
}

func (f *Folder) path(id string) string { return filepath.Join(f.dir, id[:2], id) }

// Put implements Backend. The file must be on the same file system.
func (f *Folder) Put(_ context.Context, id string, file *os.File) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	target := f.path(id)
	if touch(target) == nil {
		return nil
	}
	if err := file.Sync(); err != nil {
		return fmt.Errorf("keep archive: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(target), 0o700); err != nil {
		return fmt.Errorf("keep archive: %w", err)
	}
	if err := os.Rename(file.Name(), target); err != nil {
		return fmt.Errorf("keep archive: %w", err)
	}
	if err := touch(target); err != nil {
		return fmt.Errorf("keep archive: %w", err)
	}
	return syncFolder(filepath.Dir(target))
}

// syncFolder makes a name in the folder outlive a crash.
func syncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("keep archive: %w", err)
	}
	defer func() { _ = d.Close() }()
	if err := d.Sync(); err != nil {
		return fmt.Errorf("keep archive: %w", err)
	}
	return nil
}

func touch(path string) error {
	now := time.Now()
	return os.Chtimes(path, now, now)
}

// Touch implements Backend.
func (f *Folder) Touch(_ context.Context, id string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return found(touch(f.path(id)))
}

// Open implements Backend.
func (f *Folder) Open(_ context.Context, id string) (Content, Archive, error) {
	file, err := os.Open(f.path(id))
	if err != nil {
		return nil, Archive{}, found(err)
	}
	info, err := file.Stat()
	if err != nil {
		_ = file.Close()
		return nil, Archive{}, found(err)
	}
	return file, archiveOf(info), nil
}

// Stat implements Backend.
func (f *Folder) Stat(_ context.Context, id string) (Archive, error) {
	info, err := os.Stat(f.path(id))
	if err != nil {
		return Archive{}, found(err)
	}
	return archiveOf(info), nil
}

// List implements Backend.
func (f *Folder) List(ctx context.Context, yield func(Archive)) error {
	err := filepath.WalkDir(f.dir, func(path string, d fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist): // deleted meanwhile
			return nil
		case err != nil:
			return err
		case ctx.Err() != nil:
			return ctx.Err()
		case !d.Type().IsRegular() || !validID(d.Name()) || path != f.path(d.Name()):
			return nil
		}
		if info, err := d.Info(); err == nil {
			yield(archiveOf(info))
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("list archives: %w", err)
	}
	return nil
}

// Delete implements Backend.
func (f *Folder) Delete(ctx context.Context, id string, notAfter time.Time) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	a, err := f.Stat(ctx, id)
	if err != nil || a.Modified.After(notAfter) {
		return err
	}
	return found(os.Remove(f.path(id)))
}

// Kind implements Backend.
func (f *Folder) Kind() (kind, bucket string) { return "local", "" }

func archiveOf(info fs.FileInfo) Archive {
	return Archive{ID: info.Name(), Size: info.Size(), Modified: info.ModTime()}
}

func found(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, fs.ErrNotExist):
		return ErrNotFound
	default:
		return fmt.Errorf("read archive: %w", err)
	}
}
