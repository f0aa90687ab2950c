package proxy

import (
	"errors"
	"net"
	"strings"
	"time"
	"unsafe"

	"hotpod.dev/wire"
)

// h1 is a client's HTTP/1.1 connection, and the one exchange that is on it.
type h1 struct {
	srv  *Server
	conn net.Conn
	in   reader
	// readDeadline is what the connection's read deadline was last set to, zero when there is none.
	readDeadline time.Time
	guard        guard
	uploaded     chan struct{} // the upload ended; made by the first one

	// Of the exchange.
	id      identity
	req     head
	body    body
	resp    head
	answer  body
	image   []byte // what was written to the upstream in one piece
	out     []byte // what is written to the client
	tape    []byte // the body as far as it was read, for a further attempt
	taping  bool
	lost    bool      // parts of the body are not on the tape
	ended   bool      // the client was answered
	refused bool      // by Refuse
	cut     bool      // the connection must not be used again
	last    bool      // the client was told that the connection ends
	until   time.Time // when a stream must end, zero for no bound
	try     attempt
}

// serve handles the connection's requests until it ends. It returns what was read when the client speaks HTTP/2.
func (c *h1) serve() (preface []byte) {
	c.in.slow = c.headDeadline
	for first := true; ; first = false {
		raw, err := c.next()
		if err != nil {
			if errors.Is(err, errHeadTooLarge) {
				c.reject(431, "head_too_large", "the request's headers are larger than the platform takes")
			}
			return nil
		}
		if first && string(raw) == prefaceHead {
			return append(raw, c.in.buffered()...)
		}
		if !c.exchange(raw) {
			return nil
		}
	}
}

// next waits for a request and returns its head.
func (c *h1) next() ([]byte, error) {
	c.in.rewind()
	c.trim()
	if len(c.in.buffered()) == 0 {
		c.idleDeadline()
		if err := c.in.fill(c.srv.headLimit()); err != nil {
			return nil, err
		}
	}
	return c.in.readHead(c.srv.headLimit())
}

// trim gives memory back that only an unusual exchange needed.
func (c *h1) trim() {
	if len(c.in.buf) > readBuffer && c.in.w == 0 {
		c.in.buf = nil
	}
	for _, b := range []*[]byte{&c.image, &c.out, &c.tape} {
		if cap(*b) > copyBuffer {
			*b = nil
		}
	}
}

// idleDeadline bounds the wait for a request. It is moved only when a good part of it has passed, so that busy
// connections do not pay for it.
func (c *h1) idleDeadline() {
	idle := c.srv.idleTimeout()
	now := time.Now()
	if c.readDeadline.Sub(now) < idle {
		c.readDeadline = now.Add(idle + idle/4)
		_ = c.conn.SetReadDeadline(c.readDeadline)
	}
}

// headDeadline bounds the wait for the rest of a head that has begun.
func (c *h1) headDeadline() {
	limit := time.Now().Add(headTimeout)
	if c.readDeadline.IsZero() || c.readDeadline.After(limit) {
		c.readDeadline = limit
		_ = c.conn.SetReadDeadline(limit)
	}
}

// exchange serves one request and reports whether the connection can carry another.
func (c *h1) exchange(raw []byte) bool {
	if err := c.req.parseRequest(raw); err != nil {
		switch {
		case errors.Is(err, errVersion):
			c.reject(505, "http_version", "the platform speaks HTTP/1.1 and HTTP/2")
		case errors.Is(err, errManyFields):
			c.reject(431, "head_too_large", "the request has more headers than the platform takes")
		default:
			c.reject(400, "bad_request", err.Error())
		}
		return false
	}
	c.identify()
	c.body.start(&c.in, &c.req)
	c.tape, c.taping, c.lost, c.ended, c.refused, c.cut, c.last, c.until = c.tape[:0], false, false, false, false, false, false, time.Time{}
	c.srv.active.Add(1)
	defer c.srv.active.Add(-1)
	c.srv.Handler.Serve(c)
	if !c.ended && !c.cut {
		c.Fail(wire.ErrFunction("function_error", "the platform gave no answer"))
	}
	return !c.cut && c.discard() && !c.last
}

// closing decides whether the connection ends with this exchange, as the answer's head is about to say.
func (c *h1) closing() bool {
	c.last = c.req.closes || c.srv.retired.Load() || c.req.has(fieldExpect) && !c.try.open() && !c.body.done() && !c.body.read
	return c.last
}

// Method implements Exchange.
func (c *h1) Method() string { return view(c.req.method) }

// Target implements Exchange.
func (c *h1) Target() string { return view(c.req.target) }

// Header implements Exchange.
func (c *h1) Header(name string) string {
	for i := range c.req.fields {
		if f := &c.req.fields[i]; strings.EqualFold(view(c.req.name(f)), name) {
			return view(c.req.value(f))
		}
	}
	return ""
}

// Function implements Exchange.
func (c *h1) Function() (wire.FunctionID, bool) {
	v, _ := c.req.get(wire.HeaderFunction)
	return wire.ParseFunctionID(view(v))
}

// RequestID implements Exchange.
func (c *h1) RequestID() string { return c.id.id }

// TraceID implements Exchange.
func (c *h1) TraceID() string {
	v, _ := c.req.get("traceparent")
	return traceID(view(v))
}

// ContentLength implements Exchange.
func (c *h1) ContentLength() int64 {
	if c.req.chunked {
		return -1
	}
	return max(0, c.req.length)
}

// Upgrade implements Exchange.
func (c *h1) Upgrade() bool { return c.req.upgrade }

// Replayable implements Exchange.
func (c *h1) Replayable(limit int64) bool { return !c.req.chunked && c.req.length <= limit }

// Gone implements Exchange.
func (c *h1) Gone() <-chan struct{} { return c.guard.gone }

// traceID cuts the trace's identity out of a traceparent.
func traceID(parent string) string {
	if len(parent) < 55 || parent[2] != '-' || parent[35] != '-' {
		return ""
	}
	return parent[3:35]
}

// view is b as a string without a copy: it changes when b does. Exchange says how long its strings are valid.
func view(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) } //nolint:gosec // the promise above
