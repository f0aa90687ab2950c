package proxy_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/valyala/fasthttp"

	"hotpod.dev/internal/testproxy"
	"hotpod.dev/proxy"
)

// client is a connection to a server, both in memory, so that time can be fake.
type client struct {
	t    *testing.T
	conn net.Conn
	r    *bufio.Reader
}

// inMemory forwards from srv to a fasthttp server, and tells how the exchanges end.
func inMemory(t *testing.T, srv *proxy.Server, o *proxy.Options, h fasthttp.RequestHandler) (*client, <-chan proxy.Outcome) {
	t.Helper()
	behind, dialBehind := testproxy.Pipe()
	backend := &fasthttp.Server{Handler: h, IdleTimeout: 5 * time.Second, CloseOnShutdown: true, Logger: quiet{}}
	go func() { _ = backend.Serve(behind) }()
	target := proxy.NewTarget(proxy.TargetConfig{
		Address: "runtime:1", Dial: func(context.Context, string, string) (net.Conn, error) { return dialBehind() },
	})
	ends := make(chan proxy.Outcome, 16)
	srv.Log = slog.New(slog.DiscardHandler)
	srv.Handler = proxy.HandlerFunc(func(x proxy.Exchange) { ends <- forward(x, target, o) })
	front, dialFront := testproxy.Pipe()
	ctx, stop := context.WithCancel(t.Context())
	go func() { _ = srv.Serve(ctx, front) }()
	conn, err := dialFront()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = conn.Close()
		stop()
		target.Close()
		_ = backend.Shutdown()
	})
	return &client{t: t, conn: conn, r: bufio.NewReader(conn)}, ends
}

// quiet keeps fasthttp's complaints about closed connections out of the tests.
type quiet struct{}

func (quiet) Printf(string, ...any) {}

// ask returns the status and the body, and how reading it ended.
func (c *client) ask(path string) (int, string, error) {
	c.t.Helper()
	_, _ = io.WriteString(c.conn, "GET "+path+" HTTP/1.1\r\nHost: h\r\n\r\n")
	resp, err := http.ReadResponse(c.r, nil)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(body), err
}

func (c *client) wants(path string, status int) {
	c.t.Helper()
	if got, body, err := c.ask(path); got != status || err != nil {
		c.t.Errorf("%s = %d %q %v, want %d", path, got, body, err, status)
	}
}

func TestForward_KeepsItsBoundToTheMoment(t *testing.T) {
	testproxy.Bubble(t, func(t *testing.T) { //nolint:thelper // the test itself
		c, _ := inMemory(t, &proxy.Server{}, &proxy.Options{Timeout: time.Minute}, func(ctx *fasthttp.RequestCtx) {
			if string(ctx.Path()) == "/slow" {
				time.Sleep(61 * time.Second)
			}
		})
		for range 5 { // a bound ends with its exchange
			c.wants("/", http.StatusOK)
			time.Sleep(40 * time.Second)
		}
		begin := time.Now()
		c.wants("/slow", http.StatusGatewayTimeout)
		if took := time.Since(begin); took != time.Minute {
			t.Errorf("took %v", took)
		}
		time.Sleep(5 * time.Minute) // clients may be idle for longer than the runtime's connections
		c.wants("/", http.StatusOK)
	})
}

func TestForward_LetsStreamsLiveWhileTheyGiveBytes(t *testing.T) {
	testproxy.Bubble(t, func(t *testing.T) { //nolint:thelper // the test itself
		o := &proxy.Options{Timeout: 10 * time.Second, Streaming: &proxy.Streaming{Idle: 30 * time.Second, Max: 10 * time.Minute}}
		c, ends := inMemory(t, &proxy.Server{}, o, func(ctx *fasthttp.RequestCtx) {
			stops := string(ctx.Path()) == "/stops"
			ctx.SetBodyStreamWriter(func(w *bufio.Writer) {
				for i := 0; i < 15 && w.WriteByte('x') == nil && w.Flush() == nil; i++ {
					time.Sleep(20 * time.Second)
					if stops && i == 2 {
						time.Sleep(time.Hour)
					}
				}
			})
		})
		c.wants("/", http.StatusOK) // five minutes
		<-ends
		begin := time.Now()
		if _, body, err := c.ask("/stops"); !errors.Is(err, io.ErrUnexpectedEOF) || body != "xxx" || time.Since(begin) != 70*time.Second {
			t.Errorf("%q, %v after %v", body, err, time.Since(begin))
		}
		if out := <-ends; out.Kind != proxy.TimedOut || !out.Final {
			t.Errorf("outcome = %v", out)
		}
		time.Sleep(time.Hour)
	})
}

func TestForward_EndsStreamsAtTheirMaximum(t *testing.T) {
	testproxy.Bubble(t, func(t *testing.T) { //nolint:thelper // the test itself
		o := &proxy.Options{Streaming: &proxy.Streaming{Idle: time.Minute, Max: 10 * time.Minute}}
		c, ends := inMemory(t, &proxy.Server{}, o, func(ctx *fasthttp.RequestCtx) {
			ctx.SetBodyStreamWriter(func(w *bufio.Writer) {
				for w.WriteByte('x') == nil && w.Flush() == nil {
					time.Sleep(time.Second)
				}
			})
		})
		begin := time.Now()
		if _, body, err := c.ask("/"); err == nil || len(body) < 599 || time.Since(begin) != 10*time.Minute {
			t.Errorf("%d bytes, %v after %v", len(body), err, time.Since(begin))
		}
		if out := <-ends; out.Kind != proxy.TimedOut || !out.Final {
			t.Errorf("outcome = %v", out)
		}
	})
}

func TestServer_ClosesIdleClientsOnlyAfterItsTimeout(t *testing.T) {
	testproxy.Bubble(t, func(t *testing.T) { //nolint:thelper // the test itself
		c, _ := inMemory(t, &proxy.Server{IdleTimeout: time.Minute}, &proxy.Options{}, func(*fasthttp.RequestCtx) {})
		for range 5 {
			c.wants("/", http.StatusOK)
			time.Sleep(59 * time.Second)
		}
		c.wants("/", http.StatusOK)
		begin := time.Now()
		_, err := c.r.ReadByte()
		if took := time.Since(begin); !errors.Is(err, io.EOF) || took < time.Minute || took > 75*time.Second {
			t.Errorf("closed by %v after %v", err, took)
		}
	})
}

func TestServer_DoesNotWaitLongForAHead(t *testing.T) {
	testproxy.Bubble(t, func(t *testing.T) { //nolint:thelper // the test itself
		c, _ := inMemory(t, &proxy.Server{}, &proxy.Options{}, func(*fasthttp.RequestCtx) {})
		begin := time.Now()
		go func() {
			for _, b := range []byte("GET / HTTP/1.1\r\nX-Slow: and slower still, for ever and ever\r\n") {
				if _, err := c.conn.Write([]byte{b}); err != nil {
					return
				}
				time.Sleep(time.Second)
			}
		}()
		_, err := c.r.ReadByte()
		if took := time.Since(begin); err == nil || took > 31*time.Second {
			t.Errorf("closed by %v after %v", err, took)
		}
		time.Sleep(2 * time.Minute)
	})
}
