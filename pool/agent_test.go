package pool

import (
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"hotpod.dev/fetcher"
	"hotpod.dev/sign"
	"hotpod.dev/wire"
)

// realPod is a real fetcher, a runtime, and a queue-proxy that checks signatures and answers what it is told to.
type realPod struct {
	target Target
	agent  *HTTPAgent
	// dials counts the connections made to the pod's control ports, open those of them that are not closed.
	dials, open atomic.Int32
	// load answers the runtime's load call; nil loads.
	load http.HandlerFunc
	// proxy is the status of what the queue-proxy answers.
	proxy int
	// calls are the paths that the queue-proxy was called at.
	calls []string
}

func newRealPod(t *testing.T) *realPod {
	t.Helper()
	p := &realPod{target: Target{UID: "pod-1", IP: "127.0.0.1"}, proxy: http.StatusOK}
	signer, err := sign.NewSigner(sign.GenerateSeed())
	if err != nil {
		t.Fatal(err)
	}
	runtime := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if p.load != nil {
			p.load(w, r)
		}
	}))
	t.Cleanup(runtime.Close)
	server, err := fetcher.New(fetcher.Config{
		Port: 8000, PodUID: "pod-1", ControlKey: signer.PublicKey(), RuntimeAddress: runtime.Listener.Addr().String(),
		CodeDir: t.TempDir(), SecretDir: t.TempDir(), ConfigDir: t.TempDir(), MaxCall: 1 << 20,
		DownloadTimeout: time.Second, Limits: fetcher.DefaultLimits(),
	}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ports := map[int]string{
		wire.PortFetcher:      p.serve(t, server.Handler()),
		wire.PortQueueControl: p.serve(t, p.queueProxy(t, signer)),
	}
	p.agent = NewAgent(signer)
	p.agent.port = func(_ Target, port int) string { return ports[port] }
	return p
}

func (p *realPod) serve(t *testing.T, h http.Handler) string {
	t.Helper()
	s := httptest.NewUnstartedServer(h)
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		switch state {
		case http.StateNew:
			p.dials.Add(1)
			p.open.Add(1)
		case http.StateClosed:
			p.open.Add(-1)
		default:
		}
	}
	s.Start()
	t.Cleanup(s.Close)
	return s.Listener.Addr().String()
}

func (p *realPod) queueProxy(t *testing.T, signer *sign.Signer) http.Handler {
	t.Helper()
	verifier, err := sign.NewVerifier("pod-1", signer.PublicKey())
	if err != nil {
		t.Fatal(err)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if r.URL.Path != wire.PathHealth {
			if err := verifier.Verify(r.Header.Get(sign.Header), r.Method, r.URL.Path, body, time.Now()); err != nil {
				http.Error(w, err.Error(), http.StatusUnauthorized)
				return
			}
			p.calls = append(p.calls, r.URL.Path)
			w.WriteHeader(p.proxy)
		}
		if r.URL.Path == wire.PathDrain {
			_, _ = w.Write([]byte(`{"inFlight":3}`))
		}
	})
}

func request(name string) *wire.SpecializeRequest {
	return &wire.SpecializeRequest{
		Held: wire.Held{Function: wire.FunctionID{Namespace: "ns", Name: name, UID: "fn-" + name}, Generation: 1},
		Code: wire.Code{Literal: []byte("code")}, EnvVersion: 2, TimeoutMillis: 10_000,
	}
}

func TestAgent_ClaimsOnTheConnectionsOfItsGreeting(t *testing.T) {
	p := newRealPod(t)
	id, err := p.agent.Greet(t.Context(), p.target)
	if err != nil || id.Held != nil || len(id.SealKey) == 0 {
		t.Fatalf("greet = %+v, %v", id, err)
	}
	greeted := p.dials.Load()
	result, err := p.agent.Specialize(t.Context(), p.target, id.SealKey, request("f"))
	if err != nil || result.FetchMicros == 0 {
		t.Errorf("specialize = %+v, %v", result, err)
	}
	if err := p.agent.Assign(t.Context(), p.target, &wire.Assignment{Held: request("f").Held}); err != nil {
		t.Error(err)
	}
	if n := p.dials.Load(); n != greeted || greeted != 2 {
		t.Errorf("%d connections after the greeting, %d after the claim; want 2", greeted, n)
	}
	for deadline := time.Now().Add(10 * time.Second); p.open.Load() > 0; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d connections to a hot pod stay open", p.open.Load())
		}
	}
	if id, err = p.agent.Greet(t.Context(), p.target); err != nil || id.Held == nil || id.Held.Function.Name != "f" {
		t.Errorf("greet = %+v, %v", id.Held, err)
	}
}

func TestAgent_TellsWhatThePodMeant(t *testing.T) {
	p := newRealPod(t)
	p.load = func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "SyntaxError: line 3", http.StatusInternalServerError)
	}
	id, err := p.agent.Greet(t.Context(), p.target)
	if err != nil {
		t.Fatal(err)
	}
	_, err = p.agent.Specialize(t.Context(), p.target, id.SealKey, request("f"))
	var load *LoadError
	if !errors.As(err, &load) || !load.Theirs || !strings.Contains(load.Failure.Message, "SyntaxError: line 3") {
		t.Errorf("a function that does not load: %v", err)
	}
	_, err = p.agent.Specialize(t.Context(), p.target, id.SealKey, request("g"))
	var held *HeldError
	if !errors.As(err, &held) || held.Identity.Held.Function.Name != "f" {
		t.Errorf("a second function: %v", err)
	}
	p.proxy = http.StatusConflict
	if err := p.agent.Assign(t.Context(), p.target, &wire.Assignment{}); !errors.As(err, &held) {
		t.Errorf("assign a second function: %v", err)
	}
	p.proxy = http.StatusOK
	if r, err := p.agent.Drain(t.Context(), p.target, time.Second); err != nil || r.InFlight != 3 {
		t.Errorf("drain = %+v, %v", r, err)
	}
	if got := strings.Join(p.calls, " "); got != "/v1/assign /v1/drain" {
		t.Errorf("the queue-proxy was called at %s", got)
	}
}

func TestAgent_DoesNotTakeAnotherPodForItsOwn(t *testing.T) {
	p := newRealPod(t)
	p.target.UID = "pod-2" // whose address another pod has now
	if _, err := p.agent.Greet(t.Context(), p.target); err == nil || !strings.Contains(err.Error(), "401") {
		t.Errorf("greet = %v", err)
	}
	if err := p.agent.Assign(t.Context(), p.target, &wire.Assignment{}); err == nil {
		t.Error("another pod was assigned")
	}
}

func TestAgent_WaitsForTheQueueProxyToo(t *testing.T) {
	p := newRealPod(t)
	ports := p.agent.port
	p.agent.port = func(t Target, port int) string {
		if port == wire.PortQueueControl {
			return "127.0.0.1:1"
		}
		return ports(t, port)
	}
	if _, err := p.agent.Greet(t.Context(), p.target); err == nil || !strings.Contains(err.Error(), "queue-proxy") {
		t.Errorf("greet = %v", err)
	}
}
