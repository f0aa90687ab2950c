package cli

import (
	"archive/zip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	v1 "hotpod.dev/api/v1"
)

// archiveOptions say how code becomes an archive.
type archiveOptions struct {
	// sum is the SHA-256 that a URL's answer must have, "" when the user gave none; then it is computed now, unless
	// insecure says that any content will do.
	sum      string
	insecure bool
	// folder makes a zip of a single plain file too: what is built lies in a folder.
	folder bool
}

// archiveFrom makes an archive of what a user named: a URL, a file, a folder, or several of these and globs, which are
// packed into one zip. What is too large for an object is uploaded.
func (a *app) archiveFrom(ctx context.Context, names []string, o archiveOptions) (v1.Archive, error) {
	if len(names) == 1 && isURL(names[0]) {
		return a.urlArchive(ctx, names[0], o)
	}
	if o.sum != "" {
		return v1.Archive{}, usagef("a checksum is for a URL; that of files is computed")
	}
	files, err := expand(names)
	if err != nil {
		return v1.Archive{}, err
	}
	p, err := a.pack(names, files, o.folder)
	if err != nil {
		return v1.Archive{}, err
	}
	defer p.close()
	return a.placed(ctx, p, strings.Join(names, ", "))
}

// packFiles makes an archive of files by their paths below root, apart by slashes: one as it is, several as a zip.
func (a *app) packFiles(ctx context.Context, root string, files []string) (v1.Archive, error) {
	paths := make([]string, len(files))
	for i, file := range files {
		paths[i] = filepath.Join(root, filepath.FromSlash(file))
	}
	var p *packed
	var err error
	if len(paths) == 1 {
		p, err = openPacked(paths[0])
	} else {
		p, err = zipped(paths, root)
	}
	if err != nil {
		return v1.Archive{}, err
	}
	defer p.close()
	return a.placed(ctx, p, root)
}

// placed puts what was packed into the object if it is small, else into the archive store.
func (a *app) placed(ctx context.Context, p *packed, what string) (v1.Archive, error) {
	switch {
	case p.size == 0:
		return v1.Archive{}, usagef("%s is empty: a function needs code", what)
	case p.size <= v1.MaxLiteral:
		data := make([]byte, p.size)
		if _, err := io.ReadFull(p.file, data); err != nil {
			return v1.Archive{}, fmt.Errorf("read code: %w", err)
		}
		return v1.Archive{Type: v1.ArchiveLiteral, Literal: data}, nil
	}
	return a.uploaded(ctx, p, what)
}

func isURL(s string) bool {
	return strings.HasPrefix(s, "http://") || strings.HasPrefix(s, "https://")
}

// expand resolves globs; each name must match something.
func expand(names []string) ([]string, error) {
	var files []string
	for _, name := range names {
		if isURL(name) {
			return nil, usagef("%s: a URL cannot be packed together with files", name)
		}
		found, err := filepath.Glob(name)
		if err != nil {
			return nil, usagef("%s is not a valid pattern: %v", name, err)
		}
		if len(found) == 0 {
			return nil, &Error{Err: fmt.Errorf("%s: no such file or folder", name), Code: ExitUsage}
		}
		files = append(files, found...)
	}
	return files, nil
}

// packed is a complete archive on disk.
type packed struct {
	file *os.File
	size int64
	// made says that the file is a temporary one.
	made bool
}

func (p *packed) close() {
	_ = p.file.Close()
	if p.made {
		_ = os.Remove(p.file.Name())
	}
}

// digest is the lower-case hexadecimal SHA-256 of the archive.
func (p *packed) digest() (string, error) {
	sum := sha256.New()
	if _, err := io.Copy(sum, io.NewSectionReader(p.file, 0, p.size)); err != nil {
		return "", fmt.Errorf("read code: %w", err)
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// pack returns a single file as it is, unless a folder is wanted and it is no archive, and anything else as a zip.
func (a *app) pack(names, files []string, folder bool) (*packed, error) {
	base := "."
	if len(files) == 1 && files[0] == names[0] {
		info, err := os.Stat(files[0])
		if err != nil {
			return nil, fmt.Errorf("read code: %w", err)
		}
		switch {
		case info.IsDir():
			base = files[0]
		case !folder || isArchive(files[0]):
			return openPacked(files[0])
		default:
			base = filepath.Dir(files[0])
		}
	}
	paths, err := a.walk(files)
	if err != nil {
		return nil, err
	}
	return zipped(paths, base)
}

func openPacked(path string) (*packed, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read code: %w", err)
	}
	info, err := f.Stat()
	if err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("read code: %w", err)
	}
	return &packed{file: f, size: info.Size()}, nil
}

// isArchive reports whether a file is a zip or a gzipped tar, told by content.
func isArchive(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	head := make([]byte, 4)
	_, _ = io.ReadFull(f, head)
	return string(head) == "PK\x03\x04" || string(head[:2]) == "\x1f\x8b"
}

// walk returns the files below the roots, without what their lists leave out.
func (a *app) walk(roots []string) ([]string, error) {
	var paths []string
	for _, root := range roots {
		out, err := ignored(root)
		if err != nil {
			return nil, err
		}
		err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err != nil || path == root && d.IsDir() {
				return err
			}
			name, err := filepath.Rel(root, path)
			switch {
			case err != nil:
				return err
			case d.IsDir() && out(filepath.ToSlash(name)+"/"):
				return filepath.SkipDir
			case d.IsDir() || path != root && out(filepath.ToSlash(name)):
			case d.Type().IsRegular():
				paths = append(paths, path)
			default:
				a.progress("note: %s is no regular file and is left out", path)
			}
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("read code: %w", err)
		}
	}
	return paths, nil
}

// zipped packs files by their paths below base. The same files give the same bytes, on any machine.
func zipped(paths []string, base string) (*packed, error) {
	f, err := os.CreateTemp("", "hotpod-*.zip")
	if err != nil {
		return nil, fmt.Errorf("pack code: %w", err)
	}
	p := &packed{file: f, made: true}
	if err := p.fill(paths, base); err != nil {
		p.close()
		return nil, err
	}
	return p, nil
}

func (p *packed) fill(paths []string, base string) error {
	paths = slices.Clone(paths)
	slices.Sort(paths)
	zw := zip.NewWriter(p.file)
	for _, path := range slices.Compact(paths) {
		if err := addFile(zw, path, base); err != nil {
			return fmt.Errorf("pack %s: %w", path, err)
		}
	}
	if err := zw.Close(); err != nil {
		return fmt.Errorf("pack code: %w", err)
	}
	if len(paths) == 0 {
		return nil // of size 0
	}
	var err error
	if p.size, err = p.file.Seek(0, io.SeekCurrent); err == nil {
		_, err = p.file.Seek(0, io.SeekStart)
	}
	if err != nil {
		return fmt.Errorf("pack code: %w", err)
	}
	return nil
}

func addFile(zw *zip.Writer, path, base string) error {
	name, err := filepath.Rel(base, path)
	if err != nil {
		return err
	}
	if strings.HasPrefix(name, "..") {
		name = filepath.Base(path)
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	h := &zip.FileHeader{Name: filepath.ToSlash(name), Method: zip.Deflate}
	h.SetMode(0o644 | info.Mode()&0o111) // what else there is depends on the machine
	w, err := zw.CreateHeader(h)
	if err != nil {
		return err
	}
	_, err = io.Copy(w, f)
	return err
}
