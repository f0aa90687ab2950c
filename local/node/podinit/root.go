package podinit

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// oldRoot is where the host's root stays until every bind is made.
const oldRoot = "/.hotpod/old"

// hostDir is where the originals of mirrored directories are bound.
const hostDir = "/.hotpod/host"

// builder makes the root that a Root describes, from inside it.
type builder struct {
	root Root
	// opened are the directories that must be real ones of the pod's root, because
	// something will be mounted or written in them.
	opened map[string]bool
	// points are the mount points themselves; mirrors leave them out.
	points map[string]bool
}

// setup replaces the file system that this process sees by the pod's root.
func setup(root Root) error {
	if root.Plain {
		return unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
	}
	b := newBuilder(root)
	steps := []func() error{
		b.pivot, b.links, b.bindHost, b.cover, b.bindOwn,
		b.kernel, b.devices, b.scratch, b.volumes, b.writeFiles, b.makePoints, b.detach,
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	if err := unix.Sethostname([]byte(root.Hostname)); err != nil {
		return fmt.Errorf("set host name: %w", err)
	}
	return nil
}

func newBuilder(root Root) *builder {
	b := &builder{root: root, opened: map[string]bool{"/etc": true}, points: map[string]bool{}}
	for _, p := range root.Points {
		b.points[p.Path] = true
		b.open(p.Path)
	}
	for path := range root.Files {
		b.points[path] = true
		b.open(path)
	}
	return b
}

// open marks every directory above path.
func (b *builder) open(path string) {
	for dir := filepath.Dir(path); dir != "/" && dir != "."; dir = filepath.Dir(dir) {
		b.opened[dir] = true
	}
}

// pivot mounts an empty root and keeps the host's below it.
func (b *builder) pivot() error {
	if err := unix.Mount("", "/", "", unix.MS_SLAVE|unix.MS_REC, ""); err != nil {
		return fmt.Errorf("stop mount propagation: %w", err)
	}
	if err := unix.Mount("tmpfs", b.root.Dir, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "mode=0755"); err != nil {
		return fmt.Errorf("mount root on %s: %w", b.root.Dir, err)
	}
	if err := os.MkdirAll(b.root.Dir+oldRoot, 0o755); err != nil {
		return err
	}
	if err := unix.PivotRoot(b.root.Dir, b.root.Dir+oldRoot); err != nil {
		return fmt.Errorf("pivot root: %w", err)
	}
	return os.Chdir("/")
}

func (b *builder) links() error {
	for name, target := range b.root.Links {
		if err := os.Symlink(target, name); err != nil {
			return err
		}
	}
	return nil
}

func (b *builder) bindHost() error { return b.bindAll(false) }

func (b *builder) bindOwn() error { return b.bindAll(true) }

func (b *builder) bindAll(after bool) error {
	for _, bind := range b.root.Binds {
		if bind.After != after || strings.HasPrefix(bind.Target, VolumesDir+"/") {
			continue
		}
		err := b.bind(bind)
		if err != nil && (!bind.Optional || !errors.Is(err, os.ErrNotExist)) {
			return err
		}
	}
	return nil
}

func (b *builder) bind(bind Bind) error {
	source := oldRoot + bind.Source
	info, err := os.Lstat(source)
	if err != nil {
		return err
	}
	if info.IsDir() && b.opened[bind.Target] {
		kept := hostDir + bind.Target
		if err := os.MkdirAll(kept, 0o755); err != nil {
			return err
		}
		if err := bindTo(source, kept, bind.Writable); err != nil {
			return err
		}
		return b.mirror(kept, bind.Target)
	}
	if err := makePoint(bind.Target, !info.IsDir()); err != nil {
		return err
	}
	return bindTo(source, bind.Target, bind.Writable)
}

// cover hides directories of the host's which lie inside those that are bound.
func (b *builder) cover() error {
	for _, dir := range b.root.Cover {
		if info, err := os.Lstat(dir); err != nil || !info.IsDir() {
			continue
		}
		if err := unix.Mount("tmpfs", dir, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "mode=0755"); err != nil {
			return fmt.Errorf("hide %s: %w", dir, err)
		}
	}
	return nil
}

// kernel mounts /proc and /sys. Where a new /proc is refused, because the host's
// own is partly masked, the host's is shown: /proc/self is right in it too.
func (b *builder) kernel() error {
	if err := os.MkdirAll("/proc", 0o555); err != nil {
		return err
	}
	if err := unix.Mount("proc", "/proc", "proc", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, ""); err != nil {
		if err := bindTo(oldRoot+"/proc", "/proc", true); err != nil {
			return err
		}
	}
	if err := os.MkdirAll("/sys", 0o555); err != nil {
		return err
	}
	return bindTo(oldRoot+"/sys", "/sys", false)
}

// scratch makes the directories that programs expect to write to.
func (b *builder) scratch() error {
	for _, dir := range []string{"/tmp", "/var/tmp"} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
		if err := os.Chmod(dir, 0o777|os.ModeSticky); err != nil {
			return err
		}
	}
	if err := os.MkdirAll("/run", 0o755); err != nil {
		return err
	}
	if err := os.Symlink("/run", "/var/run"); err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	return nil
}

func (b *builder) writeFiles() error {
	for path, content := range b.root.Files {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			return err
		}
	}
	return nil
}

func (b *builder) makePoints() error {
	points := slices.Clone(b.root.Points)
	slices.SortFunc(points, func(x, y Point) int { return strings.Compare(x.Path, y.Path) })
	for _, p := range points {
		if err := makePoint(p.Path, p.File); err != nil {
			return fmt.Errorf("make mount point %s: %w", p.Path, err)
		}
	}
	return nil
}

// detach lets go of the host's root.
func (b *builder) detach() error {
	if err := unix.Unmount(oldRoot, unix.MNT_DETACH); err != nil {
		return fmt.Errorf("detach the host's root: %w", err)
	}
	return os.Remove(oldRoot)
}

// makePoint makes the file or directory over which something will be mounted.
func makePoint(path string, file bool) error {
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	if !file {
		return os.MkdirAll(path, 0o755)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_CREATE, 0o644)
	if err != nil {
		return err
	}
	return f.Close()
}

// bindTo mounts source, with all below it, at target.
func bindTo(source, target string, writable bool) error {
	tree, err := unix.OpenTree(unix.AT_FDCWD, source,
		unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC|unix.AT_RECURSIVE)
	if err != nil {
		return fmt.Errorf("bind %s: %w", target, err)
	}
	defer unix.Close(tree)
	if !writable {
		attr := unix.MountAttr{Attr_set: unix.MOUNT_ATTR_RDONLY}
		if err := unix.MountSetattr(tree, "", unix.AT_EMPTY_PATH|unix.AT_RECURSIVE, &attr); err != nil {
			return fmt.Errorf("make %s read-only: %w", target, err)
		}
	}
	if err := unix.MoveMount(tree, "", unix.AT_FDCWD, target, unix.MOVE_MOUNT_F_EMPTY_PATH); err != nil {
		return fmt.Errorf("bind %s: %w", target, err)
	}
	return nil
}
