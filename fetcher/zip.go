package fetcher

import (
	"archive/zip"
	"context"
	"errors"
	"io"
	"io/fs"
)

// maxDirectory bounds a zip's directory, in bytes per entry allowed. The directory is read into memory before
// its entries can be counted.
const maxDirectory = 256

var errDirectory = errors.New("its directory is too large")

// isZip reports whether the archive begins like a zip with entries, or is an empty one.
func isZip(a *archive) bool {
	return startsWith(a, "PK\x03\x04") || startsWith(a, "PK\x05\x06")
}

func unzip(ctx context.Context, a *archive, t *tree) error {
	budget := &budgeted{ReaderAt: a, left: int64(t.max.Files)*maxDirectory + 1<<20}
	z, err := zip.NewReader(budget, a.size)
	if err != nil {
		return theirs("the package's archive is not a zip that can be read: %v", err)
	}
	budget.unlimited = true
	for _, f := range z.File {
		if err := unzipEntry(ctx, f, t); err != nil {
			return err
		}
	}
	return nil
}

func unzipEntry(ctx context.Context, f *zip.File, t *tree) error {
	name, err := t.entry(f.Name)
	if err != nil {
		return err
	}
	mode := f.Mode()
	switch mode.Type() {
	case fs.ModeDir:
		return t.folder(name)
	case 0, fs.ModeSymlink:
	default:
		return theirs("the package's archive has %q, which is neither file, folder nor link", name)
	}
	content, err := f.Open()
	if err != nil {
		return theirs("the package's archive cannot be unpacked at %q: %v", name, err)
	}
	defer func() { _ = content.Close() }()
	if mode.Type() == 0 {
		return t.file(ctx, name, mode, content)
	}
	target, err := io.ReadAll(io.LimitReader(content, maxName+1))
	if err != nil {
		return theirs("the package's archive is damaged at %q: %v", name, err)
	}
	return t.symlink(name, string(target))
}

// budgeted is a reader that fails after so many bytes, until it is unlimited.
type budgeted struct {
	io.ReaderAt
	left      int64
	unlimited bool
}

func (b *budgeted) ReadAt(p []byte, off int64) (int, error) {
	if b.left -= int64(len(p)); b.left < 0 && !b.unlimited {
		return 0, errDirectory
	}
	return b.ReaderAt.ReadAt(p, off)
}
