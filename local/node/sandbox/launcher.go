package sandbox

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"

	"hotpod.dev/local/node/podinit"
)

// Launcher starts the init processes of pods. All of them are started by one
// thread that lives as long as the program, because the kernel ends them when
// the thread that started them ends. It may be used concurrently.
type Launcher struct {
	path string
	work chan func()
}

// NewLauncher returns a launcher for the init program at path.
func NewLauncher(path string) *Launcher {
	l := &Launcher{path: path, work: make(chan func())}
	go func() {
		runtime.LockOSThread()
		for job := range l.work {
			job()
		}
	}()
	return l
}

// Options are what a pod needs beside its root.
type Options struct {
	// Root is the pod's file system.
	Root podinit.Root
	// UID and GID are the caller's user and group as the pod sees them.
	UID, GID int
	// Log receives what init itself has to say; nil discards it.
	Log *os.File
}

// Start makes a pod's namespaces and root, and returns when containers can start.
func (l *Launcher) Start(ctx context.Context, o Options) (*Pod, error) {
	ours, theirs, err := socketPair()
	if err != nil {
		return nil, err
	}
	defer theirs.Close()
	cmd := l.command(o, theirs)
	started := make(chan error, 1)
	l.work <- func() { started <- cmd.Start() }
	if err := <-started; err != nil {
		ours.Close()
		return nil, fmt.Errorf("start pod init: %w", err)
	}
	pod := newPod(cmd, ours)
	if err := pod.setup(ctx, o.Root); err != nil {
		pod.Kill()
		return nil, err
	}
	return pod, nil
}

// Probe says whether pods can have namespaces here: nil, or why not. dir is a
// directory for temporary files.
func (l *Launcher) Probe(ctx context.Context, dir string) error {
	root, err := os.MkdirTemp(dir, "probe-")
	if err != nil {
		return err
	}
	defer os.Remove(root)
	root, err = filepath.EvalSymlinks(root)
	if err != nil {
		return err
	}
	pod, err := l.Start(ctx, Options{Root: podinit.Root{Dir: root, Hostname: "probe"}, UID: os.Getuid(), GID: os.Getgid()})
	if err != nil {
		return err
	}
	pod.Kill()
	return nil
}

func (l *Launcher) command(o Options, socket *os.File) *exec.Cmd {
	cmd := &exec.Cmd{
		Path: l.path, Args: []string{"hotpod-pod-init"}, Dir: "/",
		Env:        []string{"GOMAXPROCS=1"},
		ExtraFiles: []*os.File{socket},
	}
	if o.Log != nil {
		cmd.Stderr = o.Log
	}
	// A terminal's interrupt is for the agent, which then ends its pods in order.
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
	if !o.Root.Plain {
		isolate(cmd.SysProcAttr, o)
	} else {
		// Without a PID namespace init must live long enough to end its pod.
		cmd.SysProcAttr.Pdeathsig = 0
	}
	return cmd
}

func isolate(attr *syscall.SysProcAttr, o Options) {
	attr.Cloneflags = unix.CLONE_NEWUSER | unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWUTS | unix.CLONE_NEWIPC
	attr.UidMappings = []syscall.SysProcIDMap{{ContainerID: o.UID, HostID: os.Getuid(), Size: 1}}
	attr.GidMappings = []syscall.SysProcIDMap{{ContainerID: o.GID, HostID: os.Getgid(), Size: 1}}
	// A user other than root loses its capabilities when it executes a program,
	// unless they are ambient. They are valid in the pod's namespaces only.
	attr.AmbientCaps = []uintptr{unix.CAP_KILL, unix.CAP_SETPCAP, unix.CAP_SYS_CHROOT, unix.CAP_SYS_PTRACE, unix.CAP_SYS_ADMIN}
}

func socketPair() (*net.UnixConn, *os.File, error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("make socket pair: %w", err)
	}
	ours, theirs := os.NewFile(uintptr(fds[0]), "init"), os.NewFile(uintptr(fds[1]), "agent")
	defer ours.Close()
	conn, err := net.FileConn(ours)
	if err != nil {
		theirs.Close()
		return nil, nil, fmt.Errorf("use socket pair: %w", err)
	}
	unixConn, ok := conn.(*net.UnixConn)
	if !ok {
		return nil, nil, errors.Join(errors.New("use socket pair: not a unix socket"), conn.Close(), theirs.Close())
	}
	return unixConn, theirs, nil
}
