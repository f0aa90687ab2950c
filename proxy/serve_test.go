package proxy_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"

	"hotpod.dev/internal/testproxy"
	"hotpod.dev/proxy"
	"hotpod.dev/wire"
)

// serve runs a server with h until the test ends and returns its address.
func serve(tb testing.TB, h proxy.HandlerFunc) string {
	tb.Helper()
	lis := testproxy.Listen(tb)
	ctx, cancel := context.WithCancel(context.Background())
	srv := &proxy.Server{Handler: h, Log: slog.New(slog.DiscardHandler)}
	done := make(chan error, 1)
	go func() { done <- srv.Serve(ctx, lis) }()
	tb.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			tb.Errorf("Serve = %v", err)
		}
	})
	return lis.Addr().String()
}

// through runs a server that forwards everything to the upstream with o.
func through(tb testing.TB, upstream string, o *proxy.Options) string {
	tb.Helper()
	watch := &proxy.Watcher{}
	target := proxy.NewTarget(proxy.TargetConfig{Address: upstream, Watcher: watch})
	tb.Cleanup(watch.Close)
	tb.Cleanup(target.Close)
	return serve(tb, func(x proxy.Exchange) { forward(x, target, o) })
}

// forward answers what is not final in the way that a plain gateway does.
func forward(x proxy.Exchange, target *proxy.Target, o *proxy.Options) proxy.Outcome {
	out := x.Forward(target, o)
	if !out.Final {
		status := http.StatusBadGateway
		if out.Kind == proxy.TimedOut {
			status = http.StatusGatewayTimeout
		}
		x.Fail(&wire.Error{Status: status, Component: "test", Reason: strings.ReplaceAll(out.Kind.String(), " ", "_"), Message: out.String()})
	}
	return out
}

func TestForward_PassesRequestAndAnswerOn(t *testing.T) {
	backend := testproxy.Backend(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("X-Saw", r.Method+" "+r.RequestURI+" "+r.Host+" "+r.Header.Get("X-Mine"))
		w.WriteHeader(http.StatusCreated)
		_, _ = w.Write(append([]byte("got "), body...))
	}))
	c := testproxy.Dial(t, through(t, backend, &proxy.Options{}))
	for range 3 {
		c.Send("POST /a/b?c=%20 HTTP/1.1\nHost: example.org\nX-Mine: yes\nContent-Length: 5\n\nhello")
		resp, body := c.Answer("POST")
		if resp.Status != 201 || body != "got hello" || resp.Header.Get("X-Saw") != "POST /a/b?c=%20 example.org yes" {
			t.Fatalf("answer = %d %q %v", resp.Status, body, resp.Header)
		}
	}
}

// Who comes too late is refused by the kernel; who was there is served.
func TestServer_UnlistenServesThoseWhoAreThere(t *testing.T) {
	srv := &proxy.Server{Log: slog.New(slog.DiscardHandler), Handler: proxy.HandlerFunc(func(x proxy.Exchange) { x.Refuse(wire.BusyDraining) })}
	lis := testproxy.Listen(t)
	ctx, end := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- srv.Serve(ctx, lis) }()
	c := testproxy.Dial(t, lis.Addr().String())
	c.Send(plainGet)
	c.Answer("GET")
	srv.Unlisten()
	if conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", lis.Addr().String()); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("a late connection: %v, %v", conn, err)
	}
	c.Send(plainGet)
	if resp, _ := c.Answer("GET"); resp.Status != http.StatusServiceUnavailable {
		t.Errorf("an open connection: %d", resp.Status)
	}
	end()
	if err := <-done; err != nil {
		t.Errorf("Serve = %v", err)
	}
}
