package proxy

import (
	"context"
	"net"
	"net/http"
	"sync"
	"time"
)

const (
	// maxStreams is how many streams a client may have on a connection.
	maxStreams = 250
	// streamWindow is how much of a body may be on its way in a stream: more than the fastest local network needs.
	streamWindow = 256 << 10
)

// h2server serves the connections that speak HTTP/2. It starts with the first of them: most pods never see one.
type h2server struct {
	mu     sync.Mutex // guards what follows
	lis    *handed
	server *http.Server
	old    []*http.Server // retired
	ended  bool
}

// serve hands a connection over and returns when it is closed.
func (s *h2server) serve(owner *Server, conn net.Conn, preface []byte) {
	p := &prefixed{Conn: conn, prefix: preface, closed: make(chan struct{})}
	for {
		conns, done := s.open(owner, conn.LocalAddr())
		select {
		case conns <- p:
			<-p.closed
			return
		case <-done: // it retired, or ended, a moment ago
			if conns == nil {
				return
			}
		}
	}
}

// open returns where connections are handed over, and what is closed when nobody takes them there any more.
func (s *h2server) open(owner *Server, addr net.Addr) (conns chan<- net.Conn, done <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		over := make(chan struct{})
		close(over)
		return nil, over
	}
	if s.lis != nil {
		return s.lis.conns, s.lis.done
	}
	s.server = &http.Server{
		Handler:           http.HandlerFunc(owner.serveStream),
		Protocols:         new(http.Protocols),
		ReadHeaderTimeout: headTimeout,
		IdleTimeout:       owner.idleTimeout(),
		MaxHeaderBytes:    owner.headLimit(),
		HTTP2: &http.HTTP2Config{
			MaxConcurrentStreams:          maxStreams,
			MaxReceiveBufferPerStream:     streamWindow,
			MaxReceiveBufferPerConnection: maxStreams * streamWindow, // streams that wait must not stop the others
		},
	}
	s.server.Protocols.SetUnencryptedHTTP2(true)
	s.lis = &handed{conns: make(chan net.Conn), addr: addr, done: make(chan struct{})}
	go func(server *http.Server, lis net.Listener) { _ = server.Serve(lis) }(s.server, s.lis)
	return s.lis.conns, s.lis.done
}

// retire makes the clients of all connections go elsewhere with what they have not begun. Connections that still come
// get a server of their own; their first answer says the same.
func (s *h2server) retire() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.server == nil {
		return
	}
	server := s.server
	s.old, s.server, s.lis = append(s.old, server), nil, nil
	go func() { _ = server.Shutdown(context.Background()) }() // until its connections end, or close
}

func (s *h2server) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, server := range s.old {
		_ = server.Close()
	}
	if s.server != nil {
		_ = s.server.Close()
	}
	s.ended, s.lis = true, nil
}

// serveStream makes an exchange of a stream.
func (s *Server) serveStream(w http.ResponseWriter, r *http.Request) {
	s.active.Add(1)
	defer s.active.Add(-1)
	x := &h2{srv: s, w: w, r: r, came: time.Now()}
	x.identify()
	if r.Method == http.MethodConnect { // a tunnel, or a WebSocket that begins as one: neither is spoken
		x.Fail(badRequest(http.StatusBadRequest, "bad_request", "the platform makes no tunnels over HTTP/2"))
		return
	}
	s.Handler.Serve(x)
	if x.cut {
		panic(http.ErrAbortHandler) // resets the stream: a cut answer must not look whole
	}
}

// prefixed is a connection of which the beginning was read already.
type prefixed struct {
	net.Conn
	prefix []byte
	closed chan struct{}
	once   sync.Once
}

// Read implements net.Conn.
func (p *prefixed) Read(b []byte) (int, error) {
	if len(p.prefix) > 0 {
		n := copy(b, p.prefix)
		p.prefix = p.prefix[n:]
		return n, nil
	}
	return p.Conn.Read(b)
}

// Close implements net.Conn.
func (p *prefixed) Close() error {
	p.once.Do(func() { close(p.closed) })
	return p.Conn.Close()
}

// handed is a listener whose connections were accepted elsewhere.
type handed struct {
	conns chan net.Conn
	addr  net.Addr
	done  chan struct{}
	once  sync.Once
}

// Accept implements net.Listener.
func (l *handed) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (l *handed) Close() error {
	l.once.Do(func() { close(l.done) })
	return nil
}

// Addr implements net.Listener.
func (l *handed) Addr() net.Addr { return l.addr }

// transport returns the target's HTTP/2 connections, made with the first use.
func (t *Target) transport() *http.Transport {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.h2 == nil {
		t.h2 = &http.Transport{
			DialContext:            t.dialHTTP2,
			Protocols:              new(http.Protocols),
			IdleConnTimeout:        t.cfg.IdleTimeout,
			DisableCompression:     true,
			MaxResponseHeaderBytes: defaultHeadLimit,
			HTTP2:                  &http.HTTP2Config{SendPingTimeout: 15 * time.Second, MaxReceiveBufferPerStream: streamWindow},
		}
		t.h2.Protocols.SetUnencryptedHTTP2(true)
	}
	return t.h2
}
