package fetcher

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"io/fs"
)

// isTarGz reports whether the archive is a tar inside gzip. Gzip around anything else is a file like others.
func isTarGz(a *archive) bool {
	if !startsWith(a, "\x1f\x8b") {
		return false
	}
	gz, err := gzip.NewReader(io.NewSectionReader(a, 0, a.size))
	if err != nil {
		return false
	}
	_, err = tar.NewReader(io.LimitReader(gz, 1<<20)).Next()
	return err == nil
}

func untar(ctx context.Context, a *archive, t *tree) error {
	gz, err := gzip.NewReader(io.NewSectionReader(a, 0, a.size))
	if err != nil {
		return theirs("the package's archive is damaged: %v", err)
	}
	// What is skipped in the archive counts too, or an endless run of it would be read for nothing.
	content := &cancelled{Reader: &capped{Reader: gz, left: t.left + int64(t.max.Files)*(2<<10)}, ctx: ctx}
	r := tar.NewReader(content)
	for {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return complete(content)
		}
		if err != nil {
			return theirs("the package's archive is damaged: %v", err)
		}
		if err := untarEntry(ctx, h, r, t); err != nil {
			return err
		}
	}
}

// complete reads what follows the last entry, so that gzip can compare its checksum. What follows gzip's own end is
// padding.
func complete(content io.Reader) error {
	if _, err := io.Copy(io.Discard, content); err != nil && !errors.Is(err, gzip.ErrHeader) {
		return theirs("the package's archive is damaged: %v", err)
	}
	return nil
}

func untarEntry(ctx context.Context, h *tar.Header, content io.Reader, t *tree) error {
	if h.Typeflag == tar.TypeXGlobalHeader { // comments, as git archive writes them
		return nil
	}
	name, err := t.entry(h.Name)
	if err != nil {
		return err
	}
	switch h.Typeflag {
	case tar.TypeReg:
		return t.file(ctx, name, fs.FileMode(h.Mode), content) //nolint:gosec // only three bits of it are used
	case tar.TypeDir:
		return t.folder(name)
	case tar.TypeSymlink:
		return t.symlink(name, h.Linkname)
	case tar.TypeLink:
		return t.hardlink(name, h.Linkname)
	default:
		return theirs("the package's archive has %q, which is neither file, folder nor link", name)
	}
}

// capped fails after so many bytes, where io.LimitReader would only end.
type capped struct {
	io.Reader
	left int64
}

func (c *capped) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	if c.left -= int64(n); c.left < 0 {
		return n, errors.New("it unpacks to more than the size allowed")
	}
	return n, err
}
