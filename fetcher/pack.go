package fetcher

import (
	"archive/zip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"

	"hotpod.dev/wire"
)

// pack makes the archive of what a build made: a file that is an archive, or a single file, as it is; a folder as a zip,
// which is the same for the same files.
func pack(ctx context.Context, from, to string, limits Limits) (*wire.PackResult, error) {
	out, err := os.OpenFile(to, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, onDisk(err, "pack what was built")
	}
	defer func() { _ = out.Close() }()
	sum := sha256.New()
	sink := &counting{Writer: io.MultiWriter(out, sum), left: limits.Archive}
	info, err := os.Lstat(from)
	switch {
	case err != nil:
		err = theirs("the build left nothing to deploy: %v", err)
	case info.IsDir():
		err = zipTree(ctx, from, sink, limits)
	case info.Mode().IsRegular():
		err = copyFile(ctx, from, sink)
	default:
		err = theirs("the build left neither a file nor a folder at $DEPLOY_PKG")
	}
	switch {
	case errors.Is(err, errTooMuch):
		return nil, theirs("what was built is larger than the %d bytes that an archive may have", limits.Archive)
	case err != nil:
		return nil, timely(ctx, err)
	}
	if err := out.Close(); err != nil {
		return nil, onDisk(err, "pack what was built")
	}
	return &wire.PackResult{Digest: hex.EncodeToString(sum.Sum(nil)), Size: limits.Archive - sink.left}, nil
}

func zipTree(ctx context.Context, dir string, to io.Writer, limits Limits) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return onDisk(err, "pack what was built")
	}
	defer func() { _ = root.Close() }()
	z, entries := zip.NewWriter(to), 0
	err = fs.WalkDir(root.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || name == "." {
			return err
		}
		if entries++; entries > limits.Files {
			return theirs("what was built has more than the %d files and folders that an archive may have", limits.Files)
		}
		return zipOne(ctx, root, z, name, d)
	})
	if err == nil && entries == 0 {
		return theirs("the build left an empty folder at $DEPLOY_PKG")
	}
	if err != nil {
		return packing(err)
	}
	return packing(z.Close())
}

// packing tells faults of reading and writing files from those that are explained already.
func packing(err error) error {
	var known *fault
	if err == nil || errors.As(err, &known) || errors.Is(err, errTooMuch) {
		return err
	}
	return onDisk(err, "pack what was built")
}

// zipOne adds an entry without its time, so that the archive depends on names, modes and contents only.
func zipOne(ctx context.Context, root *os.Root, z *zip.Writer, name string, d fs.DirEntry) error {
	info, err := d.Info()
	if err != nil {
		return err
	}
	header := &zip.FileHeader{Name: name, Method: zip.Deflate}
	switch mode := info.Mode(); {
	case mode.IsDir():
		header.Name, header.Method = name+"/", zip.Store
		header.SetMode(fs.ModeDir | 0o755)
		_, err := z.CreateHeader(header)
		return err
	case mode&fs.ModeSymlink != 0:
		header.SetMode(fs.ModeSymlink | 0o777)
		return zipLink(root, z, header)
	case mode.IsRegular():
		header.SetMode(0o644 | mode&0o111)
	default:
		return theirs("the build left %q, which is neither file, folder nor link", name)
	}
	f, err := root.Open(name)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	w, err := z.CreateHeader(header)
	if err != nil {
		return err
	}
	_, err = io.Copy(w, &cancelled{Reader: f, ctx: ctx})
	return err
}

// zipLink adds a link, which must stay inside: functions' pods refuse others.
func zipLink(root *os.Root, z *zip.Writer, header *zip.FileHeader) error {
	target, err := root.Readlink(header.Name)
	if err != nil {
		return err
	}
	if path.IsAbs(target) || outside(path.Join(path.Dir(header.Name), path.Clean(target))) {
		return theirs("the build left a link that leads out of $DEPLOY_PKG: %q to %q; copy the file instead", header.Name, target)
	}
	w, err := z.CreateHeader(header)
	if err != nil {
		return err
	}
	_, err = io.WriteString(w, target)
	return err
}

func copyFile(ctx context.Context, from string, to io.Writer) error {
	f, err := os.Open(filepath.Clean(from))
	if err != nil {
		return onDisk(err, "read what was built")
	}
	defer func() { _ = f.Close() }()
	_, err = io.Copy(to, &cancelled{Reader: f, ctx: ctx})
	return packing(err)
}

// errTooMuch ends the packing of an archive that nobody would take.
var errTooMuch = errors.New("the archive is too large")

// counting is a writer of at most left bytes.
type counting struct {
	io.Writer
	left int64
}

func (c *counting) Write(p []byte) (int, error) {
	if c.left -= int64(len(p)); c.left < 0 {
		return 0, errTooMuch
	}
	return c.Writer.Write(p)
}
