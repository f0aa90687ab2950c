package queueproxy_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"hotpod.dev/internal/testproxy"
	"hotpod.dev/queueproxy"
	"hotpod.dev/wire"
)

// TestServe_SurvivesWhatAFunctionAnswers sends each odd answer, and then asks the same pod for a plain one.
func TestServe_SurvivesWhatAFunctionAnswers(t *testing.T) {
	const plain = "HTTP/1.1 200 OK\nContent-Length: 2\n\nok"
	for name, c := range map[string]struct {
		answer string
		status int
		body   string
	}{
		"no Date":             {plain, 200, "ok"},
		"interim answers":     {"HTTP/1.1 100 Continue\n\nHTTP/1.1 103 Early Hints\nLink: </a.css>\n\n" + plain, 200, "ok"},
		"ten interim answers": {strings.Repeat("HTTP/1.1 102 Processing\n\n", 10) + plain, 200, "ok"},
		"10,000 headers":      {"HTTP/1.1 200 OK\n" + strings.Repeat("A: b\n", 10_000) + "Content-Length: 2\n\nok", 500, "too many fields"},
		"a large head":        {"HTTP/1.1 200 OK\nA: " + strings.Repeat("b", 100_000) + "\nContent-Length: 2\n\nok", 500, "too large"},
		"no HTTP":             {"hello\n\n", 500, "no HTTP"},
		"both lengths":        {"HTTP/1.1 200 OK\nContent-Length: 2\nTransfer-Encoding: chunked\n\n2\nok\n0\n\n", 500, "ambiguous"},
		"two lengths":         {"HTTP/1.1 200 OK\nContent-Length: 2\nContent-Length: 3\n\nok", 500, "ambiguous"},
		"a folded line":       {"HTTP/1.1 200 OK\nA: b\n c\nContent-Length: 2\n\nok", 500, "malformed"},
		"an unasked switch":   {"HTTP/1.1 101 Switching Protocols\nConnection: Upgrade\nUpgrade: x\n\n", 500, "function_error"},
		"half a head":         {"HTTP/1.1 200 OK\nConte", 500, "broke off"},
		"its own refusal":     {"HTTP/1.1 503 Busy\nx-hotpod-busy: limit\nContent-Length: 2\n\nno", 503, "no"},
	} {
		t.Run(name, func(t *testing.T) {
			p := start(t, testproxy.Script(t, func(s *testproxy.Conn) {
				for {
					switch head := s.Head(); {
					case strings.Contains(head, "X-Plain"):
						s.Send(plain)
					case head == "":
						return
					default:
						s.Send(c.answer)
						if c.status == 500 {
							return
						}
					}
				}
			}), nil)
			p.assign(wire.Assignment{Limit: 1, RunTimeoutMillis: 5000})
			conn := p.dial()
			for range 2 {
				conn.Send(get(""))
				resp, body := final(t, conn)
				if resp.Status != c.status || !strings.Contains(body, c.body) || resp.Header.Get(wire.HeaderBusy) != "" {
					t.Errorf("answer = %d %v %q", resp.Status, resp.Header, body)
				}
				conn.Send(get("X-Plain: 1\n"))
				if resp, body := final(t, conn); resp.Status != 200 || body != "ok" {
					t.Errorf("the next answer = %d %q", resp.Status, body)
				}
			}
		})
	}
}

// final reads an answer behind its interim ones.
func final(t *testing.T, conn *testproxy.Conn) (testproxy.Answer, string) {
	t.Helper()
	for {
		if head, err := conn.R.Peek(len("HTTP/1.1 1")); err != nil || string(head) != "HTTP/1.1 1" {
			return conn.Answer("GET")
		}
		conn.Head()
	}
}

func TestServe_TellsWhereTheTimeWent(t *testing.T) {
	p := start(t, testproxy.Backend(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set(wire.HeaderServerTiming, "db;dur=1")
		time.Sleep(20 * time.Millisecond)
	})), nil)
	p.assign(wire.Assignment{Limit: 1})
	for name, client := range map[string]*http.Client{"HTTP/1.1": http1(t), "HTTP/2": testproxy.HTTP2(t)} {
		answers := make(chan []string, 2)
		for range 2 { // one waits for the other
			go func() {
				resp, err := client.Do(p.request("GET", "", wire.HeaderWait+": 5000"))
				if err != nil {
					t.Error(err)
					answers <- nil
					return
				}
				_ = resp.Body.Close()
				answers <- resp.Header.Values(wire.HeaderServerTiming)
			}()
		}
		var waited float64
		for range 2 {
			lines := <-answers
			var queue, function float64
			if len(lines) != 2 || lines[0] != "db;dur=1" {
				t.Fatalf("%s: %q", name, lines)
			}
			if _, err := fmt.Sscanf(lines[1], "queue;dur=%f, function;dur=%f", &queue, &function); err != nil || function < 20 || function > 5000 {
				t.Errorf("%s: %q", name, lines)
			}
			waited = max(waited, queue)
		}
		if waited < 10 {
			t.Errorf("%s: the second waited %v ms", name, waited)
		}
	}
}

