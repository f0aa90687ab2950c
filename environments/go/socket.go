package golang

import (
	"context"
	"errors"
	"net"
	"os"
	"sync"
)

// socket is the runtime's listening socket. While it is given away it accepts nothing here. It is a net.Listener.
type socket struct {
	address string

	mu      sync.Mutex // guards what follows
	current *net.TCPListener
	// changed is closed when current changes or the socket is closed.
	changed chan struct{}
	closed  bool
}

// listen opens the socket.
func listen(ctx context.Context, address string) (*socket, error) {
	s := &socket{address: address, changed: make(chan struct{})}
	return s, s.open(ctx)
}

// open listens, at first and when a program did not take the address after all.
func (s *socket) open(ctx context.Context) error {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", s.address)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return errors.Join(net.ErrClosed, l.Close())
	}
	s.set(l.(*net.TCPListener))
	return nil
}

// set changes the current listener; mu is held.
func (s *socket) set(l *net.TCPListener) {
	s.current = l
	close(s.changed)
	s.changed = make(chan struct{})
}

// file returns the socket for another process.
func (s *socket) file() (*os.File, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || s.current == nil {
		return nil, net.ErrClosed
	}
	return s.current.File()
}

// leave stops accepting here. Another process that has the socket goes on; without one, the address is free.
func (s *socket) leave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.current == nil {
		return
	}
	s.current.Close()
	s.set(nil)
}

// Accept waits for a connection, or for the socket to be closed.
func (s *socket) Accept() (net.Conn, error) {
	for {
		s.mu.Lock()
		current, changed, closed := s.current, s.changed, s.closed
		s.mu.Unlock()
		if closed {
			return nil, net.ErrClosed
		}
		if current == nil {
			<-changed
			continue
		}
		conn, err := current.Accept()
		if err == nil || !errors.Is(err, net.ErrClosed) {
			return conn, err
		}
	}
}

// Close ends accepting for good.
func (s *socket) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	if s.current != nil {
		s.current.Close()
	}
	s.set(nil)
	return nil
}

// Addr returns the address.
func (s *socket) Addr() net.Addr {
	addr, err := net.ResolveTCPAddr("tcp", s.address)
	if err != nil {
		return &net.TCPAddr{}
	}
	return addr
}
