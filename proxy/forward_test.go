package proxy_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"hotpod.dev/internal/testproxy"
	"hotpod.dev/proxy"
)

const plainGet = "GET / HTTP/1.1\nHost: h\n\n"

// answers is an upstream that reads a head and answers with what answer returns, on and on.
func answers(tb testing.TB, answer func(request string) string) string {
	tb.Helper()
	return testproxy.Script(tb, func(c *testproxy.Conn) {
		for {
			head := c.Head()
			if head == "" {
				return
			}
			c.Send(answer(head))
		}
	})
}

func TestForward_PassesAnswersOnInTheirFraming(t *testing.T) {
	for name, c := range map[string]struct {
		method, answer string
		status         int
		body           string
		chunked        bool
	}{
		"length":             {"GET", "HTTP/1.1 200 OK\nContent-Length: 2\n\nhi", 200, "hi", false},
		"chunks":             {"GET", "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n2\nhi\n0\n\n", 200, "hi", true},
		"no content":         {"GET", "HTTP/1.1 204 No Content\n\n", 204, "", false},
		"not modified":       {"GET", "HTTP/1.1 304 Not Modified\nContent-Length: 77\n\n", 304, "", false},
		"head":               {"HEAD", "HTTP/1.1 200 OK\nContent-Length: 77\n\n", 200, "", false},
		"a strange reason":   {"GET", "HTTP/1.1 299 So: what?\nContent-Length: 0\n\n", 299, "", false},
		"interim answers":    {"GET", "HTTP/1.1 103 Early Hints\nLink: x\n\nHTTP/1.1 102 Processing\n\nHTTP/1.1 200 OK\nContent-Length: 2\n\nhi", 200, "hi", false},
		"repeated fields":    {"GET", "HTTP/1.1 200 OK\nSet-Cookie: a=1\nSet-Cookie: b=2\nContent-Length: 0\n\n", 200, "", false},
		"keep-alive in 1.0":  {"GET", "HTTP/1.0 200 OK\nConnection: keep-alive\nContent-Length: 2\n\nhi", 200, "hi", false},
		"its own 503":        {"GET", "HTTP/1.1 503 No\nx-hotpod-busy: limit\nContent-Length: 2\n\nno", 503, "no", false},
		"chunks with a tail": {"GET", "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\nTrailer: T\n\n2\nhi\n0\nT: v\n\n", 200, "hi", true},
	} {
		t.Run(name, func(t *testing.T) {
			upstream := answers(t, func(string) string { return c.answer })
			conn := testproxy.Dial(t, through(t, upstream, &proxy.Options{DropResponse: []string{"x-hotpod-*"}}))
			for range 3 { // the connections on both sides stay usable
				conn.Send(c.method + " / HTTP/1.1\nHost: h\n\n")
				for strings.HasPrefix(peek(conn, 12), "HTTP/1.1 10") {
					conn.Head()
				}
				resp, body := conn.Answer(c.method)
				if resp.Status != c.status || body != c.body || resp.Chunked != c.chunked || resp.Header.Get("X-Hotpod-Busy") != "" {
					t.Fatalf("answer = %d %q %v %v", resp.Status, body, resp.Chunked, resp.Header)
				}
			}
		})
	}
}

func peek(c *testproxy.Conn, n int) string {
	b, _ := c.R.Peek(n)
	return string(b)
}

func TestForward_FramesAnswersThatEndWithTheirConnection(t *testing.T) {
	upstream := testproxy.Script(t, func(c *testproxy.Conn) {
		c.Head()
		c.Send("HTTP/1.0 200 OK\n\nuntil ")
		time.Sleep(time.Millisecond)
		c.Send("the end")
	})
	c := testproxy.Dial(t, through(t, upstream, &proxy.Options{}))
	for range 2 {
		c.Send(plainGet)
		if resp, body := c.Answer("GET"); body != "until the end" || resp.Proto != "HTTP/1.1" {
			t.Errorf("answer = %s %q", resp.Proto, body)
		}
	}
}

func TestForward_KeepsOrderAndCaseOfFields(t *testing.T) {
	seen := make(chan string, 1)
	upstream := answers(t, func(request string) string {
		seen <- request
		return "HTTP/1.1 200 OK\nx-LOWER: 1\nContent-Length: 0\nX-After: 2\n\n"
	})
	c := testproxy.Dial(t, through(t, upstream, &proxy.Options{
		RequestHeader: []byte("X-Added: 1\r\n"), ResponseHeader: []byte("X-Also: 1\r\n"), DropRequest: []string{"x-secret"},
	}))
	c.Send("GET /p?q HTTP/1.1\nhost: h\nX-Odd-CASE:  v \nCookie: a=1\nX-Secret: s\nCookie: b=2\nX-Request-ID: r\nUser-Agent:\n\n")
	if got, want := <-seen, "GET /p?q HTTP/1.1\nhost: h\nX-Odd-CASE:  v \nCookie: a=1\nCookie: b=2\nX-Request-ID: r\nUser-Agent:\nX-Fission-Request-ID: r\nX-Added: 1\n\n"; got != want {
		t.Errorf("request = %q, want %q", got, want)
	}
	if got, want := c.Head(), "HTTP/1.1 200 OK\nx-LOWER: 1\nContent-Length: 0\nX-After: 2\nX-Fission-Request-ID: r\nX-Also: 1\n\n"; got != want {
		t.Errorf("answer = %q, want %q", got, want)
	}
}

