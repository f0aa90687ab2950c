package proxy

import (
	"errors"
	"os"
	"time"
)

// open reports whether the upload is at work, so that the body is not to be looked at.
func (a *attempt) open() bool { return a.uploading && !a.stopped }

// startUpload sends first and then the rest of the body from a goroutine of its own: the upstream may answer before
// it has read everything, or nothing.
func (a *attempt) startUpload(first []byte) {
	a.uploading = true
	if a.uploaded == nil {
		a.uploaded = make(chan struct{}, 1)
	}
	a.clearReadDeadline()
	go func() {
		a.upload(first)
		a.uploaded <- struct{}{}
	}()
}

func (a *attempt) upload(p []byte) {
	pool := &a.srv.buffers
	var buf *buffer
	defer func() { pool.put(buf) }()
	for {
		// The upstream may answer the last byte before this goroutine runs again.
		a.whole.Store(a.body.done())
		if len(p) > 0 {
			if _, err := a.u.conn.Write(p); err != nil {
				a.unsent = true // what the upstream answered to that is yet to be read
				return
			}
		}
		if a.body.done() {
			return
		}
		pool.put(buf)
		var err error
		p, buf, err = a.body.next(pool)
		a.record(p, a.o.ReplayLimit)
		if err != nil {
			a.uploadFailed(err)
			return
		}
	}
}

// uploadFailed judges what was wrong with the client's side.
func (a *attempt) uploadFailed(err error) {
	switch {
	case errors.Is(err, errBadChunk):
		a.guard.fail(Invalid)
	case !errors.Is(err, os.ErrDeadlineExceeded): // which is stopUpload's doing
		a.guard.fail(Gone)
	}
}

// stopUpload ends the upload, if one runs, and waits for it. The body stands where the upload left it.
func (a *attempt) stopUpload() {
	if !a.open() {
		return
	}
	a.stopped = true
	select {
	case <-a.uploaded:
		return
	default:
	}
	_ = a.conn.SetReadDeadline(longAgo)
	_ = a.u.conn.SetWriteDeadline(longAgo)
	<-a.uploaded
	_ = a.u.conn.SetWriteDeadline(time.Time{})
	a.clearReadDeadline()
}

// record keeps p for a further attempt, as long as everything up to here is kept.
func (c *h1) record(p []byte, limit int64) {
	if len(p) == 0 {
		return
	}
	if !c.taping || c.lost || int64(len(c.tape)+len(p)) > limit {
		c.lost, c.tape = true, nil
		return
	}
	c.tape = append(c.tape, p...)
}

// intact reports whether the whole request can be sent again.
func (c *h1) intact() bool { return !c.lost }

func (c *h1) clearReadDeadline() {
	c.readDeadline = time.Time{}
	_ = c.conn.SetReadDeadline(time.Time{})
}
