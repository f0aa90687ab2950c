package proxy

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"
)

// prefaceHead is how a client begins that speaks HTTP/2 without asking (RFC 9113, section 3.4), as far as it looks
// like a head.
const prefaceHead = "PRI * HTTP/2.0\r\n\r\n"

// Server reads requests from clients and hands them to its Handler.
type Server struct {
	Handler Handler
	// Log gets what must not happen; it is never nil.
	Log *slog.Logger
	// IdleTimeout ends a connection without a request; 0 means 10 minutes. Clients should give up before.
	IdleTimeout time.Duration
	// HeadLimit bounds the heads of requests and answers in bytes; 0 means 64 KiB.
	HeadLimit int
	// Watcher notices clients that go away; nil means that the server has its own.
	Watcher *Watcher

	active  atomic.Int64
	retired atomic.Bool
	deaf    atomic.Bool // Unlisten was called
	buffers buffers
	h2      h2server
	mu      sync.Mutex // guards what follows
	conns   map[net.Conn]struct{}
	lis     net.Listener
	serving sync.WaitGroup
}

// Active returns the number of exchanges that are being served.
func (s *Server) Active() int { return int(s.active.Load()) }

// Connections returns the number of open connections.
func (s *Server) Connections() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.conns)
}

// Retire makes clients leave without loss before the server ends: each answer announces that it is the last one on
// its connection, and HTTP/2 connections are told at once. New connections are still taken: closing the listener would reset those that wait in it.
func (s *Server) Retire() {
	s.retired.Store(true)
	s.h2.retire()
}

// Unlisten takes no more connections; those that are open are served on, and Serve goes on until its ctx ends. Who
// connects is refused by the kernel, and can go elsewhere, which one that connects to a server that ends cannot.
func (s *Server) Unlisten() {
	s.deaf.Store(true)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.lis != nil {
		_ = s.lis.Close()
	}
}

// Serve accepts connections until ctx ends, which is no error, or the listener breaks. Then it closes the listener
// and every connection, and returns when the last handler has. To end without loss, Retire first, and wait until
// Active is 0 and no requests come; Unlisten at last.
func (s *Server) Serve(ctx context.Context, lis net.Listener) error {
	watch := s.Watcher
	if watch == nil {
		watch = &Watcher{}
		defer watch.Close()
	}
	s.mu.Lock()
	s.conns, s.lis = map[net.Conn]struct{}{}, lis
	s.mu.Unlock()
	stop := context.AfterFunc(ctx, func() { _ = lis.Close() })
	defer stop()
	err := s.accept(lis, watch)
	if s.deaf.Load() {
		<-ctx.Done()
	}
	s.closeAll()
	s.serving.Wait()
	if ctx.Err() != nil {
		return nil
	}
	return err
}

func (s *Server) accept(lis net.Listener, watch *Watcher) error {
	for pause := time.Millisecond; ; {
		conn, err := lis.Accept()
		var temporary interface{ Temporary() bool }
		if err != nil && errors.As(err, &temporary) && temporary.Temporary() { // too many open files, a client that left
			time.Sleep(pause)
			pause = min(2*pause, time.Second)
			continue
		}
		if err != nil {
			_ = lis.Close()
			return fmt.Errorf("accept connection: %w", err)
		}
		pause = time.Millisecond
		if conn = quick(conn); s.track(conn) {
			go s.serveConn(conn, watch)
		}
	}
}

func (s *Server) track(conn net.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conns == nil {
		_ = conn.Close()
		return false
	}
	s.conns[conn] = struct{}{}
	s.serving.Add(1)
	return true
}

func (s *Server) closeAll() {
	s.mu.Lock()
	for conn := range s.conns {
		_ = conn.Close()
	}
	s.conns = nil
	s.mu.Unlock()
	s.h2.close()
}

func (s *Server) serveConn(conn net.Conn, watch *Watcher) {
	defer s.serving.Done()
	c := &h1{srv: s, conn: conn}
	c.in.conn = conn
	c.guard.client, c.guard.gone = conn, make(chan struct{})
	token := watch.add(conn, c.guard.hangup)
	defer func() {
		if p := recover(); p != nil {
			s.Log.Error("handler panicked", "panic", p, "stack", string(debug.Stack()))
		}
		watch.remove(token)
		c.guard.close()
		s.mu.Lock()
		delete(s.conns, conn)
		s.mu.Unlock()
		_ = conn.Close()
	}()
	if preface := c.serve(); preface != nil {
		watch.remove(token)
		_ = conn.SetDeadline(time.Time{})
		s.h2.serve(s, conn, preface)
	}
}

func (s *Server) headLimit() int {
	if s.HeadLimit > 0 {
		return s.HeadLimit
	}
	return defaultHeadLimit
}

func (s *Server) idleTimeout() time.Duration {
	if s.IdleTimeout > 0 {
		return s.IdleTimeout
	}
	return 10 * time.Minute
}
