package proxy

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// TargetConfig says where requests go.
type TargetConfig struct {
	// Address is "ip:port".
	Address string
	// IdleTimeout closes connections unused for so long; 0 means 4 s. It must be shorter than the upstream's own.
	IdleTimeout time.Duration
	// DialTimeout bounds connecting; 0 means 1 s.
	DialTimeout time.Duration
	// Patience is how long a request waits for a connection to come back rather than make another, when such have just
	// come back; 0 means not at all.
	Patience time.Duration
	// Dial connects; nil means net.Dialer.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Watcher notices idle connections that the upstream closed; nil means that only their use does.
	Watcher *Watcher
	// Lost is called, in the Watcher's goroutine, when the upstream closed a connection; nil does nothing.
	Lost func()
}

// Target is an upstream's address with its idle connections, the last used first. It is safe for concurrent use.
type Target struct {
	cfg TargetConfig

	mu   sync.Mutex // guards what follows
	idle []*upstream
	// patient are those who wait for a connection, the first in front; back is when one last came back.
	patient []chan *upstream
	back    time.Time
	timer   *time.Timer
	armed   bool
	closed  bool
	h2      *http.Transport
}

// upstream is one connection to a target.
type upstream struct {
	conn  net.Conn
	in    reader
	token uint64
	dead  atomic.Bool // the peer closed it
	since time.Time   // when it became idle
}

// NewTarget returns the target of an address. Nothing is connected before the first request.
func NewTarget(cfg TargetConfig) *Target {
	if cfg.IdleTimeout == 0 {
		cfg.IdleTimeout = 4 * time.Second
	}
	if cfg.DialTimeout == 0 {
		cfg.DialTimeout = time.Second
	}
	if cfg.Dial == nil {
		cfg.Dial = (&net.Dialer{}).DialContext
	}
	return &Target{cfg: cfg}
}

// Address returns the target's "ip:port".
func (t *Target) Address() string { return t.cfg.Address }

// Close closes the idle connections; those in use are closed when their exchanges end.
func (t *Target) Close() {
	t.mu.Lock()
	idle := t.idle
	t.idle, t.closed = nil, true
	if t.timer != nil {
		t.timer.Stop()
	}
	h2 := t.h2
	t.mu.Unlock()
	for _, u := range idle {
		t.drop(u)
	}
	if h2 != nil {
		h2.CloseIdleConnections()
	}
}

// get returns a connection and whether it was used before.
func (t *Target) get() (u *upstream, reused bool, err error) {
	if u := t.pop(); u != nil {
		return u, true, nil
	}
	if u := t.await(); u != nil {
		return u, true, nil
	}
	u, err = t.dial()
	return u, false, err
}

// pop takes the connection that was used last, if any is fit for use.
func (t *Target) pop() *upstream {
	t.mu.Lock()
	defer t.mu.Unlock()
	for len(t.idle) > 0 {
		last := len(t.idle) - 1
		u := t.idle[last]
		t.idle[last] = nil
		t.idle = t.idle[:last]
		if !u.dead.Load() && time.Since(u.since) < t.cfg.IdleTimeout {
			return u
		}
		t.drop(u)
	}
	return nil
}

func (t *Target) dial() (*upstream, error) {
	ctx, cancel := context.WithTimeout(context.Background(), t.cfg.DialTimeout)
	defer cancel()
	conn, err := t.cfg.Dial(ctx, "tcp", t.cfg.Address)
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", t.cfg.Address, err)
	}
	conn = quick(conn)
	u := &upstream{conn: conn}
	u.in.conn = conn
	if t.cfg.Watcher != nil {
		u.token = t.cfg.Watcher.add(conn, func() { t.lost(u) })
	}
	return u, nil
}

func (t *Target) lost(u *upstream) {
	u.dead.Store(true)
	if t.cfg.Lost != nil {
		t.cfg.Lost()
	}
}

// await returns a connection that comes back soon, nil when that is not likely or none does. Making one takes longer
// than a fast upstream takes to answer, and many at once take the time of those that only have to be answered.
func (t *Target) await() *upstream {
	if t.cfg.Patience == 0 {
		return nil
	}
	t.mu.Lock()
	if len(t.idle) > 0 || t.closed || time.Since(t.back) > t.cfg.Patience {
		t.mu.Unlock()
		return t.pop()
	}
	mine := make(chan *upstream, 1)
	t.patient = append(t.patient, mine)
	t.mu.Unlock()
	enough := time.NewTimer(t.cfg.Patience)
	defer enough.Stop()
	select {
	case u := <-mine:
		return u
	case <-enough.C:
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if i := slices.Index(t.patient, mine); i >= 0 {
		t.patient = slices.Delete(t.patient, i, i+1)
		return nil
	}
	return <-mine // it came at the same moment
}

// put takes a connection back whose exchange ended as it should.
func (t *Target) put(u *upstream) {
	if u.dead.Load() || len(u.in.buffered()) > 0 {
		t.drop(u)
		return
	}
	if len(u.in.buf) > readBuffer {
		u.in = reader{conn: u.conn} // one large head shall not be paid for while idle
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		t.drop(u)
		return
	}
	u.since = time.Now()
	t.back = u.since
	if len(t.patient) > 0 {
		t.patient[0] <- u
		t.patient = slices.Delete(t.patient, 0, 1)
		return
	}
	t.idle = append(t.idle, u)
	if !t.armed {
		t.arm(t.cfg.IdleTimeout)
	}
}

// drop closes a connection for good.
func (t *Target) drop(u *upstream) {
	if t.cfg.Watcher != nil {
		t.cfg.Watcher.remove(u.token)
	}
	_ = u.conn.Close()
}

// arm lets expire run after d. The caller holds the lock.
func (t *Target) arm(d time.Duration) {
	t.armed = true
	if t.timer == nil {
		t.timer = time.AfterFunc(d, t.expire)
		return
	}
	t.timer.Reset(d)
}

// expire closes what was idle for too long; the oldest stand first.
func (t *Target) expire() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.armed = false
	old := 0
	for old < len(t.idle) && time.Since(t.idle[old].since) >= t.cfg.IdleTimeout {
		t.drop(t.idle[old])
		old++
	}
	n := copy(t.idle, t.idle[old:])
	clear(t.idle[n:])
	t.idle = t.idle[:n]
	if n > 0 {
		t.arm(t.cfg.IdleTimeout - time.Since(t.idle[0].since))
	}
}
