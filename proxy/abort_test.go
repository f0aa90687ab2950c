package proxy_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"hotpod.dev/internal/testproxy"
	"hotpod.dev/proxy"
)

// outcomes forwards to the upstream and tells how each exchange ended.
func outcomes(tb testing.TB, upstream string, o *proxy.Options) (string, <-chan proxy.Outcome) {
	tb.Helper()
	target := proxy.NewTarget(proxy.TargetConfig{Address: upstream})
	tb.Cleanup(target.Close)
	ends := make(chan proxy.Outcome, 16)
	return serve(tb, func(x proxy.Exchange) { ends <- forward(x, target, o) }), ends
}

func TestForward_EndsUpstreamWhenTheClientLeaves(t *testing.T) {
	for name, c := range map[string]struct{ request, answer string }{
		"while it waits for the answer": {plainGet, ""},
		"inside a streamed answer":      {plainGet, "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n1\nx\n"},
		"inside its own body":           {"POST / HTTP/1.1\nHost: h\nContent-Length: 10\n\nabc", ""},
	} {
		t.Run(name, func(t *testing.T) {
			got, left := make(chan struct{}), make(chan struct{})
			upstream := testproxy.Script(t, func(u *testproxy.Conn) {
				u.Head()
				u.Send(c.answer)
				close(got)
				_, _ = io.Copy(io.Discard, u.R) // until the proxy closes
				close(left)
			})
			address, ends := outcomes(t, upstream, &proxy.Options{})
			conn := testproxy.Dial(t, address)
			conn.Send(c.request)
			<-got
			if c.answer != "" {
				conn.Head()
			}
			_ = conn.Close()
			if out := <-ends; out.Kind != proxy.Gone || !out.Final {
				t.Errorf("outcome = %v, final %v", out, out.Final)
			}
			<-left
		})
	}
}

func TestExchange_TellsThatTheClientLeftWhileItIsHeld(t *testing.T) {
	held, gone := make(chan struct{}), make(chan struct{})
	address := serve(t, func(x proxy.Exchange) {
		close(held)
		<-x.Gone()
		close(gone)
		x.Refuse("limit")
	})
	c := testproxy.Dial(t, address)
	c.Send("POST / HTTP/1.1\nHost: h\nContent-Length: 3\n\nabc")
	<-held
	_ = c.Close()
	select {
	case <-gone:
	case <-time.After(5 * time.Second):
		t.Error("nobody noticed")
	}
}

func TestForward_CutsAnAnswerThatBreaksOff(t *testing.T) {
	for name, answer := range map[string]string{
		"inside its length": "HTTP/1.1 200 OK\nContent-Length: 10\n\nabc",
		"inside a chunk":    "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\na\nabc",
		"between chunks":    "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n3\nabc\n",
		"by a bad chunk":    "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n3\nabcx\n",
	} {
		t.Run(name, func(t *testing.T) {
			upstream := testproxy.Script(t, func(c *testproxy.Conn) { c.Head(); c.Send(answer) })
			address, ends := outcomes(t, upstream, &proxy.Options{})
			c := testproxy.Dial(t, address)
			c.Send(plainGet)
			resp, err := http.ReadResponse(c.R, nil)
			if err == nil {
				defer resp.Body.Close()
				_, err = io.ReadAll(resp.Body)
			}
			if err == nil {
				t.Error("the client takes the answer for whole")
			}
			if out := <-ends; out.Kind != proxy.Broken || !out.Final {
				t.Errorf("outcome = %v, final %v", out, out.Final)
			}
		})
	}
}

func TestForward_TimesOut(t *testing.T) {
	for name, c := range map[string]struct {
		request, answer string
		final           bool
	}{
		"before the answer":    {plainGet, "", false},
		"inside a body":        {"POST / HTTP/1.1\nHost: h\nContent-Length: 10\n\nabc", "", false},
		"inside the answer":    {plainGet, "HTTP/1.1 200 OK\nContent-Length: 10\n\nabc", true},
		"after interim answer": {plainGet, "HTTP/1.1 103 Early\n\n", false},
	} {
		t.Run(name, func(t *testing.T) {
			upstream := testproxy.Script(t, func(u *testproxy.Conn) { u.Head(); u.Send(c.answer); _, _ = io.Copy(io.Discard, u.R) })
			address, ends := outcomes(t, upstream, &proxy.Options{Timeout: 50 * time.Millisecond})
			conn := testproxy.Dial(t, address)
			begin := time.Now()
			conn.Send(c.request)
			out := <-ends
			if took := time.Since(begin); out.Kind != proxy.TimedOut || out.Final != c.final || took < 50*time.Millisecond || took > 5*time.Second {
				t.Errorf("outcome = %v, final %v, after %v", out, out.Final, took)
			}
			if !c.final {
				if strings.Contains(c.answer, "103") {
					conn.Head()
				}
				if resp, _ := conn.Answer("GET"); resp.Status != 504 {
					t.Errorf("status = %d", resp.Status)
				}
			}
		})
	}
}

