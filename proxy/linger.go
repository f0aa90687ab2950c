package proxy

import "time"

const (
	// lastWords is how long an upstream may go on writing when nobody listens. Who writes on and on, as a stream does,
	// learns only by a write that fails.
	lastWords = time.Second
	// streamLinger is how long an upstream is given to be done with a stream that was reset. HTTP/2 has no answer to a
	// reset, so when it is done cannot be known: this long is what it may take.
	streamLinger = 100 * time.Millisecond
)

// Lingering is an upstream that was left before its answer's end. It may still be at work.
//
// On HTTP/1.1 it was told by the end of what it reads, and tells that it is done by closing its side: after a request
// behind which nothing comes, every server does that when the answer is written.
type Lingering struct {
	target *Target
	up     *upstream // nil on HTTP/2
	pool   *buffers
}

// Wait returns when the upstream is done, as far as the protocol tells, or bound has passed. It may be called after the
// exchange is over, once.
func (l *Lingering) Wait(bound time.Duration) {
	if l.up == nil {
		time.Sleep(min(bound, streamLinger))
		return
	}
	defer l.target.drop(l.up)
	until := time.Now().Add(bound)
	for writes := false; l.up.conn.SetReadDeadline(until) == nil; {
		buf, n, err := l.pool.read(l.up.conn, copyBuffer)
		l.pool.put(buf)
		if err != nil {
			return
		}
		if last := time.Now().Add(lastWords); n > 0 && !writes {
			writes = true
			if last.Before(until) {
				until = last
			}
		}
	}
}

// leave tells an upstream that its answer is wanted no more. It returns nil when the connection could only be closed.
func (t *Target) leave(u *upstream, pool *buffers) *Lingering {
	_ = u.conn.SetDeadline(time.Time{}) // by which the exchange was aborted
	if cw, ok := u.conn.(interface{ CloseWrite() error }); ok && cw.CloseWrite() == nil {
		return &Lingering{target: t, up: u, pool: pool}
	}
	t.drop(u)
	return nil
}