func TestServe_SpeaksIPv6(t *testing.T) {
	six := func() net.Listener {
		lis, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "[::1]:0")
		if err != nil {
			t.Skip("this system has no IPv6: ", err)
		}
		return lis
	}
	runtime, requests := six(), six()
	go func() {
		_ = http.Serve(runtime, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "six") }))
	}()
	t.Cleanup(func() { _ = runtime.Close() })
	p := runOn(t, runtime.Addr().String(), nil, nil, requests)
	p.assign(wire.Assignment{Limit: 1})
	c := p.dial()
	c.Send(get(""))
	if resp, body := c.Answer("GET"); resp.Status != 200 || body != "six" {
		t.Errorf("answer = %d %q", resp.Status, body)
	}
}

func TestRun_WaitsForWebSocketsUpToItsGrace(t *testing.T) {
	p := start(t, testproxy.Script(t, func(c *testproxy.Conn) {
		c.Head()
		c.Send("HTTP/1.1 101 Switching Protocols\nConnection: Upgrade\nUpgrade: websocket\n\n")
		_, _ = io.Copy(c.Conn, c.R)
	}), func(c *queueproxy.Config) { c.Grace = 400 * time.Millisecond })
	p.assign(wire.Assignment{Limit: 1, RunTimeoutMillis: 100})
	ws := p.dial()
	ws.Send(get("Connection: Upgrade\nUpgrade: websocket\n"))
	ws.Head()
	p.stop()
	begin := time.Now()
	for time.Since(begin) < 200*time.Millisecond { // it works on while the pod drains
		ws.Send("ping")
		if got := ws.Take(4); got != "ping" {
			t.Fatalf("echo = %q", got)
		}
	}
	if !ws.Closed(5 * time.Second) {
		t.Error("it outlives the grace")
	}
	p.end()
}

func TestServe_BoundsStreams(t *testing.T) {
	p := start(t, testproxy.Backend(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		for r.Context().Err() == nil {
			_, _ = io.WriteString(w, "data: x\n\n")
			_ = http.NewResponseController(w).Flush()
			if r.Header.Get("X-Silent") != "" {
				<-r.Context().Done()
			}
			time.Sleep(10 * time.Millisecond)
		}
	})), nil)
	p.assign(wire.Assignment{Limit: 1, RunTimeoutMillis: 100, Streaming: true, StreamIdleMillis: 300, StreamMaxMillis: 800})
	for more, bound := range map[string]time.Duration{"": 800 * time.Millisecond, "X-Silent: 1\n": 300 * time.Millisecond} {
		c := p.dial()
		begin := time.Now()
		c.Send(get(more + wire.HeaderWait + ": 5000\n")) // the one before may still be on its way out
		resp, err := http.ReadResponse(c.R, nil)
		if err != nil {
			t.Fatal(err)
		}
		_, err = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
		if took := time.Since(begin); err == nil || took < bound || took > bound+3*time.Second {
			t.Errorf("%q ended after %v: %v", more, took, err)
		}
	}
}

// TestServe_SurvivesGapsBetweenRequests rests at the boundary of the connections to the runtime, which a runtime closes
// a little later, as node does.
func TestServe_SurvivesGapsBetweenRequests(t *testing.T) {
	const idle = 60 * time.Millisecond
	lis := testproxy.Listen(t)
	srv := &http.Server{IdleTimeout: idle * 5 / 4, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok") })}
	go func() { _ = srv.Serve(lis) }()
	t.Cleanup(func() { _ = srv.Close() })
	p := start(t, lis.Addr().String(), func(c *queueproxy.Config) { c.RuntimeIdle = idle })
	p.assign(wire.Assignment{Limit: 1})
	c := p.dial()
	for gap := idle / 2; gap < idle*3/2; gap += idle / 20 {
		c.Send("POST /x HTTP/1.1\nHost: h\nx-hotpod-function: " + hello.String() + "\nContent-Length: 1\n\nx")
		if resp, _ := c.Answer("POST"); resp.Status != 200 {
			t.Errorf("before a gap of %v: %d", gap, resp.Status)
		}
		pause(t.Context(), gap)
	}
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
