package queueproxy_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"hotpod.dev/internal/testproxy"
	"hotpod.dev/wire"
)

func TestServe_SaysWhatTheFunctionDid(t *testing.T) {
	script := func(f func(c *testproxy.Conn)) string { return testproxy.Script(t, f) }
	for name, c := range map[string]struct {
		runtime string
		status  int
		body    string
	}{
		"breaks off":     {script(func(c *testproxy.Conn) { c.Head() }), 500, `"component":"function","reason":"function_error"`},
		"speaks no HTTP": {script(func(c *testproxy.Conn) { c.Head(); c.Send("hello\n\n") }), 500, `"reason":"function_error"`},
		"never answers":  {script(func(c *testproxy.Conn) { _, _ = io.Copy(io.Discard, c.R) }), 504, `"component":"timeout","reason":"function_timeout"`},
	} {
		t.Run(name, func(t *testing.T) {
			p := start(t, c.runtime, nil)
			p.assign(wire.Assignment{Limit: 1, RunTimeoutMillis: 100})
			conn := p.dial()
			for range 2 { // and the slot is free again, or soon
				conn.Send(get(wire.HeaderWait + ": 5000\nX-Fission-Request-ID: r-1\ntraceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\n"))
				resp, body := conn.Answer("GET")
				if resp.Status != c.status || !strings.Contains(body, c.body) {
					t.Errorf("answer = %d %s", resp.Status, body)
				}
				if !strings.Contains(body, `"requestId":"r-1","traceId":"0af7651916cd43dd8448eb211c80319c"`) || resp.Header.Get("Content-Type") != "application/json" {
					t.Errorf("answer = %v %s", resp.Header, body)
				}
			}
			if got := p.metric(`hotpod_queueproxy_requests_total{code_class="5xx"}`); got != "2" {
				t.Errorf("counted %s", got)
			}
		})
	}
}

func TestServe_RefusesWhatARuntimeThatIsGoneNeverSaw(t *testing.T) {
	silent := testproxy.Listen(t)
	_ = silent.Close()
	p := start(t, silent.Addr().String(), nil)
	p.assign(wire.Assignment{Limit: 1, RunTimeoutMillis: 1000})
	c := p.dial()
	post := "POST / HTTP/1.1\nHost: h\nx-hotpod-function: default/hello/uid-1\n"
	for _, request := range []string{get(""), post + "Content-Length: 3\n\nabc", post + "Transfer-Encoding: chunked\n\n3\nabc\n0\n\n"} {
		c.Send(request)
		resp, _ := c.Answer("GET")
		if resp.Status != 503 || resp.Header.Get(wire.HeaderBusy) != string(wire.BusyBroken) {
			t.Errorf("answer = %d %v", resp.Status, resp.Header)
		}
	}
}

// A runtime that crashed and came back at once listens, but holds no code.
func TestServe_RefusesWhatARestartedRuntimeTurnedDown(t *testing.T) {
	var calls atomic.Int64
	p := start(t, testproxy.Backend(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		calls.Add(1)
		_, _ = io.Copy(io.Discard, r.Body)
		http.Error(w, wire.GenericAnswer, http.StatusInternalServerError)
	})), nil)
	p.assign(wire.Assignment{Limit: 1, RunTimeoutMillis: 1000})
	c := p.dial()
	for range 2 {
		c.Send("POST / HTTP/1.1\nHost: h\nx-hotpod-function: default/hello/uid-1\nContent-Length: 3\n\nabc")
		if resp, _ := c.Answer("POST"); resp.Status != 503 || resp.Header.Get(wire.HeaderBusy) != string(wire.BusyBroken) {
			t.Errorf("answer = %d %v", resp.Status, resp.Header)
		}
	}
	if n := calls.Load(); n != 1 {
		t.Errorf("the runtime was asked %d times", n)
	}
}

func TestServe_NoticesThatTheRuntimeDiedBetweenRequests(t *testing.T) {
	lis := testproxy.Listen(t)
	answers := &http.Server{Handler: http.NotFoundHandler(), ReadHeaderTimeout: time.Minute}
	go func() { _ = answers.Serve(lis) }()
	p := start(t, lis.Addr().String(), nil)
	p.assign(wire.Assignment{Limit: 1, RunTimeoutMillis: 1000})
	c := p.dial()
	c.Send(get(""))
	if resp, _ := c.Answer("GET"); resp.Status != http.StatusNotFound {
		t.Fatalf("answer = %d", resp.Status)
	}
	_ = answers.Close()
	testproxy.Eventually(t, "the queue-proxy notices", func() bool { return p.metric("hotpod_queueproxy_broken") == "1" })
}

func TestServe_CutsAnAnswerAtTheRunTimeout(t *testing.T) {
	p := start(t, testproxy.Backend(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "begun")
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	})), nil)
	p.assign(wire.Assignment{Limit: 1, RunTimeoutMillis: 500})
	c := p.dial()
	c.Send(get(""))
	resp, err := http.ReadResponse(c.R, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, err := io.ReadAll(resp.Body); err == nil {
		t.Errorf("the answer looks whole: %q", body)
	}
}

func TestServe_LetsStreamsLiveBeyondTheRunTimeout(t *testing.T) {
	p := start(t, testproxy.Backend(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for i := range 5 {
			fmt.Fprint(w, i)
			_ = http.NewResponseController(w).Flush()
			time.Sleep(120 * time.Millisecond)
		}
	})), nil)
	p.assign(wire.Assignment{Limit: 1, RunTimeoutMillis: 400, Streaming: true, StreamIdleMillis: 5000})
	c := p.dial()
	c.Send(get(""))
	if _, body := c.Answer("GET"); body != "01234" {
		t.Errorf("stream = %q", body)
	}
}

