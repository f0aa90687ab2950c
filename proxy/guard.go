package proxy

import (
	"net"
	"sync"
	"time"
)

// guard ends an exchange from outside its goroutine: when its deadline passes, or the client goes away. It does so
// by making the connections' reads and writes fail.
type guard struct {
	client net.Conn
	gone   chan struct{}

	mu       sync.Mutex // guards what follows
	upstream net.Conn   // nil while nothing is forwarded
	started  bool       // the answer has begun
	cause    Kind       // why the current exchange was aborted, 0 if it was not
	left     bool       // the client went away, for good
	tunnels  bool       // bytes pass both ways: the ends of connections are read where they come
	deadline time.Time
	timer    *time.Timer
	armed    bool
}

var longAgo = time.Unix(1, 0) //nolint:gochecknoglobals // a constant: a deadline that has passed

// begin puts an exchange with up under guard. It returns 0, or why the exchange is already over.
func (g *guard) begin(up net.Conn, deadline time.Time) Kind {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.left {
		return Gone
	}
	g.upstream, g.started, g.cause, g.tunnels = up, false, 0, false
	g.setDeadline(deadline)
	return 0
}

// end takes the exchange out of guard and returns why it was aborted, 0 if it was not.
func (g *guard) end() Kind {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.upstream = nil
	return g.cause
}

// start notes that the answer begins: from now on an abort cuts the client's connection too.
func (g *guard) start(deadline time.Time) Kind {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.started = true
	g.setDeadline(deadline)
	return g.cause
}

// tunnel lets the exchange go on after the client closed its side: what it sent before is yet to be passed on.
// Without bounds of its own the tunnel has none.
func (g *guard) tunnel(unbounded bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.tunnels = true
	if unbounded {
		g.deadline = time.Time{}
	}
}

// extend moves the deadline.
func (g *guard) extend(deadline time.Time) {
	g.mu.Lock()
	g.setDeadline(deadline)
	g.mu.Unlock()
}

// setDeadline keeps one timer for the connection's life, and lets it run on when the deadline moves back: most
// exchanges end long before, and then it costs them nothing. The caller holds the lock.
func (g *guard) setDeadline(deadline time.Time) {
	earlier := g.armed && !deadline.IsZero() && deadline.Before(g.deadline)
	g.deadline = deadline
	if deadline.IsZero() || g.armed && !earlier {
		return
	}
	g.arm(time.Until(deadline))
}

func (g *guard) arm(d time.Duration) {
	g.armed = true
	if g.timer == nil {
		g.timer = time.AfterFunc(d, g.tick)
		return
	}
	g.timer.Reset(d)
}

func (g *guard) tick() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.armed = false
	if g.upstream == nil || g.deadline.IsZero() {
		return
	}
	if left := time.Until(g.deadline); left > 0 {
		g.arm(left)
		return
	}
	g.abort(TimedOut)
}

// hangup is called when the client went away.
func (g *guard) hangup() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.left {
		return
	}
	g.left = true
	close(g.gone)
	if !g.tunnels {
		g.abort(Gone)
	}
}

func (g *guard) fail(cause Kind) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.abort(cause)
}

// abort wakes whoever reads or writes. The caller holds the lock.
func (g *guard) abort(cause Kind) {
	if g.upstream == nil || g.cause != 0 {
		return
	}
	g.cause = cause
	_ = g.upstream.SetDeadline(longAgo)
	if g.started {
		_ = g.client.SetDeadline(longAgo)
	}
}

// close stops the timer; the connection is done.
func (g *guard) close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.upstream = nil
	if g.timer != nil {
		g.timer.Stop()
	}
}
