package proxy

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
	"syscall"
	"time"

	"hotpod.dev/wire"
)

// errUpgrade is what an upstream does that switches protocols unasked.
var errUpgrade = errors.New("upstream switched protocols unasked")

// Forward implements Exchange.
func (c *h1) Forward(t *Target, o *Options) Outcome {
	var deadline time.Time
	if o.Timeout > 0 {
		deadline = time.Now().Add(o.Timeout)
	}
	c.image = c.image[:0]
	for {
		u, reused, err := t.get()
		if err != nil {
			return Outcome{Kind: Unreached, Retry: c.intact(), Err: err}
		}
		c.try = attempt{h1: c, t: t, u: u, o: o, reused: reused, deadline: deadline}
		if out := c.try.run(); out.Kind != stale {
			return out
		}
	}
}

// stale is the outcome of an attempt on a kept connection that the upstream had left: it saw nothing.
const stale Kind = 255

// maxStale is the size of a request that may be sent again after a kept connection turned out to be closed.
const maxStale = 16 << 10

// attempt is one request on one connection to the upstream.
type attempt struct {
	*h1
	t        *Target
	u        *upstream
	o        *Options
	reused   bool
	deadline time.Time

	unwritten bool        // not a byte of the request was taken
	uploading bool        // a goroutine sends, or sent, the rest of the body
	whole     atomic.Bool // it has read all of it
	stopped   bool        // it has ended
	unsent    bool        // the upstream did not take all of it
	heard     bool        // the upstream sent something
}

func (a *attempt) run() Outcome {
	if why := a.guard.begin(a.u.conn, a.deadline); why != 0 {
		a.t.put(a.u)
		a.cut = true
		return Outcome{Kind: why, Final: true}
	}
	if err := a.send(); err != nil {
		return a.broken(err)
	}
	if a.o.Sent != nil {
		a.o.Sent()
	}
	for {
		if err := a.readHead(); err != nil {
			return a.broken(err)
		}
		switch status := a.resp.status; {
		case status == http.StatusSwitchingProtocols:
			if !a.req.upgrade {
				return a.broken(errUpgrade)
			}
			return a.tunnel()
		case status >= 200:
			return a.answerOrRefusal()
		default: // an interim answer, passed on as it is
			a.out = appendAnswer(a.out[:0], &a.resp, bodyNone, false, a.o)
			if _, err := a.conn.Write(a.out); err != nil {
				a.guard.fail(Gone)
				return a.broken(err)
			}
		}
	}
}

// send writes the head with what has come of the body, and starts the upload of the rest. It fails only when not a
// byte could be written: after that the upstream may have answered already.
func (a *attempt) send() error {
	if len(a.image) == 0 {
		a.image = appendRequest(a.image, &a.req, a.o)
		a.image = append(a.image, a.tape...)
		if !a.body.done() {
			a.taping = a.o.ReplayLimit > 0
			p, err := a.body.ready()
			if err != nil {
				a.guard.fail(Invalid)
				return err
			}
			a.record(p, a.o.ReplayLimit)
			a.image = append(a.image, p...)
		}
	}
	if len(a.image) > 2*copyBuffer {
		a.startUpload(a.image)
		return nil
	}
	n, err := a.u.conn.Write(a.image)
	if n == 0 && err != nil {
		a.unwritten = true
		return err
	}
	if err == nil && !a.body.done() {
		a.startUpload(nil)
	}
	return nil
}

func (a *attempt) readHead() error {
	a.u.in.slow = nil
	raw, err := a.u.in.readHead(a.srv.headLimit())
	if err != nil {
		a.heard = a.heard || len(a.u.in.buffered()) > 0
		if errors.Is(err, errHeadTooLarge) {
			err = fmt.Errorf("%w: %w", ErrBadAnswer, err)
		}
		return fmt.Errorf("read answer: %w", err)
	}
	a.heard = true
	if err := a.resp.parseResponse(raw); err != nil {
		return fmt.Errorf("read answer: %w: %w", ErrBadAnswer, err)
	}
	return nil
}

