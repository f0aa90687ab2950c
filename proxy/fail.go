package proxy

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"hotpod.dev/wire"
)

const (
	// headTimeout bounds how long a head may take to come.
	headTimeout = 30 * time.Second
	// discardLimit and discardTimeout bound how much of a body is thrown away to keep a connection.
	discardLimit   = 2 << 20
	discardTimeout = 10 * time.Second
	// refusedLimit is how much is thrown away of a body that may be too large to be replayed, after it was refused: what
	// is read here makes room for more, and the client keeps only so much of what it sent.
	refusedLimit = 64 << 10
	// lingerTimeout bounds how long a client is listened to that was told that its connection ends.
	lingerTimeout = time.Second
)

// Fail implements Exchange.
func (c *h1) Fail(e *wire.Error) {
	e = e.With(strings.Clone(c.RequestID()), strings.Clone(c.TraceID()))
	body := e.Body()
	out := c.out[:0]
	out = append(out, "HTTP/1.1 "...)
	out = strconv.AppendInt(out, int64(e.Status), 10)
	out = append(out, ' ')
	out = append(out, http.StatusText(e.Status)...)
	out = append(out, "\r\n"...)
	for name, values := range e.Header() {
		out = appendLine(out, name, values[0])
	}
	out = c.id.append(out)
	out = appendLine(out, "Content-Length", strconv.Itoa(len(body)))
	if c.closing() {
		out = appendLine(out, "Connection", "close")
	}
	out = append(out, "\r\n"...)
	if string(c.req.method) != http.MethodHead {
		out = append(out, body...)
	}
	c.send(out)
}

// Refuse implements Exchange.
func (c *h1) Refuse(why wire.Busy) {
	out := c.out[:0]
	out = append(out, "HTTP/1.1 503 Service Unavailable\r\n"+wire.HeaderBusy+": "...)
	out = append(out, why...)
	out = append(out, "\r\nContent-Length: 0\r\n"...)
	if c.closing() {
		out = appendLine(out, "Connection", "close")
	}
	c.refused = true
	c.send(append(out, "\r\n"...))
}

func (c *h1) send(out []byte) {
	c.ended, c.out = true, out
	if _, err := c.conn.Write(out); err != nil {
		c.cut = true
	}
}

// failBody answers a request whose body broke the protocol, unless the answer has begun.
func (c *h1) failBody() {
	if !c.ended {
		c.req.closes = true
		c.Fail(badRequest(http.StatusBadRequest, "bad_request", errBadChunk.Error()))
	}
	c.linger()
	c.cut = true
}

// reject answers what is no request that the engine understands.
func (c *h1) reject(status int, reason, message string) {
	c.req.reset(nil)
	c.id.id = view(c.id.make())
	c.req.closes = true
	c.body = body{}
	c.Fail(badRequest(status, reason, message))
	c.linger()
}

func badRequest(status int, reason, message string) *wire.Error {
	return &wire.Error{Status: status, Component: "client", Reason: reason, Message: message}
}

// discard throws the rest of the body away, so that the next request can follow; false means that there is too
// much of it.
func (c *h1) discard() bool {
	if c.body.done() {
		return true
	}
	known := c.body.kind == bodyLength
	fits := known && c.body.left <= discardLimit
	switch {
	case c.req.closes || c.req.has(fieldExpect):
	case fits || !known && !c.refused:
		return c.throwAway(discardLimit, discardTimeout) == nil && c.body.done()
	case c.refused:
		if err := c.throwAway(refusedLimit, lingerTimeout); err != nil || c.body.done() {
			return err == nil
		}
		c.awaitHangup()
	}
	c.linger()
	return false
}

// throwAway reads the body to its end, or limit bytes of it, for as long as patience.
func (c *h1) throwAway(limit int, patience time.Duration) error {
	c.readDeadline = time.Now().Add(patience)
	_ = c.conn.SetReadDeadline(c.readDeadline)
	for n := 0; n < limit && !c.body.done(); {
		p, buf, err := c.body.next(&c.srv.buffers)
		c.srv.buffers.put(buf)
		if err != nil {
			return err
		}
		n += len(p)
	}
	c.clearReadDeadline()
	return nil
}

// awaitHangup reads nothing until the client has closed the connection, as who sends a request elsewhere does in the
// middle of its body, or a moment has passed.
func (c *h1) awaitHangup() {
	select {
	case <-c.guard.gone:
	case <-time.After(lingerTimeout):
	}
}

// linger closes the sending side and reads on for a moment: closing with unread bytes makes the kernel send a
// reset, which would take the answer from the client.
func (c *h1) linger() {
	cw, ok := c.conn.(interface{ CloseWrite() error })
	if !ok || cw.CloseWrite() != nil {
		return
	}
	_ = c.conn.SetReadDeadline(time.Now().Add(lingerTimeout))
	for {
		buf, _, err := c.srv.buffers.read(c.conn, copyBuffer)
		c.srv.buffers.put(buf)
		if err != nil {
			return
		}
	}
}

func appendLine(dst []byte, name, value string) []byte {
	dst = append(dst, name...)
	dst = append(dst, ": "...)
	dst = append(dst, value...)
	return append(dst, "\r\n"...)
}