func TestServe_FreesTheSlotOfAClientThatLeft(t *testing.T) {
	g := testproxy.NewGatekeeper(t)
	p := start(t, testproxy.Backend(t, g), nil)
	p.assign(wire.Assignment{Limit: 1})
	c := p.dial()
	c.Send(get(""))
	<-g.Inside
	_ = c.Close()
	testproxy.Eventually(t, "the slot is free", func() bool { return p.metric("hotpod_queueproxy_in_flight_requests") == "0" })
	if got := p.metric(`hotpod_queueproxy_requests_total{code_class="none"}`); got != "1" {
		t.Errorf("clients that left: %s", got)
	}
}

func TestServe_PassesAFunctionsOwn503On(t *testing.T) {
	p := start(t, testproxy.Backend(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set(wire.HeaderBusy, "limit")
		w.WriteHeader(http.StatusServiceUnavailable)
	})), nil)
	p.assign(wire.Assignment{Limit: 1})
	c := p.dial()
	c.Send(get(""))
	if resp, _ := c.Answer("GET"); resp.Status != 503 || resp.Header.Get(wire.HeaderBusy) != "" {
		t.Errorf("answer = %d %v", resp.Status, resp.Header)
	}
	if p.metric(`hotpod_queueproxy_requests_total{code_class="5xx"}`) != "1" || p.metric(`hotpod_queueproxy_refusals_total{reason="limit"}`) != "0" {
		t.Error("a function's own 503 counts as a refusal")
	}
}

func TestServe_RefusesAnUpgradeThatTheFunctionDoesNotSpeak(t *testing.T) {
	p := start(t, testproxy.Backend(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "a page")
	})), nil)
	p.assign(wire.Assignment{Limit: 1})
	c := p.dial()
	for range 2 { // the connection and the slot are kept
		c.Send(get("Connection: Upgrade\nUpgrade: websocket\n"))
		resp, body := c.Answer("GET")
		if resp.Status != 501 || resp.Close || !strings.Contains(body, `"component":"function","reason":"upgrade_refused"`) || !strings.Contains(body, "answered 200 instead of 101") {
			t.Errorf("answer = %d %v %s", resp.Status, resp.Header, body)
		}
	}
}

// TestServe_ASlotIsFreeWhenTheFunctionIsDone lets clients leave while a function works that does not notice.
func TestServe_ASlotIsFreeWhenTheFunctionIsDone(t *testing.T) {
	runtime := &testproxy.Overlap{Work: 30 * time.Millisecond}
	p := start(t, testproxy.Backend(t, runtime), nil)
	p.assign(wire.Assignment{Limit: 1})
	for i := range 10 {
		c := p.dial()
		c.Send(get(wire.HeaderWait + ": 5000\n"))
		testproxy.Eventually(t, "it is inside", func() bool { return runtime.Entered() > i })
		_ = c.Close()
	}
	testproxy.Eventually(t, "all are served", func() bool { return runtime.Served() == 10 })
	if runtime.Most() > 1 {
		t.Errorf("%d were inside at a time", runtime.Most())
	}
}

// TestServe_ASlotIsFreeThoughTheFunctionGoesOn has a function that neither ends nor notices that its client left.
func TestServe_ASlotIsFreeThoughTheFunctionGoesOn(t *testing.T) {
	inside := make(chan struct{}, 1)
	p := start(t, testproxy.Script(t, func(c *testproxy.Conn) {
		c.Head()
		inside <- struct{}{}
		for c.Send("HTTP/1.1 102 Processing\n\n"); ; time.Sleep(time.Millisecond) {
			if _, err := c.Write([]byte("HTTP/1.1 102 Processing\r\n\r\n")); err != nil {
				return // the connection was closed
			}
		}
	}), nil)
	p.assign(wire.Assignment{Limit: 1})
	c := p.dial()
	c.Send(get(""))
	<-inside
	_ = c.Close()
	testproxy.Eventually(t, "the slot is free", func() bool { return p.metric("hotpod_queueproxy_in_flight_requests") == "0" })
}

func TestServe_CountsWebSocketsForTheirLife(t *testing.T) {
	p := start(t, testproxy.Script(t, func(c *testproxy.Conn) {
		c.Head()
		c.Send("HTTP/1.1 101 Switching Protocols\nConnection: Upgrade\nUpgrade: websocket\n\n")
		_, _ = io.Copy(c.Conn, c.R)
	}), nil)
	p.assign(wire.Assignment{Limit: 1, RunTimeoutMillis: 400})
	ws := p.dial()
	ws.Send(get("Connection: Upgrade\nUpgrade: websocket\n"))
	ws.Head()
	time.Sleep(500 * time.Millisecond) // longer than the run timeout
	ws.Send("ping")
	if got := ws.Take(4); got != "ping" {
		t.Errorf("echo = %q", got)
	}
	c := p.dial()
	c.Send(get(""))
	if resp, _ := c.Answer("GET"); resp.Header.Get(wire.HeaderBusy) != "limit" {
		t.Errorf("beside a WebSocket: %d", resp.Status)
	}
	_ = ws.Close()
	testproxy.Eventually(t, "the slot is free", func() bool { return p.metric("hotpod_queueproxy_in_flight_requests") == "0" })
}
