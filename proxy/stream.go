package proxy

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"hotpod.dev/wire"
)

// h2 is an exchange on a stream of an HTTP/2 connection. It goes to the upstream as HTTP/2: what speaks it to us
// wants the function to speak it (gRPC).
type h2 struct {
	srv  *Server
	id   identity
	w    http.ResponseWriter
	r    *http.Request
	tape tape
	cut  bool
	came time.Time
}

// Method implements Exchange.
func (x *h2) Method() string { return x.r.Method }

// Target implements Exchange.
func (x *h2) Target() string { return x.r.URL.RequestURI() }

// Header implements Exchange.
func (x *h2) Header(name string) string {
	if strings.EqualFold(name, "host") {
		return x.r.Host
	}
	return x.r.Header.Get(name)
}

// Function implements Exchange.
func (x *h2) Function() (wire.FunctionID, bool) {
	return wire.ParseFunctionID(x.Header(wire.HeaderFunction))
}

// RequestID implements Exchange.
func (x *h2) RequestID() string { return x.id.id }

// TraceID implements Exchange.
func (x *h2) TraceID() string { return traceID(x.Header("traceparent")) }

// ContentLength implements Exchange.
func (x *h2) ContentLength() int64 { return x.r.ContentLength }

// Upgrade implements Exchange.
func (x *h2) Upgrade() bool { return false }

// Replayable implements Exchange. HTTP/2 names no length as a rule (gRPC never does), so a body that ends soon is read
// ahead: when its end is here, the client has all of it, too.
func (x *h2) Replayable(limit int64) bool {
	if x.r.ContentLength >= 0 {
		return x.r.ContentLength <= limit
	}
	return x.tape.whole(x.r.Body, limit, readAhead)
}

// Gone implements Exchange.
func (x *h2) Gone() <-chan struct{} { return x.r.Context().Done() }

// dialError tells a connection that could not be made from one that broke.
type dialError struct{ err error }

func (e *dialError) Error() string { return e.err.Error() }
func (e *dialError) Unwrap() error { return e.err }

func (t *Target) dialHTTP2(ctx context.Context, network, address string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, t.cfg.DialTimeout)
	defer cancel()
	conn, err := t.cfg.Dial(ctx, network, address)
	if err != nil {
		return nil, &dialError{fmt.Errorf("connect to %s: %w", address, err)}
	}
	return conn, nil
}

// Forward implements Exchange.
func (x *h2) Forward(t *Target, o *Options) Outcome {
	out := x.attempt(t, o)
	if o.Linger && (out.Kind == Gone || out.Kind == TimedOut) {
		out.Lingering = &Lingering{target: t}
	}
	return out
}

func (x *h2) attempt(t *Target, o *Options) Outcome {
	b := newBound(x.r.Context(), o)
	defer b.stop()
	resp, err := t.transport().RoundTrip(x.request(whenConnected(b.ctx, o.Sent), t, o))
	if err != nil {
		return x.failed(b, err)
	}
	defer func() {
		b.stop() // first: closing waits for the request's body, which may be long in coming
		_ = resp.Body.Close()
	}()
	busy := resp.Header.Get(wire.HeaderBusy)
	if o.Refusals && resp.StatusCode == http.StatusServiceUnavailable && busy != "" && resp.ContentLength == 0 {
		return Outcome{Kind: Refused, Status: resp.StatusCode, Busy: wire.Busy(busy), Retry: x.tape.intact()}
	}
	return x.relay(b, resp, o)
}

// request is what goes to the upstream.
func (x *h2) request(ctx context.Context, t *Target, o *Options) *http.Request {
	out := x.r.WithContext(ctx)
	out.URL = &url.URL{Scheme: "http", Host: t.cfg.Address, Path: x.r.URL.Path, RawPath: x.r.URL.RawPath, RawQuery: x.r.URL.RawQuery}
	out.RequestURI = ""
	out.Header = x.r.Header.Clone()
	dropFrom(out.Header, o.DropRequest)
	dropHop(out.Header)
	dropTrailers(out.Trailer)
	if _, ok := out.Header["User-Agent"]; !ok {
		out.Header["User-Agent"] = nil // else the client would put its own
	}
	var lines []byte
	if o.Forwarded && out.Header.Get("Forwarded") == "" && out.Header.Get("X-Forwarded-Host") == "" {
		lines = appendForwarded(lines, []byte(x.r.Host))
	}
	if o.Params != nil {
		lines = o.Params.append(lines, x.Header(wire.HeaderTemplate), x.Header(wire.HeaderFullURL))
	}
	addLines(out.Header, lines)
	out.Header.Del(wire.HeaderRequestID)
	addLines(out.Header, x.id.appendTo(nil))
	addLines(out.Header, o.RequestHeader)
	if x.r.ContentLength != 0 {
		out.Body = x.tape.reader(x.r.Body, o.ReplayLimit)
	} else {
		out.Body = nil
	}
	return out
}

