package proxy

import (
	"net"
	"net/http"
	"time"
)

// halfClosed is how long one direction of a tunnel may go on after the other ended.
const halfClosed = 10 * time.Second

// tunnel passes bytes both ways after the upstream agreed to switch protocols.
func (a *attempt) tunnel() Outcome {
	if out, over := a.begin(); over {
		return out
	}
	a.guard.tunnel(a.o.Streaming == nil)
	a.cut = true // whatever comes of it, this connection speaks HTTP no longer
	a.out = appendAnswer(a.out[:0], &a.resp, bodyNone, false, a.o)
	a.out = append(a.out, a.u.in.buffered()...)
	if _, err := a.conn.Write(a.out); err != nil {
		return a.clientLeft()
	}
	a.clearReadDeadline()
	done := make(chan struct{})
	go func() {
		defer close(done)
		a.pump(a.u.conn, a.conn, a.in.buffered())
	}()
	a.pump(a.conn, a.u.conn, nil)
	<-done
	why := a.guard.end()
	a.t.drop(a.u)
	if a.o.Answered != nil {
		a.o.Answered(http.StatusSwitchingProtocols)
	}
	if why == 0 {
		why = Answered
	}
	return Outcome{Kind: why, Status: http.StatusSwitchingProtocols, Final: true}
}

// pump copies one direction, first what was read already, and then closes it. From there on the other direction
// has a bounded time: a peer that never ends its side must not hold the function's slot.
func (a *attempt) pump(to, from net.Conn, first []byte) {
	pool := &a.srv.buffers
	var buf *buffer
	defer func() {
		pool.put(buf)
		halfClose(to, from)
	}()
	for p := first; ; {
		if len(p) > 0 {
			if s := a.o.Streaming; s != nil && s.Idle > 0 {
				a.guard.extend(s.next(time.Now(), a.until))
			}
			if _, err := to.Write(p); err != nil {
				return
			}
		}
		pool.put(buf)
		var n int
		var err error
		buf, n, err = pool.read(from, largeBuffer)
		switch {
		case n > 0:
			p = buf.p[:n]
		case err != nil:
			return
		default:
			p = nil
		}
	}
}

// halfClose ends one direction of a tunnel.
func halfClose(to, from net.Conn) {
	if cw, ok := to.(interface{ CloseWrite() error }); ok {
		_ = cw.CloseWrite()
	}
	limit := time.Now().Add(halfClosed)
	_ = to.SetDeadline(limit)
	_ = from.SetDeadline(limit)
}