func TestForward_StreamsBothWaysWithoutWaiting(t *testing.T) {
	upstream := testproxy.Script(t, func(c *testproxy.Conn) { // echoes chunk by chunk
		c.Head()
		c.Send("HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n")
		for range 5 {
			c.Send(strings.ReplaceAll(c.Take(6), "\r\n", "\n"))
		}
		c.Send(strings.ReplaceAll(c.Take(5), "\r\n", "\n"))
	})
	c := testproxy.Dial(t, through(t, upstream, &proxy.Options{}))
	c.Send("POST / HTTP/1.1\nHost: h\nTransfer-Encoding: chunked\n\n")
	if head := c.Head(); !strings.Contains(head, "200 OK") {
		t.Fatalf("head = %q", head)
	}
	for i := range 5 { // each goes out only after the one before came back
		c.Send(fmt.Sprintf("1\n%d\n", i))
		if got := c.Take(6); got != fmt.Sprintf("1\r\n%d\r\n", i) {
			t.Fatalf("chunk %d = %q", i, got)
		}
	}
	c.Send("0\n\n")
	if got := c.Take(5); got != "0\r\n\r\n" {
		t.Errorf("end = %q", got)
	}
}

func TestForward_PassesLeaveToSendABodyOn(t *testing.T) {
	upstream := testproxy.Script(t, func(c *testproxy.Conn) {
		if !strings.Contains(c.Head(), "Expect: 100-continue") {
			return
		}
		c.Send("HTTP/1.1 100 Continue\n\n")
		c.Send("HTTP/1.1 200 OK\nContent-Length: 5\n\n" + c.Take(5))
		c.Head()
		c.Send("HTTP/1.1 417 No\nContent-Length: 0\n\n")
		c.Head()
	})
	c := testproxy.Dial(t, through(t, upstream, &proxy.Options{}))
	c.Send("POST / HTTP/1.1\nHost: h\nExpect: 100-continue\nContent-Length: 5\n\n")
	if head := c.Head(); head != "HTTP/1.1 100 Continue\n\n" {
		t.Fatalf("interim answer = %q", head)
	}
	c.Send("hello")
	if _, body := c.Answer("POST"); body != "hello" {
		t.Errorf("body = %q", body)
	}
	// Without leave nobody knows whether the body comes, so the connection cannot go on.
	c.Send("POST / HTTP/1.1\nHost: h\nExpect: 100-continue\nContent-Length: 5\n\n")
	if resp, _ := c.Answer("POST"); resp.Status != 417 || !resp.Close {
		t.Errorf("answer = %d, close %v", resp.Status, resp.Close)
	}
	if !c.Closed(5 * time.Second) {
		t.Error("the connection stays open")
	}
}

func TestForward_AnswersPipelinedRequestsInOrder(t *testing.T) {
	backend := testproxy.Backend(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s %s", r.URL.Path, body)
	}))
	c := testproxy.Dial(t, through(t, backend, &proxy.Options{}))
	c.Send("GET /1 HTTP/1.1\nHost: h\n\nPOST /2 HTTP/1.1\nHost: h\nContent-Length: 3\n\nabcPOST /3 HTTP/1.1\nHost: h\nTransfer-Encoding: chunked\n\n1\nx\n0\n\nGET /4 HTTP/1.1\nHost: h\nConnection: close\n\n")
	for _, want := range []string{"/1 ", "/2 abc", "/3 x", "/4 "} {
		if _, body := c.Answer("GET"); body != want {
			t.Errorf("body = %q, want %q", body, want)
		}
	}
	if !c.Closed(5 * time.Second) {
		t.Error("the connection stays open after Connection: close")
	}
}

