package perf

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"sync"

	"golang.org/x/sys/unix"
)

const (
	// arrivalBuffer bounds the head of a request.
	arrivalBuffer = 4 << 10
	// arrivalTurn is how many connections are looked at in a turn, and arrivalPause how often, in milliseconds, the
	// loop looks whether it is to end.
	arrivalTurn  = 64
	arrivalPause = 20
)

// arrivalLoop is a backend of one thread, which takes requests without bodies in the order in which the kernel got
// them. A goroutine for each connection would run in an order of its own.
type arrivalLoop struct {
	poll, listen int
	conns        map[int][]byte // what came of a request's head, by descriptor
	note         func(number int)
	read         *bufio.Reader
	answer       []byte
}

// runArrivals serves on an IPv4 address and tells note the numbers of requests, in order, until stop is called.
func runArrivals(ctx context.Context, note func(number int), address string) (stop func(), err error) {
	l := &arrivalLoop{conns: map[int][]byte{}, note: note, read: bufio.NewReader(nil)}
	if err := l.open(address); err != nil {
		return nil, errors.Join(fmt.Errorf("listen as the backend: %w", err), l.close())
	}
	ctx, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	running.Go(func() { l.run(ctx) })
	return func() { cancel(); running.Wait() }, nil
}

func (l *arrivalLoop) open(address string) (err error) {
	l.poll, l.listen = -1, -1
	at, err := net.ResolveTCPAddr("tcp4", address)
	if err != nil {
		return err
	}
	if l.poll, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return err
	}
	if l.listen, err = unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0); err != nil {
		return err
	}
	if err := unix.SetsockoptInt(l.listen, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1); err != nil {
		return err
	}
	if err := unix.Bind(l.listen, &unix.SockaddrInet4{Port: at.Port, Addr: [4]byte(at.IP.To4())}); err != nil {
		return err
	}
	if err := unix.Listen(l.listen, unix.SOMAXCONN); err != nil {
		return err
	}
	return l.watch(l.listen)
}

func (l *arrivalLoop) watch(fd int) error {
	return unix.EpollCtl(l.poll, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(fd)}) //nolint:gosec // descriptors are small
}

func (l *arrivalLoop) close() error {
	var errs []error
	for fd := range l.conns {
		errs = append(errs, unix.Close(fd))
	}
	for _, fd := range []int{l.listen, l.poll} {
		if fd >= 0 {
			errs = append(errs, unix.Close(fd))
		}
	}
	return errors.Join(errs...)
}

func (l *arrivalLoop) run(ctx context.Context) {
	defer l.close()
	events := make([]unix.EpollEvent, arrivalTurn)
	for ctx.Err() == nil {
		n, err := unix.EpollWait(l.poll, events, arrivalPause)
		if err != nil && !errors.Is(err, unix.EINTR) {
			return
		}
		for _, e := range events[:max(n, 0)] {
			if fd := int(e.Fd); fd == l.listen {
				l.accept()
			} else if !l.hear(fd) {
				l.drop(fd)
			}
		}
	}
}

func (l *arrivalLoop) drop(fd int) {
	delete(l.conns, fd)
	_ = unix.Close(fd)
}

// accept takes the connections that wait. What they brought already is read at once: it came before what others bring.
func (l *arrivalLoop) accept() {
	for {
		fd, _, err := unix.Accept4(l.listen, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
		if err != nil {
			return
		}
		_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
		l.conns[fd] = make([]byte, 0, arrivalBuffer)
		if l.watch(fd) != nil || !l.hear(fd) {
			l.drop(fd)
		}
	}
}

// hear reads what came on a connection and answers a whole request; false means that it is over.
func (l *arrivalLoop) hear(fd int) bool {
	buf := l.conns[fd]
	n, err := unix.Read(fd, buf[len(buf):cap(buf)])
	if errors.Is(err, unix.EAGAIN) {
		return true
	}
	if err != nil || n <= 0 {
		return false
	}
	buf = buf[:len(buf)+n]
	l.conns[fd] = buf
	if !bytes.HasSuffix(buf, []byte("\r\n\r\n")) {
		return len(buf) < cap(buf)
	}
	l.conns[fd] = buf[:0]
	l.read.Reset(bytes.NewReader(buf))
	ask, err := readAsk(l.read)
	if err != nil {
		return false
	}
	if ask.number >= 0 {
		l.note(ask.number)
	}
	l.answer = ask.answer(l.answer[:0], nil)
	_, err = unix.Write(fd, l.answer) // some hundred bytes: a connection whose answers are read has room
	return err == nil
}
