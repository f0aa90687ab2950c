package proxy

import (
	"errors"
	"io"
	"strconv"
	"time"
)

// relay sends an answer to the client as it comes. What is complete already goes out in one write.
func (a *attempt) relay() Outcome {
	if out, over := a.begin(); over {
		return out
	}
	a.out = appendAnswer(a.out[:0], &a.resp, a.answer.kind, a.closing(), a.o)
	p, err := a.answer.ready()
	if err != nil {
		return a.cutShort(err)
	}
	if a.answer.kind == bodyUntilClose && len(p) > 0 {
		a.out = appendChunk(a.out, p)
	} else {
		a.out = append(a.out, p...)
	}
	if a.answer.done() {
		return a.finish(a.out)
	}
	if _, err := a.conn.Write(a.out); err != nil {
		return a.clientLeft()
	}
	return a.stream()
}

// begin takes the exchange from waiting for an answer to giving one.
func (a *attempt) begin() (Outcome, bool) {
	a.settle()
	deadline := a.deadline
	if s := a.o.Streaming; s != nil {
		now := time.Now()
		if s.Max > 0 {
			a.until = now.Add(s.Max)
		}
		deadline = s.next(now, a.until)
	}
	if why := a.guard.start(deadline); why != 0 {
		return a.broken(errors.New("aborted")), true
	}
	a.ended = true
	return Outcome{}, false
}

// settle decides whether the connection can go on behind a request that waits for leave to send its body: when the
// upstream answers without having asked for it, nobody knows whether it still comes.
func (a *attempt) settle() {
	if a.req.has(fieldExpect) && a.open() && !a.whole.Load() {
		a.req.closes = true
	}
}

// next returns the deadline of the next byte, until being that of the whole stream, if there is one.
func (s *Streaming) next(now, until time.Time) time.Time {
	if s.Idle == 0 {
		return until
	}
	idle := now.Add(s.Idle)
	if !until.IsZero() && until.Before(idle) {
		return until
	}
	return idle
}

// stream sends the rest of the body.
func (a *attempt) stream() Outcome {
	pool := &a.srv.buffers
	var buf *buffer
	defer func() { pool.put(buf) }()
	for {
		var p []byte
		var err error
		p, buf, err = a.answer.next(pool)
		switch {
		case err == io.EOF && a.answer.kind == bodyUntilClose: //nolint:errorlint // body returns it bare
			a.answer.kind = bodyNone
			a.resp.closes = true
			return a.finish([]byte("0\r\n\r\n"))
		case err != nil:
			return a.cutShort(err)
		}
		if s := a.o.Streaming; s != nil && s.Idle > 0 {
			a.guard.extend(s.next(time.Now(), a.until))
		}
		if a.answer.kind == bodyUntilClose {
			a.out = appendChunk(a.out[:0], p)
			p = a.out
		}
		if a.answer.done() {
			return a.finish(p)
		}
		if _, err := a.conn.Write(p); err != nil {
			return a.clientLeft()
		}
		pool.put(buf)
		buf = nil
	}
}

// finish frees the upstream, says so, and only then sends the last bytes: the client may send its next request
// the moment that it has them.
func (a *attempt) finish(last []byte) Outcome {
	a.stopUpload()
	why := a.guard.end()
	a.release(why == 0)
	if a.o.Answered != nil {
		a.o.Answered(a.resp.status)
	}
	out := Outcome{Kind: Answered, Status: a.resp.status, Final: true}
	if _, err := a.conn.Write(last); err != nil {
		a.cut = true
		out.Kind = Gone
	}
	return out
}

// cutShort ends an answer that the upstream, or a bound, broke off: the client must not take it for whole.
func (a *attempt) cutShort(err error) Outcome {
	a.stopUpload()
	why := a.guard.end()
	lingering := a.abandon(why)
	a.cut = true
	if why == 0 {
		why = Broken
	}
	return Outcome{Kind: why, Status: a.resp.status, Final: true, Err: err, Lingering: lingering}
}

// clientLeft ends an exchange whose client takes no more.
func (a *attempt) clientLeft() Outcome {
	a.guard.fail(Gone)
	return a.cutShort(nil)
}

func appendChunk(dst, p []byte) []byte {
	dst = strconv.AppendInt(dst, int64(len(p)), 16)
	dst = append(dst, "\r\n"...)
	dst = append(dst, p...)
	return append(dst, "\r\n"...)
}
