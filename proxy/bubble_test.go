package proxy_test

import (
	"bufio"
	"context"
	"log/slog"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/valyala/fasthttp"

	"hotpod.dev/internal/testproxy"
	"hotpod.dev/proxy"
)

// inMemory forwards from one listener in memory to a fasthttp server behind another, and returns a client's
// connection.
func inMemory(t *testing.T, o *proxy.Options, h fasthttp.RequestHandler) net.Conn {
	t.Helper()
	behind, dialBehind := testproxy.Pipe()
	backend := &fasthttp.Server{Handler: h, IdleTimeout: 5 * time.Second, CloseOnShutdown: true}
	go func() { _ = backend.Serve(behind) }()
	target := proxy.NewTarget(proxy.TargetConfig{
		Address: "runtime:1", Dial: func(context.Context, string, string) (net.Conn, error) { return dialBehind() },
	})
	front, dialFront := testproxy.Pipe()
	srv := &proxy.Server{Log: slog.New(slog.DiscardHandler), Handler: proxy.HandlerFunc(func(x proxy.Exchange) { forward(x, target, o) })}
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
	return conn
}

func TestForward_KeepsItsBoundsToTheMoment(t *testing.T) {
	testproxy.Bubble(t, func(t *testing.T) {
		conn := inMemory(t, &proxy.Options{Timeout: 60 * time.Second}, func(ctx *fasthttp.RequestCtx) {
			if string(ctx.Path()) == "/slow" {
				time.Sleep(61 * time.Second)
			}
		})
		r := bufio.NewReader(conn)
		ask := func(path string) int {
			_, _ = conn.Write([]byte("GET " + path + " HTTP/1.1\r\nHost: h\r\n\r\n"))
			resp, err := http.ReadResponse(r, nil)
			if err != nil {
				t.Fatal(err)
			}
			_ = resp.Body.Close()
			return resp.StatusCode
		}
		if got := ask("/"); got != http.StatusOK {
			t.Errorf("status = %d", got)
		}
		begin := time.Now()
		if got := ask("/slow"); got != http.StatusGatewayTimeout || time.Since(begin) != 60*time.Second {
			t.Errorf("status = %d after %v", got, time.Since(begin))
		}
		time.Sleep(5 * time.Minute) // the client may be idle for longer than the runtime's connections
		if got := ask("/"); got != http.StatusOK {
			t.Errorf("status after an idle time = %d", got)
		}
	})
}
