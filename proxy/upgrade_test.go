package proxy_test

import (
	"io"
	"strings"
	"testing"
	"time"

	"hotpod.dev/internal/testproxy"
	"hotpod.dev/proxy"
)

const upgrade = "GET /ws HTTP/1.1\nHost: h\nConnection: keep-alive, Upgrade\nUpgrade: websocket\nSec-WebSocket-Key: k\n\n"

const switched = "HTTP/1.1 101 Switching Protocols\nUpgrade: websocket\nConnection: Upgrade\nSec-WebSocket-Accept: a\n\n"

func TestForward_PassesUpgradesThrough(t *testing.T) {
	seen := make(chan string, 1)
	upstream := testproxy.Script(t, func(c *testproxy.Conn) {
		seen <- c.Head()
		c.Send(switched + "first")
		for {
			b, err := c.R.ReadByte()
			if err != nil {
				c.Send("bye") // the other direction is still open
				return
			}
			_, _ = c.Write([]byte{b - 'a' + 'A'})
		}
	})
	address, ends := outcomes(t, upstream, &proxy.Options{Timeout: 500 * time.Millisecond})
	c := testproxy.Dial(t, address)
	c.Send(strings.Replace(upgrade, "Host: h\n", "Host: h\nX-Request-Id: r\n", 1) + "early")
	if got, want := <-seen, "GET /ws HTTP/1.1\nHost: h\nX-Request-Id: r\nUpgrade: websocket\nSec-WebSocket-Key: k\nConnection: Upgrade\nX-Fission-Request-ID: r\n\n"; got != want {
		t.Errorf("request = %q", got)
	}
	if got, want := c.Head(), "HTTP/1.1 101 Switching Protocols\nUpgrade: websocket\nSec-WebSocket-Accept: a\nConnection: Upgrade\nX-Fission-Request-ID: r\n\n"; got != want {
		t.Errorf("answer = %q", got)
	}
	if got := c.Take(10); got != "firstEARLY" {
		t.Errorf("bytes = %q", got)
	}
	time.Sleep(600 * time.Millisecond) // longer than the bound of a request
	c.Send("later")
	if got := c.Take(5); got != "LATER" {
		t.Errorf("bytes = %q", got)
	}
	if cw, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		_ = cw.CloseWrite()
	}
	if got := c.Take(3); got != "bye" {
		t.Errorf("bytes = %q", got)
	}
	if !c.Closed(5 * time.Second) {
		t.Error("the connection stays open")
	}
	if out := <-ends; out.Kind != proxy.Answered || out.Status != 101 {
		t.Errorf("outcome = %v", out)
	}
}

func TestForward_EndsATunnelWhenEitherSideLeaves(t *testing.T) {
	left := make(chan struct{}, 2)
	upstream := testproxy.Script(t, func(c *testproxy.Conn) {
		c.Head()
		c.Send(switched)
		_, _ = io.Copy(io.Discard, c.R)
		left <- struct{}{}
	})
	address, ends := outcomes(t, upstream, &proxy.Options{})
	c := testproxy.Dial(t, address)
	c.Send(upgrade)
	c.Head()
	_ = c.Close()
	<-left
	<-ends

	closing := testproxy.Script(t, func(c *testproxy.Conn) { c.Head(); c.Send(switched) })
	address, ends = outcomes(t, closing, &proxy.Options{})
	c = testproxy.Dial(t, address)
	c.Send(upgrade)
	c.Head()
	if !c.Closed(5 * time.Second) {
		t.Error("the client's side stays open")
	}
	_ = c.Close()
	<-ends
}

func TestForward_BoundsTunnelsThatStream(t *testing.T) {
	upstream := testproxy.Script(t, func(c *testproxy.Conn) {
		c.Head()
		c.Send(switched)
		_, _ = io.Copy(io.Discard, c.R)
	})
	address, ends := outcomes(t, upstream, &proxy.Options{Streaming: &proxy.Streaming{Idle: 40 * time.Millisecond}})
	c := testproxy.Dial(t, address)
	c.Send(upgrade)
	c.Head()
	for range 5 {
		time.Sleep(15 * time.Millisecond)
		c.Send("x")
	}
	if out := <-ends; out.Kind != proxy.TimedOut || !out.Final {
		t.Errorf("outcome = %v", out)
	}
	if !c.Closed(5 * time.Second) {
		t.Error("the tunnel stays open")
	}
}

func TestForward_PassesARefusedUpgradeOn(t *testing.T) {
	upstream := answers(t, func(string) string { return "HTTP/1.1 426 Upgrade Required\nUpgrade: x\nContent-Length: 2\n\nno" })
	c := testproxy.Dial(t, through(t, upstream, &proxy.Options{}))
	for range 2 {
		c.Send(upgrade)
		if resp, body := c.Answer("GET"); resp.Status != 426 || body != "no" {
			t.Errorf("answer = %d %q", resp.Status, body)
		}
	}
}

func TestForward_DoesNotPassAnUpgradeToHTTP2On(t *testing.T) {
	seen := make(chan string, 1)
	upstream := answers(t, func(request string) string { seen <- request; return emptyAnswer })
	c := testproxy.Dial(t, through(t, upstream, &proxy.Options{}))
	c.Send("GET / HTTP/1.1\nHost: h\nX-Request-Id: r\nConnection: Upgrade, HTTP2-Settings\nUpgrade: h2c\nHTTP2-Settings: AAMAAABk\n\n")
	c.Answer("GET")
	if got, want := <-seen, "GET / HTTP/1.1\nHost: h\nX-Request-Id: r\nX-Fission-Request-ID: r\n\n"; got != want {
		t.Errorf("request = %q", got)
	}
}
