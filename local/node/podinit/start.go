package podinit

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// start makes a stage for the process and reports in the background whether it
// could become the program.
func (s *server) start(r Request, files []int) error {
	if len(files) == 0 {
		return errors.New("request has no description")
	}
	stdio, master, err := standardFiles(r, files)
	if err != nil {
		return err
	}
	defer closeTerminal(r.TTY, stdio)
	var pipe [2]int
	if err := unix.Pipe2(pipe[:], unix.O_CLOEXEC); err != nil {
		return fmt.Errorf("make pipe: %w", err)
	}
	defer unix.Close(pipe[1])
	p, err := s.spawn(r, append(stdio, uintptr(files[0]), uintptr(pipe[1])))
	if err != nil {
		unix.Close(pipe[0])
		closeFD(master)
		return err
	}
	go s.report(p, pipe[0], master)
	return nil
}

// spawn starts the stage and remembers its process before it can be reaped.
func (s *server) spawn(r Request, files []uintptr) (*process, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	join := 0
	if r.Join != 0 {
		main, ok := s.byID[r.Join]
		if !ok {
			return nil, errors.New("the container is not running")
		}
		join = main.pid
	}
	pid, err := syscall.ForkExec("/proc/self/exe", []string{"hotpod-pod-init", "stage", strconv.Itoa(join)}, &syscall.ProcAttr{
		Env:   []string{"GOMAXPROCS=1"},
		Files: files,
		Sys:   &syscall.SysProcAttr{Setsid: true, Setctty: r.TTY, Ctty: 0},
	})
	if err != nil {
		return nil, fmt.Errorf("start stage: %w", err)
	}
	p := &process{id: r.ID, pid: pid, joined: r.Join != 0, executed: make(chan struct{})}
	s.byPID[pid], s.byID[r.ID] = p, p
	return p, nil
}

// report tells the agent that the program runs, or why not, as soon as the
// stage's end of the pipe closes.
func (s *server) report(p *process, pipe, master int) {
	_ = unix.SetNonblock(pipe, true)
	f := os.NewFile(uintptr(pipe), "errors")
	text, _ := io.ReadAll(f)
	f.Close()
	if len(text) > 0 {
		s.socket.send(Event{Kind: EventFailed, ID: p.id, PID: p.pid, Error: string(text)}, -1)
	} else {
		p.mounts, _ = os.Readlink("/proc/" + strconv.Itoa(p.pid) + "/ns/mnt")
		s.socket.send(Event{Kind: EventStarted, ID: p.id, PID: p.pid}, master)
	}
	closeFD(master)
	close(p.executed)
}

// standardFiles returns the process's standard files and, with a terminal, its master.
func standardFiles(r Request, files []int) ([]uintptr, int, error) {
	if r.TTY {
		master, slave, err := openTerminal()
		if err != nil {
			return nil, -1, err
		}
		return []uintptr{slave, slave, slave}, master, nil
	}
	if len(files) != maxDescriptors {
		return nil, -1, fmt.Errorf("request has %d descriptors instead of %d", len(files), maxDescriptors)
	}
	return []uintptr{uintptr(files[1]), uintptr(files[2]), uintptr(files[3])}, -1, nil
}

// openTerminal makes a terminal pair of the pod's own.
func openTerminal() (master int, slave uintptr, err error) {
	master, err = unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1, 0, fmt.Errorf("open terminal: %w", err)
	}
	number, err := unix.IoctlGetInt(master, unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(master, unix.TIOCSPTLCK, 0)
	}
	if err != nil {
		unix.Close(master)
		return -1, 0, fmt.Errorf("unlock terminal: %w", err)
	}
	fd, err := unix.Open("/dev/pts/"+strconv.Itoa(number), unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	if err != nil {
		unix.Close(master)
		return -1, 0, fmt.Errorf("open terminal %d: %w", number, err)
	}
	return master, uintptr(fd), nil
}

func closeTerminal(tty bool, stdio []uintptr) {
	if tty {
		unix.Close(int(stdio[0]))
	}
}

func closeFD(fd int) {
	if fd >= 0 {
		unix.Close(fd)
	}
}
