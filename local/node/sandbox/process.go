package sandbox

import (
	"fmt"
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"hotpod.dev/local/node/podinit"
)

// Streams are a process's standard input, output and error; nil is /dev/null.
type Streams struct {
	In, Out, Err *os.File
}

// openStreams are three files, some of which were opened for the purpose.
type openStreams struct {
	all  []*os.File
	null *os.File
}

func (s Streams) files() (openStreams, error) {
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return openStreams{}, err
	}
	open := openStreams{all: []*os.File{s.In, s.Out, s.Err}, null: null}
	for i, f := range open.all {
		if f == nil {
			open.all[i] = null
		}
	}
	return open, nil
}

func (s openStreams) close() { s.null.Close() }

// Exit is how a process ended.
type Exit struct {
	// Code is the exit code; 128 plus the signal's number when it was killed.
	Code int
	// Signal is the number of the signal that killed the process, or zero.
	Signal int
	// At is when the agent heard of it.
	At time.Time
}

// Process is a container's main process or an exec session. It may be used concurrently.
type Process struct {
	pod *Pod
	id  int64
	// started is closed when the program was executed or could not be.
	started chan struct{}
	once    sync.Once
	err     error
	tty     *os.File
	// pid is the process's number in the pod.
	pid int
	// done is closed after exit was set.
	done chan struct{}
	exit Exit
}

// Done is closed when the process has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// Exit says how the process ended; it may be called after Done is closed.
func (p *Process) Exit() Exit { return p.exit }

// Terminal is the master of the process's terminal, for the caller to close; nil without one.
func (p *Process) Terminal() *os.File { return p.tty }

// Signal sends a signal to the process itself.
func (p *Process) Signal(signal syscall.Signal) {
	_ = p.pod.send(podinit.Request{Op: podinit.OpSignal, ID: p.id, Signal: int(signal)}, nil)
}

// KillAll kills the process and everything that it left in its container.
func (p *Process) KillAll() {
	_ = p.pod.send(podinit.Request{Op: podinit.OpSignal, ID: p.id, Signal: int(syscall.SIGKILL), All: true}, nil)
}

func (p *Process) begun(pid int, tty *os.File) {
	p.once.Do(func() {
		p.pid, p.tty = pid, tty
		close(p.started)
	})
}

func (p *Process) failed(err error) {
	p.once.Do(func() {
		p.err = err
		close(p.started)
	})
}

// exited ends the process, also one that was never heard to start.
func (p *Process) exited(event podinit.Event) {
	p.failed(fmt.Errorf("start process: %w", ErrGone))
	p.exit = Exit{Code: event.Code, Signal: event.Signal, At: time.Now()}
	close(p.done)
}

// Resize tells a terminal's programs its size in characters.
func Resize(terminal *os.File, width, height uint16) error {
	raw, err := terminal.SyscallConn()
	if err != nil {
		return err
	}
	var set error
	if err := raw.Control(func(fd uintptr) {
		set = unix.IoctlSetWinsize(int(fd), unix.TIOCSWINSZ, &unix.Winsize{Row: height, Col: width})
	}); err != nil {
		return err
	}
	return set
}
