package storage

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// Ends of names in the spool: an upload in one go, and one in pieces.
const (
	endWhole  = ".upload"
	endPieces = ".pieces"
)

// spool is the folder of uploads that are not complete.
type spool struct {
	dir string

	mu   sync.Mutex // guards below
	busy map[string]bool
}

func newSpool(dir string) *spool {
	return &spool{dir: dir, busy: map[string]bool{}}
}

// spooled is a complete upload.
type spooled struct {
	file *os.File
	id   string
	size int64
}

// discard gives the file up, if the backend has not taken it.
func (f *spooled) discard() {
	_ = f.file.Close()
	_ = os.Remove(f.file.Name())
}

// receive stores what content holds.
func (s *spool) receive(content io.Reader) (*spooled, error) {
	file, err := os.CreateTemp(s.dir, "*"+endWhole)
	if err != nil {
		return nil, fmt.Errorf("store upload: %w", err)
	}
	f := &spooled{file: file}
	sum := sha256.New()
	if f.size, err = io.Copy(io.MultiWriter(file, sum), content); err != nil {
		f.discard()
		return nil, fmt.Errorf("store upload: %w", err)
	}
	f.id = hex.EncodeToString(sum.Sum(nil))
	return f, nil
}

// take stores what write writes.
func (s *spool) take(write func(io.Writer) error) (*spooled, error) {
	r, w := io.Pipe()
	go func() { _ = w.CloseWithError(write(w)) }()
	f, err := s.receive(r)
	_ = r.Close() // ends a writer that has more
	return f, err
}

// pieces opens the upload of the archive with that identity, for one caller at a time, and returns what it holds.
// ok is false while another has it.
func (s *spool) pieces(id string) (file *os.File, held int64, closeIt func(), ok bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.busy[id] {
		return nil, 0, nil, false, nil
	}
	file, err = os.OpenFile(filepath.Join(s.dir, id+endPieces), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, 0, nil, false, fmt.Errorf("store upload: %w", err)
	}
	held, err = file.Seek(0, io.SeekEnd)
	if err != nil {
		_ = file.Close()
		return nil, 0, nil, false, fmt.Errorf("store upload: %w", err)
	}
	s.busy[id] = true
	return file, held, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.busy, id)
		_ = file.Close()
	}, true, nil
}

// sumOf reads a file from its beginning.
func sumOf(file *os.File) (string, error) {
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return "", fmt.Errorf("check upload: %w", err)
	}
	sum := sha256.New()
	if _, err := io.Copy(sum, file); err != nil {
		return "", fmt.Errorf("check upload: %w", err)
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// bytes is what uploads take on disk.
func (s *spool) bytes() (total int64) {
	s.each(func(_ string, info os.FileInfo) { total += info.Size() })
	return total
}

// sweep deletes uploads that nothing was added to since the time.
func (s *spool) sweep(since time.Time) {
	s.each(func(path string, info os.FileInfo) {
		s.mu.Lock()
		defer s.mu.Unlock()
		if info.ModTime().Before(since) && !s.busy[strings.TrimSuffix(info.Name(), endPieces)] {
			_ = os.Remove(path)
		}
	})
}

func (s *spool) each(visit func(path string, info os.FileInfo)) {
	entries, err := os.ReadDir(s.dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return
	}
	for _, e := range entries {
		if info, err := e.Info(); err == nil && info.Mode().IsRegular() {
			visit(filepath.Join(s.dir, e.Name()), info)
		}
	}
}
