package fetcher

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
	"syscall"
)

// freeUnpacked is the size up to which files may be compressed at any ratio.
const freeUnpacked = 16 << 20

// packed reports whether the archive is a zip or a gzipped tar, told by content.
func packed(a *archive) bool { return isZip(a) || isTarGz(a) }

// unpack makes the folder dir of a packed archive and returns it.
func unpack(ctx context.Context, a *archive, dir string, limits Limits) (string, error) {
	t, err := newTree(dir, a.size, limits)
	if err != nil {
		return "", err
	}
	defer t.close()
	from := untar
	if isZip(a) {
		from = unzip
	}
	if err := from(ctx, a, t); err != nil {
		return "", timely(ctx, err)
	}
	return dir, t.link()
}

// timely replaces what broke because time was up.
func timely(ctx context.Context, err error) error {
	if ctx.Err() == nil {
		return err
	}
	f := ours(ctx.Err(), "unpack the package's archive")
	f.status = 504
	return f
}

// tree is a folder that is filled from an archive. Nothing is ever written outside it: names are checked, every
// operation goes through an os.Root, and symbolic links are made last.
type tree struct {
	root    *os.Root
	entries int
	left    int64 // bytes that may still be written
	max     Limits
	links   []symlink
	buffer  []byte
}

type symlink struct{ name, target string }

func newTree(dir string, archiveSize int64, limits Limits) (*tree, error) {
	if err := os.Mkdir(dir, 0o755); err != nil { //nolint:gosec // the runtime, another user, reads it
		return nil, onDisk(err, "make a folder for the code")
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, onDisk(err, "open the folder for the code")
	}
	left := min(limits.Unpacked, max(freeUnpacked, archiveSize*limits.Ratio))
	return &tree{root: root, left: left, max: limits, buffer: make([]byte, 32<<10)}, nil
}

func (t *tree) close() { _ = t.root.Close() }

// entry counts an entry and returns its name in the tree; "." is the tree itself.
func (t *tree) entry(name string) (string, error) {
	if t.entries++; t.entries > t.max.Files {
		return "", theirs("the package's archive has more than the %d entries allowed", t.max.Files)
	}
	return cleanName(name)
}

// folder makes a folder; it may be there already.
func (t *tree) folder(name string) error {
	if err := t.root.MkdirAll(name, 0o755); err != nil {
		return t.refused(err, name)
	}
	return nil
}

// file writes a regular file, keeping of mode only whether it is executable.
func (t *tree) file(ctx context.Context, name string, mode fs.FileMode, content io.Reader) error {
	if err := t.parent(name); err != nil {
		return err
	}
	f, err := t.root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644|mode&0o111)
	if err != nil {
		return t.refused(err, name)
	}
	source := &failing{Reader: &cancelled{Reader: content, ctx: ctx}}
	// The struct hides the file's ReadFrom, which would allocate a buffer for every file.
	n, err := io.CopyBuffer(struct{ io.Writer }{f}, io.LimitReader(source, t.left+1), t.buffer)
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	t.left -= n
	switch {
	case source.err != nil:
		return theirs("the package's archive is damaged at %q: %v", name, source.err)
	case err != nil:
		return onDisk(err, "unpack the archive")
	case t.left < 0:
		return theirs("the package's archive unpacks to more than the size allowed "+
			"(%d bytes, and %d times the archive)", t.max.Unpacked, t.max.Ratio)
	}
	return nil
}

// symlink notes a symbolic link, to be made when all files are there. It must stay inside the tree.
func (t *tree) symlink(name, target string) error {
	clean := path.Clean(target)
	inside := path.Join(path.Dir(name), clean)
	if target == "" || len(target) > maxName || path.IsAbs(target) || strings.ContainsAny(target, "\\\x00") || outside(inside) {
		return theirs("the package's archive has a link that leaves it: %q to %q", name, target)
	}
	// A clean target has ".." only in front, so what other links it passes through cannot lead it out.
	t.links = append(t.links, symlink{name: name, target: clean})
	return nil
}

// hardlink links name to the file unpacked before as target.
func (t *tree) hardlink(name, target string) error {
	target, err := cleanName(target)
	if err != nil {
		return err
	}
	if info, err := t.root.Lstat(target); err != nil || !info.Mode().IsRegular() {
		return theirs("the package's archive has a link %q to %q, which is no file before it", name, target)
	}
	if err := t.parent(name); err != nil {
		return err
	}
	if err := t.root.Link(target, name); err != nil {
		return t.refused(err, name)
	}
	return nil
}

// link makes the symbolic links.
func (t *tree) link() error {
	for _, l := range t.links {
		if err := t.parent(l.name); err != nil {
			return err
		}
		if err := t.root.Symlink(l.target, l.name); err != nil {
			return t.refused(err, l.name)
		}
	}
	return nil
}

func (t *tree) parent(name string) error {
	if dir := path.Dir(name); dir != "." {
		return t.folder(dir)
	}
	return nil
}

// refused explains why the file system did not take an entry.
func (t *tree) refused(err error, name string) error {
	switch {
	case collides(err):
		return theirs("the package's archive has %q twice, or as a file and as a folder", name)
	case errors.Is(err, syscall.ENAMETOOLONG), errors.Is(err, syscall.ELOOP), errors.Is(err, syscall.EINVAL):
		return theirs("the package's archive has a name that cannot be used: %q", name)
	default:
		return onDisk(err, "unpack the archive")
	}
}

// collides reports whether something else has the path, or a part of it.
func collides(err error) bool {
	return errors.Is(err, fs.ErrExist) || errors.Is(err, syscall.ENOTDIR) || errors.Is(err, syscall.EISDIR)
}

// cancelled ends with its context.
type cancelled struct {
	io.Reader
	ctx context.Context //nolint:containedctx // io.Reader has no place for it
}

func (c *cancelled) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.Reader.Read(p)
}

// startsWith reports whether the archive begins with magic.
func startsWith(a *archive, magic string) bool {
	head := make([]byte, len(magic))
	n, _ := a.ReadAt(head, 0)
	return bytes.Equal(head[:n], []byte(magic))
}
