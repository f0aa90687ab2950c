package soak

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/gorilla/websocket"

	"hotpod.dev/perf/probe"
)

// patience bounds one request; the platform's own bounds are shorter or do not apply.
const patience = 90 * time.Second

// caller sends the requests of one client.
type caller struct {
	book     *book
	balancer *balancer
	random   *rand.Rand
	name     string
	sent     int
}

// request is what a kind of call sends, and how it checks the answer.
type request struct {
	kind, function, path string
	body                 []byte
	// chunked leaves the length of the body out.
	chunked bool
	// check says what is wrong with a complete answer.
	check func(c *call, body []byte) string
}

// send sends one request and notes what became of it.
func (k *caller) send(ctx context.Context, q request) {
	c := k.call(q)
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	k.book.begin(c)
	ctx = on(ctx, func(made time.Time) { k.book.connected(c, made) })
	res, err := k.balancer.do(ctx, func(address string) (*http.Request, error) { return q.to(ctx, address, c.id) },
		func(address string, again bool) { k.book.hand(c, address, again) })
	if err != nil {
		c.fault = err.Error()
	} else {
		c.read(res, q.check)
	}
	k.book.end(c)
}

func (k *caller) call(q request) *call {
	k.sent++
	return &call{id: fmt.Sprintf("%s-%d", k.name, k.sent), kind: q.kind, function: q.function, size: len(q.body)}
}

func (q request) to(ctx context.Context, address, id string) (*http.Request, error) {
	method := http.MethodGet
	if q.body != nil {
		method = http.MethodPost
	}
	// net/http sends what it takes to be replayable again by itself, also when it was received. It does not when it
	// cannot tell how to make the body anew.
	body := struct{ io.Reader }{bytes.NewReader(q.body)}
	req, err := http.NewRequestWithContext(ctx, method, "http://"+address+q.path, body)
	if err != nil {
		return nil, err
	}
	if !q.chunked {
		req.ContentLength = int64(len(q.body))
	}
	req.Header.Set(probe.HeaderID, id)
	return req, nil
}

// read reads and checks the answer.
func (c *call) read(res *http.Response, check func(*call, []byte) string) {
	defer res.Body.Close()
	c.status = res.StatusCode
	body, err := io.ReadAll(res.Body)
	c.version, _ = strconv.Atoi(res.Header.Get(probe.HeaderVersion))
	c.body = string(body[:min(len(body), 300)])
	switch {
	case res.StatusCode != http.StatusOK:
		c.fault = fmt.Sprintf("status %d", res.StatusCode)
	case err != nil:
		c.fault, c.body = err.Error(), broken
	default:
		c.fault = check(c, body)
	}
}

// short is a request that is answered after some milliseconds.
func short(function string, millis int) request {
	return request{kind: "short", function: function, path: fmt.Sprintf("/%s?ms=%d", function, millis), check: isAnswer("", 0)}
}

// long is a request of seconds.
func long(function string, millis int) request {
	q := short(function, millis)
	q.kind = "long"
	return q
}

// post has its body summed up.
func post(function string, body []byte, chunked bool) request {
	sum := sha256.Sum256(body)
	q := request{
		kind: "post", function: function, path: "/" + function + "/echo", body: body, chunked: chunked,
		check: isAnswer(hex.EncodeToString(sum[:]), int64(len(body))),
	}
	if chunked {
		q.kind = "post-chunked"
	}
	return q
}

// isAnswer checks that the answer is that of this request, and saw the body.
func isAnswer(sum string, bytes int64) func(*call, []byte) string {
	return func(c *call, body []byte) string {
		var a probe.Answer
		if err := json.Unmarshal(body, &a); err != nil {
			return "no answer: " + err.Error()
		}
		if a.Request != c.id || a.Version != c.version || a.Sum != sum || a.Bytes != bytes {
			return fmt.Sprintf("another's answer: %+v", a)
		}
		return ""
	}
}

// stream is answered in numbered lines over some time.
func stream(function string, lines, gap int) request {
	return numbered("stream", function, "line %d\n", lines, gap)
}

// events is a stream of server-sent events.
func events(function string, lines, gap int) request {
	return numbered("sse", function, "data: %d\n\n", lines, gap)
}

func numbered(kind, function, format string, lines, gap int) request {
	var want strings.Builder
	for i := range lines {
		fmt.Fprintf(&want, format, i)
	}
	return request{
		kind: kind, function: function, path: fmt.Sprintf("/%s/%s?n=%d&gap=%d", function, kind, lines, gap),
		check: func(_ *call, body []byte) string {
			if string(body) != want.String() {
				return fmt.Sprintf("%d of %d bytes, or others", len(body), want.Len())
			}
			return ""
		},
	}
}

// talk opens a WebSocket, sends messages, each after the last was answered, and closes it.
func (k *caller) talk(ctx context.Context, function string, messages int, gap time.Duration) {
	c := k.call(request{kind: "websocket", function: function})
	k.book.begin(c)
	c.fault = k.converse(ctx, c, messages, gap)
	k.book.end(c)
}

func (k *caller) converse(ctx context.Context, c *call, messages int, gap time.Duration) string {
	conn, res, err := k.upgrade(ctx, c) //nolint:bodyclose // the library keeps a copy
	if res != nil {
		c.status = res.StatusCode
	}
	if err != nil {
		if res != nil && res.Body != nil {
			text, _ := io.ReadAll(res.Body) // as much as the library keeps
			c.body = string(text)
		}
		return "upgrade: " + err.Error()
	}
	defer conn.Close()
	c.version, _ = strconv.Atoi(res.Header.Get(probe.HeaderVersion))
	for i := range messages {
		_ = conn.SetReadDeadline(time.Now().Add(patience))
		if err := conn.WriteMessage(websocket.TextMessage, fmt.Appendf(nil, "message %d", i)); err != nil {
			return "send: " + err.Error()
		}
		_, got, err := conn.ReadMessage()
		if err != nil {
			return "receive: " + err.Error()
		}
		if want := fmt.Sprintf("%d message %d", c.version, i); string(got) != want {
			c.status = http.StatusOK // the content is wrong, not the delivery
			return fmt.Sprintf("message %q instead of %q", got, want)
		}
		time.Sleep(gap)
	}
	bye := websocket.FormatCloseMessage(websocket.CloseNormalClosure, "")
	if err := conn.WriteControl(websocket.CloseMessage, bye, time.Now().Add(time.Second)); err != nil {
		return "close: " + err.Error()
	}
	_ = conn.SetReadDeadline(time.Now().Add(10 * time.Second))
	if _, _, err := conn.ReadMessage(); !websocket.IsCloseError(err, websocket.CloseNormalClosure) {
		return fmt.Sprintf("no goodbye: %v", err)
	}
	return ""
}

func (k *caller) upgrade(ctx context.Context, c *call) (*websocket.Conn, *http.Response, error) {
	var tried *router
	for attempt := 0; ; attempt++ {
		r := k.balancer.pick(tried)
		k.book.hand(c, r.address, attempt > 0)
		dialer := websocket.Dialer{HandshakeTimeout: patience}
		conn, res, err := dialer.DialContext(ctx, "ws://"+r.address+"/"+c.function+"/ws", http.Header{probe.HeaderID: {c.id}})
		if err == nil || !unconnected(err) || attempt == 20 {
			return conn, res, err
		}
		tried = r
		time.Sleep(time.Duration(attempt) * 20 * time.Millisecond)
	}
}
