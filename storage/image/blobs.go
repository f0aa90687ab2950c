package image

import (
	"archive/tar"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// opener opens files by their names, apart by slashes, of a folder or of a tar. What is not there is fs.ErrNotExist.
func opener(file string) (func(name string) (io.ReadSeekCloser, error), error) {
	info, err := os.Stat(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, theirs("%s: no such file or folder", file)
	}
	if err != nil {
		return nil, fmt.Errorf("look for OCI layout: %w", err)
	}
	if info.IsDir() {
		return func(name string) (io.ReadSeekCloser, error) {
			return os.Open(filepath.Join(file, filepath.FromSlash(name)))
		}, nil
	}
	return tarOpener(file)
}

// section is where a file's content is in a tar.
type section struct{ offset, size int64 }

// tarOpener opens files of a tar where they are in it: nothing is unpacked.
func tarOpener(file string) (func(name string) (io.ReadSeekCloser, error), error) {
	sections, err := sectionsOf(file)
	if err != nil {
		return nil, err
	}
	return func(name string) (io.ReadSeekCloser, error) {
		s, ok := sections[name]
		if !ok {
			return nil, fs.ErrNotExist
		}
		f, err := os.Open(file)
		if err != nil {
			return nil, err
		}
		return struct {
			io.ReadSeeker
			io.Closer
		}{io.NewSectionReader(f, s.offset, s.size), f}, nil
	}, nil
}

// sectionsOf finds the files of a tar by their names. The tar's reader reads no further than to the content.
func sectionsOf(file string) (map[string]section, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, fmt.Errorf("read OCI layout: %w", err)
	}
	defer f.Close()
	sections := map[string]section{}
	for in := tar.NewReader(f); ; {
		h, err := in.Next()
		if errors.Is(err, io.EOF) {
			return sections, nil
		}
		if err != nil {
			return nil, theirs("%s is no OCI layout: it is neither a folder nor a tar that is not compressed", file)
		}
		if h.Typeflag != tar.TypeReg {
			continue
		}
		offset, err := f.Seek(0, io.SeekCurrent)
		if err != nil {
			return nil, fmt.Errorf("read OCI layout: %w", err)
		}
		sections[path.Clean(h.Name)] = section{offset, h.Size}
	}
}

// blob opens what has that digest, and checks that it does.
func (l *layout) blob(digest v1.Hash) (io.ReadSeekCloser, error) {
	if digest.Algorithm != "sha256" {
		return nil, theirs("%s: %s is no SHA-256", l.path, digest)
	}
	f, err := l.open("blobs/sha256/" + digest.Hex)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, theirs("%s is not complete: it has no %s", l.path, digest)
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", l.path, err)
	}
	sum := sha256.New()
	_, err = io.Copy(sum, f)
	if err == nil && hex.EncodeToString(sum.Sum(nil)) != digest.Hex {
		err = theirs("%s is damaged: what is under %s has another digest", l.path, digest)
	}
	if err == nil {
		_, err = f.Seek(0, io.SeekStart)
	}
	if err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("read image: %w", err)
	}
	return f, nil
}

// read returns what has that digest, where that is small.
func (l *layout) read(digest v1.Hash) ([]byte, error) {
	f, err := l.blob(digest)
	if err != nil {
		return nil, err
	}
	return l.small(f)
}

// small reads a file that is held in memory, and closes it.
func (l *layout) small(f io.ReadCloser) ([]byte, error) {
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxManifest+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("read %s: %w", l.path, err)
	case len(text) > maxManifest:
		return nil, theirs("%s: an index or a manifest is larger than %d bytes", l.path, maxManifest)
	}
	return text, nil
}