func (x *h2) failed(b *bound, err error) Outcome {
	var dial *dialError
	why := b.why()
	switch {
	case why == Gone:
		x.cut = true
		return Outcome{Kind: Gone, Final: true}
	case why != 0:
		return Outcome{Kind: why}
	case errors.As(err, &dial):
		return Outcome{Kind: Unreached, Retry: x.tape.intact(), Err: err}
	case unprocessed(err):
		return Outcome{Kind: Unreached, Retry: x.tape.intact(), Err: err}
	default:
		return Outcome{Kind: Broken, Err: fmt.Errorf("forward: %w", err)}
	}
}

// unprocessed reports whether the upstream said that it did nothing with the request: it refused the stream, or it was
// going away and the stream came too late. net/http has only words for that.
func unprocessed(err error) bool {
	text := err.Error()
	return strings.Contains(text, "REFUSED_STREAM") || strings.Contains(text, "graceful shutdown GOAWAY")
}

// relay streams an answer to the client.
func (x *h2) relay(b *bound, resp *http.Response, o *Options) Outcome {
	header := x.w.Header()
	maps.Copy(header, resp.Header)
	dropFrom(header, o.DropResponse)
	dropHop(header)
	header.Set(wire.HeaderRequestID, x.id.id)
	addLines(header, o.ResponseHeader)
	if o.AnswerHead != nil {
		addLines(header, o.AnswerHead(nil))
	}
	x.leaving()
	for name := range resp.Trailer {
		header.Add("Trailer", name)
	}
	b.begin()
	x.w.WriteHeader(resp.StatusCode)
	if resp.ContentLength != 0 {
		_ = http.NewResponseController(x.w).Flush() // the body may be long in coming
	}
	err := x.copyBody(b, resp.Body)
	if err != nil {
		x.cut = true
		out := Outcome{Kind: b.why(), Status: resp.StatusCode, Final: true, Err: err}
		if out.Kind == 0 {
			out.Kind = Broken
		}
		return out
	}
	dropFrom(resp.Trailer, o.DropResponse)
	for name, values := range resp.Trailer {
		for _, v := range values {
			header.Add(http.TrailerPrefix+name, v)
		}
	}
	if o.Answered != nil {
		o.Answered(resp.StatusCode)
	}
	return Outcome{Kind: Answered, Status: resp.StatusCode, Final: true}
}

func (x *h2) copyBody(b *bound, from io.Reader) error {
	buf := take(&x.srv.buffers.small, copyBuffer) // streams come in small frames, and wait with it
	defer x.srv.buffers.put(buf)
	flush := http.NewResponseController(x.w).Flush
	for {
		n, err := from.Read(buf.p)
		if n > 0 {
			b.progress()
			if _, werr := x.w.Write(buf.p[:n]); werr != nil {
				return werr
			}
			if ferr := flush(); ferr != nil {
				return ferr
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// dropHop removes what says something about one connection; HTTP/2 has other means. "TE: trailers" is the exception.
func dropHop(h http.Header) {
	for name := range h {
		switch classify([]byte(name)) {
		case fieldConnection, fieldUpgrade, fieldTransferEncoding, fieldHop:
			if name != "Te" || h.Get(name) != "trailers" {
				delete(h, name)
			}
		default:
		}
	}
}

// dropTrailers removes trailers that a reader must not merge into the head.
func dropTrailers(h http.Header) {
	for name := range h {
		if !trailerAllowed([]byte(name)) {
			delete(h, name)
		}
	}
}

func dropFrom(h http.Header, list []string) {
	for name := range h {
		if dropped([]byte(name), list) {
			delete(h, name)
		}
	}
}

// addLines adds the header lines of Options to a header map.
func addLines(h http.Header, lines []byte) {
	for line := range bytes.Lines(lines) {
		if name, value, ok := bytes.Cut(bytes.TrimRight(line, "\r\n"), []byte(":")); ok {
			h.Add(string(name), string(bytes.TrimSpace(value)))
		}
	}
}
