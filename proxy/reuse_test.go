package proxy_test

import (
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"hotpod.dev/internal/testproxy"
	"hotpod.dev/proxy"
)

const emptyAnswer = "HTTP/1.1 200 OK\nContent-Length: 0\n\n"

// counted is an upstream that counts its connections and requests, and handles each request by f.
type counted struct{ connections, requests atomic.Int32 }

func (n *counted) upstream(tb testing.TB, f func(c *testproxy.Conn, request int) bool) string {
	tb.Helper()
	return testproxy.Script(tb, func(c *testproxy.Conn) {
		n.connections.Add(1)
		for i := 1; c.Head() != ""; i++ {
			n.requests.Add(1)
			if !f(c, i) {
				return
			}
		}
	})
}

// to is like through with a target of one's own.
func to(tb testing.TB, target *proxy.Target) string {
	tb.Helper()
	tb.Cleanup(target.Close)
	return serve(tb, func(x proxy.Exchange) { forward(x, target, &proxy.Options{}) })
}

func TestTarget_KeepsConnections(t *testing.T) {
	var n counted
	upstream := n.upstream(t, func(c *testproxy.Conn, _ int) bool { c.Send(emptyAnswer); return true })
	address := to(t, proxy.NewTarget(proxy.TargetConfig{Address: upstream}))
	for range 3 {
		c := testproxy.Dial(t, address)
		for range 5 {
			c.Send(plainGet)
			c.Answer("GET")
		}
	}
	if n.connections.Load() != 1 || n.requests.Load() != 15 {
		t.Errorf("%d requests on %d connections", n.requests.Load(), n.connections.Load())
	}
}

// A request is held by the upstream while another one comes. The first connection just came back, so the other waits.
func TestTarget_WaitsForAConnectionThatIsLikelyToComeBack(t *testing.T) {
	for name, c := range map[string]struct {
		patience    time.Duration
		connections int32
	}{"long enough": {time.Minute, 1}, "in vain": {50 * time.Millisecond, 2}} {
		t.Run(name, func(t *testing.T) {
			var n counted
			held, free := make(chan struct{}), make(chan struct{})
			upstream := n.upstream(t, func(c *testproxy.Conn, request int) bool {
				if request == 2 {
					held <- struct{}{}
					<-free
				}
				c.Send(emptyAnswer)
				return true
			})
			address := to(t, proxy.NewTarget(proxy.TargetConfig{Address: upstream, Patience: c.patience}))
			first, second := testproxy.Dial(t, address), testproxy.Dial(t, address)
			first.Send(plainGet)
			first.Answer("GET")
			first.Send(plainGet)
			<-held
			second.Send(plainGet)
			if c.connections == 1 {
				close(free)
			}
			second.Answer("GET")
			if c.connections == 2 {
				close(free)
			}
			first.Answer("GET")
			if got := n.connections.Load(); got != c.connections {
				t.Errorf("%d connections, want %d", got, c.connections)
			}
		})
	}
}

func TestTarget_ClosesIdleConnectionsBeforeTheUpstreamWould(t *testing.T) {
	closed := make(chan time.Time, 1)
	upstream := testproxy.Script(t, func(c *testproxy.Conn) {
		for c.Head() != "" {
			c.Send(emptyAnswer)
		}
		closed <- time.Now()
	})
	address := to(t, proxy.NewTarget(proxy.TargetConfig{Address: upstream, IdleTimeout: 50 * time.Millisecond}))
	c := testproxy.Dial(t, address)
	c.Send(plainGet)
	c.Answer("GET")
	begin := time.Now()
	if took := (<-closed).Sub(begin); took < 30*time.Millisecond {
		t.Errorf("closed after %v", took)
	}
}

func TestTarget_NeverUsesAConnectionThatTheUpstreamLeft(t *testing.T) {
	for name, watch := range map[string]*proxy.Watcher{"watched": {}, "unwatched": nil} {
		t.Run(name, func(t *testing.T) {
			if watch != nil {
				t.Cleanup(watch.Close)
			}
			var n counted
			left := make(chan struct{}, 100)
			upstream := n.upstream(t, func(c *testproxy.Conn, _ int) bool { // says nothing of closing, and closes
				c.Send(emptyAnswer)
				_ = c.Close()
				left <- struct{}{}
				return false
			})
			address := to(t, proxy.NewTarget(proxy.TargetConfig{Address: upstream, Watcher: watch}))
			c := testproxy.Dial(t, address)
			for i := range 50 {
				c.Send("POST / HTTP/1.1\nHost: h\nContent-Length: 0\n\n") // nothing that may be repeated
				if resp, body := c.Answer("POST"); resp.Status != 200 {
					t.Fatalf("request %d: %d %s", i, resp.Status, body)
				}
				<-left
			}
			if n.requests.Load() != 50 {
				t.Errorf("the upstream saw %d requests", n.requests.Load())
			}
		})
	}
}

func TestForward_NeverRepeatsWhatTheUpstreamRead(t *testing.T) {
	for name, method := range map[string]string{"get": "GET", "post": "POST"} {
		t.Run(name, func(t *testing.T) {
			var n counted
			upstream := n.upstream(t, func(c *testproxy.Conn, request int) bool {
				if request == 2 {
					return false // read, and closed without an answer
				}
				c.Send(emptyAnswer)
				return true
			})
			address := to(t, proxy.NewTarget(proxy.TargetConfig{Address: upstream}))
			c := testproxy.Dial(t, address)
			c.Send(method + " / HTTP/1.1\nHost: h\nContent-Length: 0\n\n")
			c.Answer(method)
			c.Send(method + " / HTTP/1.1\nHost: h\nContent-Length: 0\n\n")
			if resp, _ := c.Answer(method); resp.Status != 502 {
				t.Errorf("status = %d", resp.Status)
			}
			if n.requests.Load() != 2 || n.connections.Load() != 1 {
				t.Errorf("%d requests on %d connections", n.requests.Load(), n.connections.Load())
			}
		})
	}
}

