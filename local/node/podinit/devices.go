package podinit

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// devices makes a /dev with the few devices that every container has, shared
// memory and terminals of the pod's own.
func (b *builder) devices() error {
	if err := os.MkdirAll("/dev", 0o755); err != nil {
		return err
	}
	if err := unix.Mount("tmpfs", "/dev", "tmpfs", unix.MS_NOSUID, "mode=0755"); err != nil {
		return fmt.Errorf("mount /dev: %w", err)
	}
	for _, name := range []string{"null", "zero", "full", "random", "urandom", "tty"} {
		if err := bindDevice("/dev/" + name); err != nil {
			return err
		}
	}
	links := map[string]string{
		"/dev/fd": "/proc/self/fd", "/dev/stdin": "fd/0", "/dev/stdout": "fd/1", "/dev/stderr": "fd/2", "/dev/ptmx": "pts/ptmx",
	}
	for name, target := range links {
		if err := os.Symlink(target, name); err != nil {
			return err
		}
	}
	return mountShared()
}

func bindDevice(path string) error {
	if _, err := os.Stat(oldRoot + path); errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err := makePoint(path, true); err != nil {
		return err
	}
	return bindTo(oldRoot+path, path, true)
}

func mountShared() error {
	for _, dir := range []string{"/dev/shm", "/dev/pts"} {
		if err := os.Mkdir(dir, 0o755); err != nil {
			return err
		}
	}
	if err := unix.Mount("tmpfs", "/dev/shm", "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "mode=1777"); err != nil {
		return fmt.Errorf("mount /dev/shm: %w", err)
	}
	// Without terminals a pod is still a pod: exec with a terminal then says so.
	_ = unix.Mount("devpts", "/dev/pts", "devpts", unix.MS_NOSUID|unix.MS_NOEXEC, "newinstance,ptmxmode=0666,mode=0620")
	return nil
}
