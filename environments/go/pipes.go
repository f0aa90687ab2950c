package golang

import (
	"errors"
	"io"
	"os"
	"syscall"
)

// packet is what a pipe that keeps writes apart takes at once at most.
const packet = 4096

// pipes are the reading ends of the pipes by which the main program around a function takes the function's outputs, to tag their
// lines: of standard output, and of standard error. Here they are read only for what is left when the program has ended, be it
// by a crash.
type pipes [2]*os.File

// newPipes makes the pipes. The ends for the program are in the order in which it wants them: reading and writing end of standard
// output, then of standard error. Where such pipes cannot be made there are none, and lines are not tagged.
func newPipes() (*pipes, []*os.File) {
	var p pipes
	var ends []*os.File
	for i := range p {
		own, read, write, err := newPipe()
		if err != nil {
			p.close()
			for _, f := range ends {
				f.Close()
			}
			return nil, nil
		}
		p[i], ends = own, append(ends, read, write)
	}
	return &p, ends
}

// newPipe makes a pipe whose reading end is there twice: for us and for the program.
func newPipe() (own, read, write *os.File, err error) {
	var fds [2]int
	if err := syscall.Pipe2(fds[:], syscall.O_CLOEXEC|syscall.O_DIRECT); err != nil {
		return nil, nil, nil, err
	}
	read, write = os.NewFile(uintptr(fds[0]), "output"), os.NewFile(uintptr(fds[1]), "output")
	syscall.ForkLock.RLock() // no other program shall inherit it
	defer syscall.ForkLock.RUnlock()
	twice, err := syscall.Dup(fds[0])
	if err != nil {
		return nil, nil, nil, errors.Join(err, read.Close(), write.Close())
	}
	syscall.CloseOnExec(twice)
	return os.NewFile(uintptr(twice), "output"), read, write, nil
}

// empty writes out what is left and closes the pipes.
func (p *pipes) empty(stdout, stderr io.Writer) {
	if p == nil {
		return
	}
	for i, to := range []io.Writer{stdout, stderr} {
		fd := int(p[i].Fd())
		if syscall.SetNonblock(fd, true) != nil {
			continue
		}
		for rest := make([]byte, packet); ; {
			n, err := syscall.Read(fd, rest)
			if errors.Is(err, syscall.EINTR) {
				continue
			}
			if err != nil || n <= 0 {
				break
			}
			_, _ = to.Write(rest[:n])
		}
	}
	p.close()
}

func (p *pipes) close() {
	if p == nil {
		return
	}
	for _, f := range p {
		if f != nil {
			f.Close()
		}
	}
}
