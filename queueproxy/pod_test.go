package queueproxy_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"testing"
	"time"

	"hotpod.dev/internal/testproxy"
	"hotpod.dev/queueproxy"
	"hotpod.dev/sign"
	"hotpod.dev/wire"
)

var hello = wire.FunctionID{Namespace: "default", Name: "hello", UID: "uid-1"}

// pod is a running queue-proxy before a runtime.
type pod struct {
	t        testing.TB
	requests string // address
	control  string
	signer   *sign.Signer
	stop     context.CancelFunc
	done     chan error
}

// start runs a queue-proxy before the runtime at an address; adjust may change its configuration.
func start(tb testing.TB, runtime string, adjust func(*queueproxy.Config)) *pod {
	tb.Helper()
	return run(tb, runtime, adjust, nil)
}

func startTraced(tb testing.TB, runtime string, tracer *queueproxy.Tracer) *pod {
	tb.Helper()
	return run(tb, runtime, nil, tracer)
}

func run(tb testing.TB, runtime string, adjust func(*queueproxy.Config), tracer *queueproxy.Tracer) *pod {
	tb.Helper()
	return runOn(tb, runtime, adjust, tracer, testproxy.Listen(tb))
}

func runOn(tb testing.TB, runtime string, adjust func(*queueproxy.Config), tracer *queueproxy.Tracer, requests net.Listener) *pod {
	tb.Helper()
	signer, err := sign.NewSigner(sign.GenerateSeed())
	if err != nil {
		tb.Fatal(err)
	}
	cfg := queueproxy.Config{
		RuntimeAddress: runtime, PodUID: "pod-1", ControlKey: signer.PublicKey(),
		ReplayLimit: wire.DefaultReplayLimit, MaxWaiting: 100, Grace: 5 * time.Second, Farewell: time.Second,
	}
	if adjust != nil {
		adjust(&cfg)
	}
	q, err := queueproxy.New(cfg, slog.New(slog.DiscardHandler), tracer)
	if err != nil {
		tb.Fatal(err)
	}
	control := testproxy.Listen(tb)
	ctx, stop := context.WithCancel(context.Background())
	p := &pod{t: tb, requests: requests.Addr().String(), control: control.Addr().String(), signer: signer, stop: stop, done: make(chan error, 1)}
	go func() { p.done <- q.RunOn(ctx, requests, control) }()
	tb.Cleanup(p.end)
	return p
}

func (p *pod) end() {
	p.stop()
	select {
	case err := <-p.done:
		if err != nil {
			p.t.Errorf("Run = %v", err)
		}
		p.done <- nil
	case <-time.After(15 * time.Second):
		p.t.Error("Run does not return")
	}
}

// call makes a signed control call and returns status and body.
func (p *pod) call(ctx context.Context, path string, message any) (int, []byte) {
	p.t.Helper()
	resp := p.open(ctx, path, message)
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	return resp.StatusCode, body
}

// open makes a signed control call and returns its answer, which is closed when the test ends.
func (p *pod) open(ctx context.Context, path string, message any) *http.Response {
	p.t.Helper()
	body, err := json.Marshal(message)
	if err != nil {
		p.t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+p.control+path, bytes.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	req.Header.Set(sign.Header, p.signer.Sign("pod-1", http.MethodPost, path, body, time.Now().Add(sign.TTL)))
	resp, err := plain().Do(req)
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { _ = resp.Body.Close() })
	return resp
}

func (p *pod) assign(a wire.Assignment) {
	p.t.Helper()
	a.Held = wire.Held{Function: hello, Generation: 1}
	if status, body := p.call(p.t.Context(), wire.PathAssign, a); status != http.StatusOK {
		p.t.Fatalf("assign = %d %s", status, body)
	}
}

// dial connects to the request port.
func (p *pod) dial() *testproxy.Conn { return testproxy.Dial(p.t, p.requests) }

// get is a request for the assigned function, with further header lines.
func get(more string) string {
	return "GET /x HTTP/1.1\nHost: h\nx-hotpod-function: " + hello.String() + "\n" + more + "\n"
}
