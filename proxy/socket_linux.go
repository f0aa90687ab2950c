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
// The monitor sleeps when all processors are idle, and only announced calls wake it. Without it nothing stops a goroutine
// that never waits, so one that always finds more to read announces a call now and then.
//
// One goroutine may read while another writes.
type socket struct {
	*net.TCPConn
	raw syscall.RawConn
	// found is how many reads there were since the last that had to wait.
	found   int
	in, out transfer
	// Methods as values, made once.
	receive, send func(fd uintptr) bool
}

// transfer is a read or a write at work.
type transfer struct {
	p        []byte
	n        int
	err      error
	waited   bool
	announce bool

	pool  *buffers // to read into a buffer of its; nil reads into p
	lent  *buffer
	limit int64
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
	s.receive, s.send = s.in.read, s.out.write
	return s
}

// Read implements net.Conn.
func (s *socket) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	return s.take(transfer{p: p})
}

// lend implements lender.
func (s *socket) lend(pool *buffers, limit int64) (*buffer, int, error) {
	n, err := s.take(transfer{pool: pool, limit: limit})
	buf := s.in.lent
	s.in.lent = nil
	return buf, n, err
}

// take reads, and reports io.EOF when nothing came and nothing failed.
func (s *socket) take(t transfer) (int, error) {
	s.found++
	t.announce = s.found > streak
	s.in = t
	err := s.raw.Read(s.receive)
	if s.in.waited || s.in.announce {
		s.found = 0
	}
	s.in.p, s.in.pool = nil, nil
	switch {
	case err != nil:
		return 0, err
	case s.in.err != nil:
		return 0, s.in.err
	case s.in.n == 0:
		return 0, io.EOF
	}
	return s.in.n, nil
}

// Write implements net.Conn.
func (s *socket) Write(p []byte) (int, error) {
	s.out = transfer{p: p}
	err := s.raw.Write(s.send)
	if err == nil {
		err = s.out.err
	}
	s.out.p = nil
	return s.out.n, err
}

// read takes what has come, and reports whether it need not wait.
func (t *transfer) read(fd uintptr) bool {
	if t.pool != nil {
		t.lent = t.pool.get()
		t.p = t.lent.p[:min(t.limit, int64(len(t.lent.p)))]
	}
	n, errno := t.call(syscall.SYS_READ, fd, t.p)
	t.n = n
	if errno != 0 && errno != syscall.EAGAIN {
		t.err = os.NewSyscallError("read", errno)
	}
	if t.pool != nil && n == 0 {
		t.pool.put(t.lent)
		t.lent = nil
	}
	t.waited = t.waited || errno == syscall.EAGAIN
	return errno != syscall.EAGAIN
}

// write gives what is taken, and reports whether it need not wait to go on.
func (t *transfer) write(fd uintptr) bool {
	for t.n < len(t.p) {
		n, errno := t.call(syscall.SYS_WRITE, fd, t.p[t.n:])
		t.n += n
		switch errno {
		case 0:
		case syscall.EAGAIN:
			return false
		default:
			t.err = os.NewSyscallError("write", errno)
			return true
		}
	}
	return true
}

// call makes a system call that does not block, and repeats it when a signal interrupted it.
func (t *transfer) call(trap, fd uintptr, p []byte) (int, syscall.Errno) {
	for {
		var n uintptr
		var errno syscall.Errno
		if t.announce {
			n, _, errno = syscall.Syscall(trap, fd, uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p))) //nolint:gosec // p lives as long
		} else {
			n, _, errno = syscall.RawSyscall(trap, fd, uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p))) //nolint:gosec // p lives as long
		}
		switch errno {
		case 0:
			return int(n), 0
		case syscall.EINTR:
		default:
			return 0, errno
		}
	}
}