func TestForward_NeverRepeatsWhatAResetMayHaveInterrupted(t *testing.T) {
	var n counted
	upstream := n.upstream(t, func(c *testproxy.Conn, request int) bool {
		if request < 2 {
			c.Send(emptyAnswer)
			return true
		}
		if tcp, ok := c.Conn.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0) // what a process that dies with unread bytes looks like
		}
		return false
	})
	c := testproxy.Dial(t, to(t, proxy.NewTarget(proxy.TargetConfig{Address: upstream})))
	for i, want := range []int{200, 502} {
		c.Send(plainGet)
		if resp, _ := c.Answer("GET"); resp.Status != want {
			t.Errorf("request %d: status = %d", i+1, resp.Status)
		}
	}
	if n.requests.Load() != 2 || n.connections.Load() != 1 {
		t.Errorf("%d requests on %d connections", n.requests.Load(), n.connections.Load())
	}
}

func TestTarget_DoesNotKeepWhatCannotBeUsedAgain(t *testing.T) {
	for name, answer := range map[string]string{
		"it said so":      "HTTP/1.1 200 OK\nConnection: close\nContent-Length: 0\n\n",
		"HTTP/1.0":        "HTTP/1.0 200 OK\nContent-Length: 0\n\n",
		"more than asked": "HTTP/1.1 200 OK\nContent-Length: 0\n\nHTTP/1.1 200 OK\nX-Poison: 1\nContent-Length: 0\n\n",
	} {
		t.Run(name, func(t *testing.T) {
			var n counted
			upstream := n.upstream(t, func(c *testproxy.Conn, _ int) bool { c.Send(answer); return true })
			c := testproxy.Dial(t, to(t, proxy.NewTarget(proxy.TargetConfig{Address: upstream})))
			for range 3 {
				c.Send(plainGet)
				if resp, _ := c.Answer("GET"); resp.Status != 200 || resp.Header.Get("X-Poison") != "" {
					t.Errorf("answer = %d %v", resp.Status, resp.Header)
				}
			}
			if n.connections.Load() != 3 {
				t.Errorf("%d connections for 3 requests", n.connections.Load())
			}
		})
	}
}

func TestForward_GapsBetweenRequestsShowNoReset(t *testing.T) {
	var n counted
	upstream := n.upstream(t, func(c *testproxy.Conn, _ int) bool { // keeps idle connections for 20 ms, as a runtime would
		c.Send(emptyAnswer)
		_ = c.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
		return true
	})
	address := to(t, proxy.NewTarget(proxy.TargetConfig{Address: upstream, IdleTimeout: time.Hour, Watcher: nil}))
	c := testproxy.Dial(t, address)
	for gap := 15 * time.Millisecond; gap < 25*time.Millisecond; gap += 200 * time.Microsecond {
		c.Send("POST / HTTP/1.1\nHost: h\nContent-Length: 2\n\nhi")
		if resp, body := c.Answer("POST"); resp.Status != 200 {
			t.Fatalf("after a gap of %v: %d %s", gap, resp.Status, body)
		}
		time.Sleep(gap)
	}
}

func TestRefuse_KeepsTheConnectionAndThrowsTheBodyAway(t *testing.T) {
	address := serve(t, func(x proxy.Exchange) { x.Refuse("limit") })
	c := testproxy.Dial(t, address)
	for name, request := range map[string]string{
		"no body":        plainGet,
		"a body":         "POST / HTTP/1.1\nHost: h\nContent-Length: 900000\n\n" + strings.Repeat("x", 900_000),
		"chunks":         "POST / HTTP/1.1\nHost: h\nTransfer-Encoding: chunked\n\n5\nhello\n0\n\n",
		"an upgrade":     "GET / HTTP/1.1\nHost: h\nConnection: Upgrade\nUpgrade: websocket\n\n",
		"a body in time": "PATCH / HTTP/1.1\nHost: h\nContent-Length: 5\n\nhello",
	} {
		t.Run(name, func(t *testing.T) {
			c.Send(request)
			resp, body := c.Answer("GET")
			if resp.Status != 503 || resp.Header.Get("X-Hotpod-Busy") != "limit" || body != "" || resp.Close {
				t.Errorf("answer = %d %q %v", resp.Status, body, resp.Header)
			}
		})
	}
	c.Send("POST / HTTP/1.1\nHost: h\nContent-Length: 5000000\n\n")
	c.Answer("POST")
	if !c.Closed(5 * time.Second) {
		t.Error("a body that is too long to throw away keeps the connection")
	}
}

func TestWatcher_CloseLeavesConnectionsAlone(t *testing.T) {
	watch := &proxy.Watcher{}
	upstream := answers(t, func(string) string { return emptyAnswer })
	target := proxy.NewTarget(proxy.TargetConfig{Address: upstream, Watcher: watch})
	c := testproxy.Dial(t, to(t, target))
	c.Send(plainGet)
	c.Answer("GET")
	watch.Close()
	watch.Close()
	c.Send(plainGet)
	if resp, _ := c.Answer("GET"); resp.Status != 200 {
		t.Errorf("status = %d", resp.Status)
	}
}
