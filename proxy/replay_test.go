package proxy_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"hotpod.dev/internal/testproxy"
	"hotpod.dev/proxy"
)

// tries forwards to each upstream in turn as an activator does, and tells the outcomes.
func tries(tb testing.TB, limit int64, upstreams ...string) (string, <-chan proxy.Outcome) {
	tb.Helper()
	targets := make([]*proxy.Target, 0, len(upstreams))
	for _, u := range upstreams {
		target := proxy.NewTarget(proxy.TargetConfig{Address: u})
		tb.Cleanup(target.Close)
		targets = append(targets, target)
	}
	outs := make(chan proxy.Outcome, 16)
	return serve(tb, func(x proxy.Exchange) {
		o := &proxy.Options{Refusals: true, ReplayLimit: limit, DropResponse: []string{"x-hotpod-*"}}
		var out proxy.Outcome
		for _, target := range targets {
			out = x.Forward(target, o)
			outs <- out
			if out.Final || !out.Retry {
				break
			}
		}
		if !out.Final {
			x.Refuse(out.Busy)
		}
	}), outs
}

// refuses reads requests with their bodies, and refuses them.
func refuses(tb testing.TB) string {
	tb.Helper()
	return testproxy.Backend(tb, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Hotpod-Busy", "limit")
		w.WriteHeader(http.StatusServiceUnavailable)
	}))
}

// hasty refuses before it has read anything of a body.
func hasty(tb testing.TB) string {
	tb.Helper()
	return answers(tb, func(string) string { return "HTTP/1.1 503 Busy\nx-hotpod-busy: limit\nContent-Length: 0\n\n" })
}

func closedPort(tb testing.TB) string {
	tb.Helper()
	lis := testproxy.Listen(tb)
	_ = lis.Close()
	return lis.Addr().String()
}

func echoBackend(tb testing.TB) string {
	tb.Helper()
	// net/http reads on behind the first write, so the body is read first.
	return testproxy.Backend(tb, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		_, _ = w.Write(body)
	}))
}

func TestForward_LetsARefusedRequestBeSentElsewhere(t *testing.T) {
	body := strings.Repeat("0123456789", 20_000)
	for name, request := range map[string]string{
		"no body":    "GET / HTTP/1.1\nHost: h\n\n",
		"small body": "POST / HTTP/1.1\nHost: h\nContent-Length: 5\n\nhello",
		"large body": "POST / HTTP/1.1\nHost: h\nContent-Length: 200000\n\n" + body,
		"chunks":     "POST / HTTP/1.1\nHost: h\nTransfer-Encoding: chunked\n\n5\nhello\n30d40\n" + body + "\n0\n\n",
	} {
		for refusal, upstream := range map[string]func(testing.TB) string{"patient": refuses, "hasty": hasty, "unreached": closedPort} {
			t.Run(name+", "+refusal, func(t *testing.T) {
				address, outs := tries(t, 1<<20, upstream(t), upstream(t), echoBackend(t))
				c := testproxy.Dial(t, address)
				for range 2 {
					go c.Send(request)
					resp, got := c.Answer("POST")
					want := ""
					switch name {
					case "small body":
						want = "hello"
					case "large body":
						want = body
					case "chunks":
						want = "hello" + body
					}
					if resp.Status != 200 || got != want {
						t.Fatalf("answer = %d with %d bytes, want %d", resp.Status, len(got), len(want))
					}
					kind := proxy.Refused
					if refusal == "unreached" {
						kind = proxy.Unreached
					}
					for range 2 {
						if out := <-outs; out.Kind != kind || !out.Retry || out.Final {
							t.Errorf("outcome = %v, retry %v", out, out.Retry)
						}
					}
					if out := <-outs; out.Kind != proxy.Answered {
						t.Errorf("outcome = %v", out)
					}
				}
			})
		}
	}
}

func TestForward_SaysWhenTheBodyIsTooLargeToBeSentAgain(t *testing.T) {
	address, outs := tries(t, 1000, refuses(t), echoBackend(t))
	c := testproxy.Dial(t, address)
	c.Send("POST / HTTP/1.1\nHost: h\nContent-Length: 5000\n\n" + strings.Repeat("x", 5000))
	if resp, _ := c.Answer("POST"); resp.Status != 503 {
		t.Errorf("status = %d", resp.Status)
	}
	if out := <-outs; out.Kind != proxy.Refused || out.Retry {
		t.Errorf("outcome = %v, retry %v", out, out.Retry)
	}
}

func TestForward_KeepsTheRestOfASlowBodyAfterARefusal(t *testing.T) {
	address, outs := tries(t, 1<<20, hasty(t), echoBackend(t))
	c := testproxy.Dial(t, address)
	c.Send("POST / HTTP/1.1\nHost: h\nContent-Length: 10\n\nhello")
	if out := <-outs; out.Kind != proxy.Refused || !out.Retry {
		t.Fatalf("outcome = %v, retry %v", out, out.Retry)
	}
	time.Sleep(5 * time.Millisecond)
	c.Send("world")
	if resp, body := c.Answer("POST"); resp.Status != 200 || body != "helloworld" {
		t.Errorf("answer = %d %q", resp.Status, body)
	}
}

func TestForward_TakesAFunctionsOwn503ForAnAnswer(t *testing.T) {
	for name, answer := range map[string]string{
		"without the header":     "HTTP/1.1 503 No\nContent-Length: 0\n\n",
		"with a body of its own": "HTTP/1.1 503 No\nx-hotpod-busy: limit\nContent-Length: 2\n\nno",
		"another status":         "HTTP/1.1 500 No\nx-hotpod-busy: limit\nContent-Length: 0\n\n",
	} {
		t.Run(name, func(t *testing.T) {
			address, outs := tries(t, 1000, answers(t, func(string) string { return answer }), echoBackend(t))
			c := testproxy.Dial(t, address)
			c.Send(plainGet)
			if resp, _ := c.Answer("GET"); resp.Status == 200 || resp.Header.Get("X-Hotpod-Busy") != "" {
				t.Errorf("answer = %d %v", resp.Status, resp.Header)
			}
			if out := <-outs; out.Kind != proxy.Answered {
				t.Errorf("outcome = %v", out)
			}
		})
	}
}

// Not a byte of the request left when the connection broke before it was written.
func TestForward_ConnectionThatBreaksBeforeTheRequestReachesNobody(t *testing.T) {
	target := proxy.NewTarget(proxy.TargetConfig{Address: "nowhere:1", Dial: func(context.Context, string, string) (net.Conn, error) {
		near, far := net.Pipe()
		_ = far.Close()
		return near, nil
	}})
	outs := make(chan proxy.Outcome, 1)
	address := serve(t, func(x proxy.Exchange) {
		out := x.Forward(target, &proxy.Options{})
		outs <- out
		x.Refuse(out.Busy)
	})
	c := testproxy.Dial(t, address)
	c.Send(plainGet)
	c.Answer("GET")
	if out := <-outs; out.Kind != proxy.Unreached || !out.Retry {
		t.Errorf("%s, retry %v", out, out.Retry)
	}
}