func TestForward_SendsAnAnswerThatComesBeforeTheBody(t *testing.T) {
	upstream := testproxy.Script(t, func(c *testproxy.Conn) { // reads nothing of the body
		c.Head()
		c.Send("HTTP/1.1 413 Too Large\nContent-Length: 2\nConnection: close\n\nno")
		time.Sleep(20 * time.Millisecond)
	})
	address, ends := outcomes(t, upstream, &proxy.Options{})
	c := testproxy.Dial(t, address)
	go func() {
		c.Send("POST / HTTP/1.1\nHost: h\nContent-Length: 100000000\n\n")
		_, _ = io.CopyN(c.Conn, zeros{}, 100_000_000)
	}()
	if resp, body := c.Answer("POST"); resp.Status != 413 || body != "no" {
		t.Errorf("answer = %d %q", resp.Status, body)
	}
	if out := <-ends; out.Kind != proxy.Answered {
		t.Errorf("outcome = %v", out)
	}
}

func TestForward_GoesOnBehindASmallBodyThatNobodyRead(t *testing.T) {
	upstream := testproxy.Script(t, func(c *testproxy.Conn) {
		c.Head()
		c.Send("HTTP/1.1 413 Too Large\nContent-Length: 2\nConnection: close\n\nno")
	})
	c := testproxy.Dial(t, through(t, upstream, &proxy.Options{}))
	for range 3 {
		c.Send("POST / HTTP/1.1\nHost: h\nContent-Length: 5000\n\n")
		if resp, _ := c.Answer("POST"); resp.Status != 413 {
			t.Fatalf("status = %d", resp.Status)
		}
		c.Send(strings.Repeat("x", 5000))
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }

func TestForward_StreamsLargeBodiesInConstantMemory(t *testing.T) {
	size := int64(1 << 30)
	if testing.Short() || testproxy.Race {
		size = 64 << 20
	}
	backend := testproxy.Backend(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(w, r.Body)
	}))
	c := testproxy.Dial(t, through(t, backend, &proxy.Options{ReplayLimit: 1 << 20}))
	_ = c.SetDeadline(time.Now().Add(time.Minute))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	go func() {
		c.Send(fmt.Sprintf("POST / HTTP/1.1\nHost: h\nContent-Length: %d\n\n", size))
		_, _ = io.CopyN(c.Conn, zeros{}, size)
	}()
	resp, err := http.ReadResponse(c.R, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	n, err := io.Copy(io.Discard, resp.Body)
	runtime.ReadMemStats(&after)
	if n != size || err != nil {
		t.Errorf("%d bytes came back: %v", n, err)
	}
	// The race detector makes pools forget, to find those who rely on them.
	if grown := after.TotalAlloc - before.TotalAlloc; grown > 8<<20 && !testproxy.Race {
		t.Errorf("%d MiB were allocated", grown>>20)
	}
}

func TestForward_SlowReaderHoldsNothingBack(t *testing.T) {
	body := bytes.Repeat([]byte("0123456789"), 100_000)
	backend := testproxy.Backend(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(body) }))
	c := testproxy.Dial(t, through(t, backend, &proxy.Options{}))
	c.Send(plainGet)
	resp, err := http.ReadResponse(c.R, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var got []byte
	buf := make([]byte, 50_000)
	for {
		n, err := io.ReadFull(resp.Body, buf)
		got = append(got, buf[:n]...)
		if err != nil {
			break
		}
		time.Sleep(time.Millisecond)
	}
	if !bytes.Equal(got, body) {
		t.Errorf("%d of %d bytes came", len(got), len(body))
	}
}

func TestForward_SlowWriterIsWaitedFor(t *testing.T) {
	backend := testproxy.Backend(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) }))
	c := testproxy.Dial(t, through(t, backend, &proxy.Options{}))
	for _, b := range []byte("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n") {
		_, _ = c.Write([]byte{b})
		time.Sleep(200 * time.Microsecond)
	}
	if _, body := c.Answer("POST"); body != "hello" {
		t.Errorf("body = %q", body)
	}
}