// broken ends an attempt that got no whole answer's head.
func (a *attempt) broken(err error) Outcome {
	a.stopUpload()
	why := a.guard.end()
	retry := why == 0 && a.reused && !a.heard && !a.uploading && a.unseen(err)
	lingering := a.abandon(why)
	switch {
	case retry:
		return Outcome{Kind: stale}
	case why == Gone:
		a.cut = true
		return Outcome{Kind: Gone, Final: true, Lingering: lingering}
	case why == Invalid:
		a.failBody()
		return Outcome{Kind: Invalid, Final: true, Lingering: lingering}
	case why == TimedOut:
		return Outcome{Kind: TimedOut, Lingering: lingering}
	case a.unwritten:
		return Outcome{Kind: Unreached, Retry: a.intact(), Err: err}
	default:
		return Outcome{Kind: Broken, Err: err}
	}
}

// unseen reports whether the upstream cannot have seen the request, which was written at once: the connection was
// closed before a byte of it could be written, or its end was on the way, and a reset behind it says that the
// upstream's kernel threw the request away. A reset alone does not say so: a process that dies with the request half
// read ends like that. A small request fits whole into the window, so no part of it was read before the end.
func (a *attempt) unseen(err error) bool {
	if a.unwritten {
		return true
	}
	sc, ok := a.u.conn.(syscall.Conn)
	if !ok || !errors.Is(err, io.EOF) || len(a.image) > maxStale {
		return false
	}
	raw, err := sc.SyscallConn()
	return err == nil && resetBehindEOF(raw)
}

// answerOrRefusal goes on behind an answer's head.
func (a *attempt) answerOrRefusal() Outcome {
	a.answer.start(&a.u.in, &a.resp)
	switch noBody := string(a.req.method) == "HEAD" || a.resp.status == 204 || a.resp.status == 304; {
	case noBody:
		a.answer.kind = bodyNone
	case !a.resp.chunked && a.resp.length < 0:
		a.answer.kind = bodyUntilClose
	}
	if a.o.Refusals && a.resp.status == http.StatusServiceUnavailable {
		if busy, ok := a.resp.get(wire.HeaderBusy); ok && a.answer.done() {
			return a.unused(Outcome{Kind: Refused, Status: a.resp.status, Busy: wire.Busy(busy)})
		}
	}
	if a.o.Generic && a.generic() {
		return a.unused(Outcome{Kind: Generic, Status: a.resp.status})
	}
	if a.req.upgrade && a.resp.status < 300 {
		return a.unused(Outcome{Kind: NotUpgraded, Status: a.resp.status})
	}
	return a.relay()
}

// generic reports whether the answer is that of a runtime without code. It waits for the few bytes of such an answer.
func (a *attempt) generic() bool {
	length := int(a.resp.length)
	if a.resp.status < 400 || a.answer.kind != bodyLength || length < len(wire.GenericAnswer) || length > len(wire.GenericAnswer)+2 {
		return false
	}
	for len(a.u.in.buffered()) < length {
		if a.u.in.fill(a.srv.headLimit()) != nil {
			return false // whoever reads on meets the error
		}
	}
	if !bytes.HasPrefix(a.u.in.buffered(), []byte(wire.GenericAnswer)) {
		return false
	}
	_, err := a.answer.ready()
	return err == nil
}

// unused ends an attempt whose answer is not for the client.
func (a *attempt) unused(out Outcome) Outcome {
	a.stopUpload()
	cause := a.guard.end()
	a.release(cause == 0)
	switch cause {
	case Gone:
		a.cut = true
		return Outcome{Kind: Gone, Final: true}
	case Invalid:
		a.failBody()
		return Outcome{Kind: Invalid, Final: true}
	default:
		out.Retry = (out.Kind == Refused || out.Kind == Generic) && a.intact()
		return out
	}
}

// abandon leaves the upstream in the middle of the exchange, which may be inside its function still, unless it broke off
// itself, or the protocol.
func (a *attempt) abandon(why Kind) *Lingering {
	if a.o.Linger && why != 0 {
		return a.t.leave(a.u, &a.srv.buffers)
	}
	a.t.drop(a.u)
	return nil
}

// release gives the connection back if it can be used again.
func (a *attempt) release(good bool) {
	if good && !a.resp.closes && a.answer.done() && a.body.done() && !a.unsent {
		a.t.put(a.u)
		return
	}
	a.t.drop(a.u)
}
