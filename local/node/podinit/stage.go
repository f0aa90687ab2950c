package podinit

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// The descriptors that a stage starts with, after standard input, output and error.
const (
	stageSpecFD  = 3
	stageErrorFD = 4
)

// stage becomes the process that its descriptor describes. It returns only on
// an error, after telling it to init. join is the process whose mounts are
// shared, or zero.
func stage(join int) error {
	// Namespaces and capabilities belong to the thread that will execute the program.
	runtime.LockOSThread()
	errors := os.NewFile(stageErrorFD, "errors")
	unix.CloseOnExec(stageErrorFD)
	err := become(join)
	fmt.Fprint(errors, err.Error())
	return err
}

func become(join int) error {
	spec := os.NewFile(stageSpecFD, "process")
	var p Process
	if err := json.NewDecoder(spec).Decode(&p); err != nil {
		return fmt.Errorf("read the process's description: %w", err)
	}
	spec.Close()
	if !p.Plain {
		if err := isolate(p, join); err != nil {
			return err
		}
	}
	if err := enter(p.Dir); err != nil {
		return err
	}
	if err := dropPrivileges(p.Plain); err != nil {
		return err
	}
	path, err := lookPath(p.Args[0], p.Env)
	if err != nil {
		return err
	}
	if err := unix.Exec(path, p.Args, p.Env); err != nil {
		return fmt.Errorf("execute %s: %w", path, err)
	}
	return nil
}

// isolate gives the thread the mounts of its container.
func isolate(p Process, join int) error {
	if join != 0 {
		return joinMounts(join)
	}
	if err := unix.Unshare(unix.CLONE_NEWNS); err != nil {
		return fmt.Errorf("make mount namespace: %w", err)
	}
	for _, m := range p.Mounts {
		if err := mountVolume(m); err != nil {
			return err
		}
	}
	if err := unix.Unmount(VolumesDir, unix.MNT_DETACH); err != nil && !errors.Is(err, unix.EINVAL) && !errors.Is(err, unix.ENOENT) {
		return fmt.Errorf("hide volumes: %w", err)
	}
	if !p.ReadOnlyRoot {
		return nil
	}
	if err := unix.Mount("", "/", "", unix.MS_REMOUNT|unix.MS_BIND|unix.MS_RDONLY|unix.MS_NOSUID|unix.MS_NODEV, ""); err != nil {
		return fmt.Errorf("make root read-only: %w", err)
	}
	return nil
}

func joinMounts(pid int) error {
	// A thread that shares its working directory with others may not change its mounts.
	if err := unix.Unshare(unix.CLONE_FS); err != nil {
		return fmt.Errorf("leave the shared working directory: %w", err)
	}
	fd, err := unix.Open("/proc/"+strconv.Itoa(pid)+"/ns/mnt", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("open the container's mounts: %w", err)
	}
	defer unix.Close(fd)
	if err := unix.Setns(fd, unix.CLONE_NEWNS); err != nil {
		return fmt.Errorf("join the container's mounts: %w", err)
	}
	return nil
}

func mountVolume(m Mount) error {
	if _, err := os.Stat(m.Source); errors.Is(err, os.ErrNotExist) {
		if err := os.MkdirAll(m.Source, 0o755); err != nil {
			return fmt.Errorf("make %s for %s: %w", filepath.Base(m.Source), m.Target, err)
		}
	}
	return bindTo(m.Source, m.Target, !m.ReadOnly)
}

// enter changes to the working directory and makes it when it is missing, as a
// container runtime does.
func enter(dir string) error {
	if dir == "" {
		dir = "/"
	}
	err := os.Chdir(dir)
	if errors.Is(err, os.ErrNotExist) && os.MkdirAll(dir, 0o755) == nil {
		err = os.Chdir(dir)
	}
	if err != nil {
		return fmt.Errorf("enter working directory: %w", err)
	}
	return nil
}

// dropPrivileges takes every capability away, which were the namespace's only,
// and the way to get any back.
func dropPrivileges(plain bool) error {
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("forbid new privileges: %w", err)
	}
	if plain {
		return nil
	}
	if err := unix.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0); err != nil {
		return fmt.Errorf("clear ambient capabilities: %w", err)
	}
	for c := uintptr(0); c <= unix.CAP_LAST_CAP; c++ {
		// The kernel may know fewer capabilities than this program.
		if err := unix.Prctl(unix.PR_CAPBSET_DROP, c, 0, 0, 0); err != nil && !errors.Is(err, unix.EINVAL) {
			return fmt.Errorf("drop capability %d: %w", c, err)
		}
	}
	// What is inheritable would come back when root executes a program.
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	if err := unix.Capset(&header, &make([]unix.CapUserData, 2)[0]); err != nil {
		return fmt.Errorf("drop capabilities: %w", err)
	}
	return nil
}

// lookPath finds a program as a shell would, in the PATH of the process to be.
func lookPath(name string, env []string) (string, error) {
	if strings.Contains(name, "/") {
		return name, nil
	}
	path := "/usr/local/bin:/usr/bin:/bin"
	for _, entry := range env {
		if value, ok := strings.CutPrefix(entry, "PATH="); ok {
			path = value
		}
	}
	for _, dir := range filepath.SplitList(path) {
		candidate := filepath.Join(dir, name)
		if info, err := os.Stat(candidate); err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0 {
			return candidate, nil
		}
	}
	return "", fmt.Errorf("execute %s: not found in PATH %s", name, path)
}