func TestForward_TakesLargeHeadsUpToItsLimit(t *testing.T) {
	backend := testproxy.Backend(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Big", r.Header.Get("X-Big"))
	}))
	address := through(t, backend, &proxy.Options{})
	c := testproxy.Dial(t, address)
	for _, size := range []int{5_000, 60_000, 10} {
		c.Send("GET / HTTP/1.1\nHost: h\nX-Big: " + strings.Repeat("x", size) + "\n\n")
		if resp, _ := c.Answer("GET"); len(resp.Header.Get("X-Big")) != size {
			t.Errorf("%d bytes came back as %d, status %d", size, len(resp.Header.Get("X-Big")), resp.Status)
		}
	}
	c.Send("GET / HTTP/1.1\nHost: h\nX-Big: " + strings.Repeat("x", 70_000) + "\n\n")
	if resp, _ := c.Answer("GET"); resp.Status != 431 {
		t.Errorf("status = %d, want 431", resp.Status)
	}
	many := testproxy.Dial(t, address)
	many.Send("GET / HTTP/1.1\nHost: h\n" + strings.Repeat("A: b\n", 900) + "\n")
	if resp, _ := many.Answer("GET"); resp.Status != 200 {
		t.Errorf("900 fields: status = %d", resp.Status)
	}
	many.Send("GET / HTTP/1.1\nHost: h\n" + strings.Repeat("A: b\n", 10_000) + "\n")
	if resp, _ := many.Answer("GET"); resp.Status != 431 {
		t.Errorf("10,000 fields: status = %d", resp.Status)
	}
}

func TestServer_RefusesMalformedRequestsAndEndsTheConnection(t *testing.T) {
	reached := make(chan struct{}, 10)
	address := serve(t, func(x proxy.Exchange) { reached <- struct{}{}; x.Refuse("limit") })
	for name, c := range map[string]struct {
		raw    string
		status int
	}{
		"both lengths":  {"POST / HTTP/1.1\nHost: h\nContent-Length: 3\nTransfer-Encoding: chunked\n\n0\n\n", 400},
		"a folded line": {"GET / HTTP/1.1\nHost: h\nX: a\n b\n\n", 400},
		"HTTP/1.0":      {"GET / HTTP/1.0\nHost: h\n\n", 505},
		"no request":    {"\x16\x03\x01\x02\n\n", 400},
	} {
		t.Run(name, func(t *testing.T) {
			conn := testproxy.Dial(t, address)
			conn.Send(c.raw)
			if resp, _ := conn.Answer("GET"); resp.Status != c.status || resp.Header.Get("X-Fission-Component") != "client" {
				t.Errorf("answer = %d %v", resp.Status, resp.Header)
			}
			if !conn.Closed(5 * time.Second) {
				t.Error("the connection stays open")
			}
		})
	}
	if len(reached) > 0 {
		t.Error("the handler saw a malformed request")
	}
}

func TestForward_RefusesMalformedChunks(t *testing.T) {
	backend := testproxy.Backend(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { _, _ = io.ReadAll(r.Body) }))
	address := through(t, backend, &proxy.Options{})
	for _, raw := range []string{"5 \nhello\n0\n\n", "5\nhello!\n0\n\n", "-1\n", "0\nContent-Length: 3\n\n"} {
		c := testproxy.Dial(t, address)
		c.Send("POST / HTTP/1.1\nHost: h\nTransfer-Encoding: chunked\n\n" + raw)
		if resp, _ := c.Answer("POST"); resp.Status != 400 {
			t.Errorf("%q at once: status = %d", raw, resp.Status)
		}
		c = testproxy.Dial(t, address)
		c.Send("POST / HTTP/1.1\nHost: h\nTransfer-Encoding: chunked\n\n1\nx\n")
		time.Sleep(5 * time.Millisecond)
		c.Send(raw)
		if resp, _ := c.Answer("POST"); resp.Status != 400 {
			t.Errorf("%q later: status = %d", raw, resp.Status)
		}
	}
}

func TestForward_CallsABadAnswerBroken(t *testing.T) {
	for name, answer := range map[string]string{
		"no HTTP":            "hello\n\n",
		"both lengths":       "HTTP/1.1 200 OK\nContent-Length: 3\nTransfer-Encoding: chunked\n\n",
		"nothing":            "",
		"half a head":        "HTTP/1.1 200 OK\nConten",
		"a switch":           "HTTP/1.1 101 Switching Protocols\nUpgrade: x\nConnection: Upgrade\n\n",
		"a head without end": "HTTP/1.1 200 OK\nX: " + strings.Repeat("x", 70_000) + "\n\n",
	} {
		t.Run(name, func(t *testing.T) {
			upstream := testproxy.Script(t, func(c *testproxy.Conn) { c.Head(); c.Send(answer) })
			c := testproxy.Dial(t, through(t, upstream, &proxy.Options{}))
			c.Send(plainGet)
			if resp, body := c.Answer("GET"); resp.Status != 502 || !strings.Contains(body, "broken") {
				t.Errorf("answer = %d %s", resp.Status, body)
			}
		})
	}
}
