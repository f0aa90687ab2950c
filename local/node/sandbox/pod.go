package sandbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"hotpod.dev/local/node/podinit"
)

// killPatience is how long init may take to end its pod before it is killed itself.
const killPatience = 2 * time.Second

// ErrGone says that the pod's init has ended, and everything in the pod with it.
var ErrGone = errors.New("the pod's processes are gone")

// Pod is a running init process and what it started. It may be used concurrently.
type Pod struct {
	cmd  *exec.Cmd
	conn *net.UnixConn
	// done is closed when init and all processes are gone.
	done chan struct{}

	// mu guards what follows.
	mu        sync.Mutex
	lastID    int64
	processes map[int64]*Process
	ready     chan podinit.Event
}

func newPod(cmd *exec.Cmd, conn *net.UnixConn) *Pod {
	p := &Pod{
		cmd: cmd, conn: conn, done: make(chan struct{}),
		processes: map[int64]*Process{}, ready: make(chan podinit.Event, 1),
	}
	go p.listen()
	return p
}

// PID returns the number of the init process on the host.
func (p *Pod) PID() int { return p.cmd.Process.Pid }

// Done is closed when the pod's init and all its processes have ended.
func (p *Pod) Done() <-chan struct{} { return p.done }

// Kill ends every process of the pod at once and returns when they are gone.
func (p *Pod) Kill() {
	p.conn.Close()
	timer := time.AfterFunc(killPatience, func() { _ = p.cmd.Process.Kill() })
	defer timer.Stop()
	<-p.done
}

// Start runs a container's main process and returns when it has been executed.
// Streams are the caller's to close afterwards.
func (p *Pod) Start(ctx context.Context, spec podinit.Process, streams Streams) (*Process, error) {
	return p.start(ctx, podinit.Request{Op: podinit.OpStart}, spec, streams)
}

// Exec runs a process in the container of a running one. With a terminal,
// Streams stays unused and the process has a Terminal.
func (p *Pod) Exec(ctx context.Context, in *Process, spec podinit.Process, tty bool, streams Streams) (*Process, error) {
	return p.start(ctx, podinit.Request{Op: podinit.OpStart, Join: in.id, TTY: tty}, spec, streams)
}

func (p *Pod) start(ctx context.Context, request podinit.Request, spec podinit.Process, streams Streams) (*Process, error) {
	file, err := describe(spec)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	files := []*os.File{file}
	if !request.TTY {
		open, err := streams.files()
		if err != nil {
			return nil, err
		}
		defer open.close()
		files = append(files, open.all...)
	}
	process := p.register()
	request.ID = process.id
	if err := p.send(request, files); err != nil {
		p.forget(process.id)
		return nil, err
	}
	select {
	case <-process.started:
		return process, process.err
	case <-ctx.Done():
		process.KillAll()
		return nil, ctx.Err()
	}
}

func (p *Pod) setup(ctx context.Context, root podinit.Root) error {
	file, err := describe(root)
	if err != nil {
		return err
	}
	defer file.Close()
	if err := p.send(podinit.Request{Op: podinit.OpSetup}, []*os.File{file}); err != nil {
		return err
	}
	select {
	case event := <-p.ready:
		if event.Error != "" {
			return fmt.Errorf("set up the pod's root: %s", event.Error)
		}
		return nil
	case <-p.done:
		return fmt.Errorf("set up the pod's root: %w", ErrGone)
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (p *Pod) send(request podinit.Request, files []*os.File) error {
	data, err := json.Marshal(request)
	if err != nil {
		return err
	}
	fds := make([]int, len(files))
	for i, f := range files {
		fds[i] = int(f.Fd())
	}
	if _, _, err := p.conn.WriteMsgUnix(data, unix.UnixRights(fds...), nil); err != nil {
		return fmt.Errorf("speak to pod init: %w", errors.Join(ErrGone, err))
	}
	return nil
}

func (p *Pod) register() *Process {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lastID++
	process := &Process{pod: p, id: p.lastID, started: make(chan struct{}), done: make(chan struct{})}
	p.processes[p.lastID] = process
	return process
}

func (p *Pod) forget(id int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.processes, id)
}

func (p *Pod) find(id int64) *Process {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.processes[id]
}

// listen hands on init's events until init is gone, and then ends what is left.
func (p *Pod) listen() {
	data, control := make([]byte, 16<<10), make([]byte, unix.CmsgSpace(4))
	for {
		n, oobn, _, _, err := p.conn.ReadMsgUnix(data, control)
		if err != nil || n == 0 {
			break
		}
		var event podinit.Event
		if json.Unmarshal(data[:n], &event) == nil {
			p.handle(event, terminal(control[:oobn]))
		}
	}
	p.conn.Close()
	timer := time.AfterFunc(killPatience, func() { _ = p.cmd.Process.Kill() })
	_ = p.cmd.Wait()
	timer.Stop()
	p.mu.Lock()
	left := p.processes
	p.processes = map[int64]*Process{}
	p.mu.Unlock()
	// Who hears that a process ended must find that the pod has, too.
	close(p.done)
	for _, process := range left {
		process.exited(podinit.Event{Code: 128 + int(syscall.SIGKILL), Signal: int(syscall.SIGKILL)})
	}
}

func (p *Pod) handle(event podinit.Event, tty *os.File) {
	if event.Kind == podinit.EventReady {
		p.ready <- event
		return
	}
	process := p.find(event.ID)
	if process == nil {
		if tty != nil {
			tty.Close()
		}
		return
	}
	switch event.Kind {
	case podinit.EventStarted:
		process.begun(event.PID, tty)
	case podinit.EventFailed:
		p.forget(event.ID)
		process.failed(errors.New(event.Error))
	case podinit.EventExited:
		p.forget(event.ID)
		process.exited(event)
	case podinit.EventReady:
	}
}

// describe writes what can be larger than a message into a file in memory.
func describe(spec any) (*os.File, error) {
	data, err := json.Marshal(spec)
	if err != nil {
		return nil, err
	}
	fd, err := unix.MemfdCreate("hotpod", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("make file in memory: %w", err)
	}
	f := os.NewFile(uintptr(fd), "description")
	if _, err := f.Write(data); err != nil {
		f.Close()
		return nil, err
	}
	if _, err := f.Seek(0, 0); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// terminal takes the descriptor out of a message's control data.
func terminal(control []byte) *os.File {
	messages, err := unix.ParseSocketControlMessage(control)
	if err != nil || len(messages) == 0 {
		return nil
	}
	fds, err := unix.ParseUnixRights(&messages[0])
	if err != nil || len(fds) == 0 {
		return nil
	}
	unix.CloseOnExec(fds[0])
	_ = unix.SetNonblock(fds[0], true)
	return os.NewFile(uintptr(fds[0]), "terminal")
}
