package proxy

import (
	"io"
	"net"
	"os"
	"syscall"
	"unsafe"
)

// streak is how many reads a socket may make without a wait before one goes the ordinary way.
const streak = 64

// socket is a TCP connection whose reads and writes keep the processor that Go's scheduler lent them. They never block,
// so the scheduler need not hear of them; of what it hears, its monitor looks every 20 µs whether it takes long, which
// costs more than a tenth of a small request, and takes processors away from writes that wake somebody.
//
// The monitor sleeps when all processors are idle, and only ordinary calls wake it. Without it nothing stops a goroutine
// that never waits, so one that always finds more to read makes an ordinary call now and then.
//
// One goroutine may read while another writes.
type socket struct {
	*net.TCPConn
	raw syscall.RawConn
	// found is how many reads there were since the last that had to wait.
	found   int
	in, out transfer
	// in.read and out.write as values, made once.
	read, write func(fd uintptr) bool
}

// transfer is a read or a write at work.
type transfer struct {
	p      []byte
	n      int
	err    error
	waited bool
}

// quick returns conn with cheaper reads and writes, when it is a socket.
func quick(conn net.Conn) net.Conn {
	tcp, ok := conn.(*net.TCPConn)
	if !ok {
		return conn
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return conn
	}
	s := &socket{TCPConn: tcp, raw: raw}
	s.read, s.write = s.in.read, s.out.write
	return s
}

// Read implements net.Conn.
func (s *socket) Read(p []byte) (int, error) {
	if s.found++; s.found > streak || len(p) == 0 {
		s.found = 0
		return s.TCPConn.Read(p)
	}
	s.in.start(p)
	n, err := s.in.end(s.raw.Read(s.read))
	if s.in.waited {
		s.found = 0
	}
	if n == 0 && err == nil {
		return 0, io.EOF
	}
	return n, err
}

// Write implements net.Conn.
func (s *socket) Write(p []byte) (int, error) {
	s.out.start(p)
	return s.out.end(s.raw.Write(s.write))
}

func (t *transfer) start(p []byte) { t.p, t.n, t.err, t.waited = p, 0, nil, false }

func (t *transfer) end(err error) (int, error) {
	t.p = nil
	if err == nil {
		err = t.err
	}
	return t.n, err
}

// read takes what has come, and reports whether it need not wait.
func (t *transfer) read(fd uintptr) bool {
	for {
		n, _, errno := syscall.RawSyscall(syscall.SYS_READ, fd, uintptr(unsafe.Pointer(unsafe.SliceData(t.p))), uintptr(len(t.p)))
		switch errno {
		case 0:
			t.n = int(n) //nolint:gosec // at most len(t.p)
		case syscall.EINTR:
			continue
		case syscall.EAGAIN:
			t.waited = true
			return false
		default:
			t.err = os.NewSyscallError("read", errno)
		}
		return true
	}
}

// write gives what is taken, and reports whether it need not wait to go on.
func (t *transfer) write(fd uintptr) bool {
	for t.n < len(t.p) {
		rest := t.p[t.n:]
		n, _, errno := syscall.RawSyscall(syscall.SYS_WRITE, fd, uintptr(unsafe.Pointer(unsafe.SliceData(rest))), uintptr(len(rest)))
		switch errno {
		case 0:
			t.n += int(n) //nolint:gosec // at most len(rest)
		case syscall.EINTR:
		case syscall.EAGAIN:
			t.waited = true
			return false
		default:
			t.err = os.NewSyscallError("write", errno)
			return true
		}
	}
	return true
}
