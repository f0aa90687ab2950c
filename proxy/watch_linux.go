package proxy

import (
	"fmt"
	"os"
	"syscall"
)

// poller is an epoll set that itself sits in the Go runtime's poller, so waiting for it holds no thread.
type poller struct {
	file *os.File
	raw  syscall.RawConn
	fd   int
}

func newPoller() (*poller, error) {
	fd, err := syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("make epoll set: %w", err)
	}
	// os.NewFile puts only what is non-blocking into the runtime's poller.
	if err := syscall.SetNonblock(fd, true); err != nil {
		_ = syscall.Close(fd)
		return nil, fmt.Errorf("make epoll set: %w", err)
	}
	file := os.NewFile(uintptr(fd), "epoll")
	raw, err := file.SyscallConn()
	if err != nil {
		_ = file.Close()
		return nil, fmt.Errorf("make epoll set: %w", err)
	}
	return &poller{file: file, raw: raw, fd: fd}, nil
}

// watch asks for one event when the peer has closed its side. The kernel forgets the descriptor when it is closed.
func (p *poller) watch(fd uintptr, token uint64) bool {
	ev := syscall.EpollEvent{
		Events: syscall.EPOLLRDHUP | 1<<30, // EPOLLONESHOT: level-triggered events would repeat for ever
		Fd:     int32(uint32(token)),       //nolint:gosec // the two halves of the token
		Pad:    int32(uint32(token >> 32)), //nolint:gosec // the same
	}
	return syscall.EpollCtl(p.fd, syscall.EPOLL_CTL_ADD, int(fd), &ev) == nil
}

func (p *poller) run(hangup func(token uint64)) {
	events := make([]syscall.EpollEvent, 64)
	for {
		n := 0
		err := p.raw.Read(func(fd uintptr) bool {
			n, _ = syscall.EpollWait(int(fd), events, 0)
			return n > 0
		})
		if err != nil {
			return
		}
		for _, ev := range events[:n] {
			hangup(uint64(uint32(ev.Fd)) | uint64(uint32(ev.Pad))<<32) //nolint:gosec // the two halves of the token
		}
	}
}

func (p *poller) close() { _ = p.file.Close() }

// resetBehindEOF reports whether the peer's kernel threw away what was sent: the connection ended, and then a reset
// came for the bytes that nobody was there to read.
func resetBehindEOF(raw syscall.RawConn) bool {
	reset := false
	_ = raw.Control(func(fd uintptr) {
		code, err := syscall.GetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_ERROR)
		reset = err == nil && (code == int(syscall.EPIPE) || code == int(syscall.ECONNRESET))
	})
	return reset
}
