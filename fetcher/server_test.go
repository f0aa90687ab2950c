package fetcher

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"hotpod.dev/sign"
	"hotpod.dev/wire"
)

// pod is a fetcher with its volumes, a runtime beside it, and the pool's key.
type pod struct {
	t      *testing.T
	server *Server
	http   *httptest.Server
	signer *sign.Signer
	loads  chan load
	// respond answers the runtime's load calls; nil answers 202.
	respond func(http.ResponseWriter, *http.Request)
	cfg     Config
}

// load is a load call as the runtime saw it.
type load struct {
	path, contentType string
	body              []byte
}

func newPod(t *testing.T, change ...func(*Config)) *pod {
	t.Helper()
	p := &pod{t: t, loads: make(chan load, 10)}
	rt := httptest.NewServer(http.HandlerFunc(p.runtime))
	t.Cleanup(rt.Close)
	p.signer, _ = sign.NewSigner(sign.GenerateSeed())
	p.cfg = Config{
		Port: 8000, PodUID: "pod-1", ControlKey: p.signer.PublicKey(), RuntimeAddress: rt.Listener.Addr().String(),
		CodeDir: t.TempDir(), SecretDir: t.TempDir(), ConfigDir: t.TempDir(),
		MaxCall: 1 << 20, DownloadTimeout: 5 * time.Second, Limits: DefaultLimits(),
	}
	for _, c := range change {
		c(&p.cfg)
	}
	p.start()
	return p
}

// start starts a fetcher on the pod's volumes, as the kubelet does again after a crash.
func (p *pod) start() {
	p.t.Helper()
	server, err := New(p.cfg, slog.New(slog.NewTextHandler(p.t.Output(), nil)))
	if err != nil {
		p.t.Fatal(err)
	}
	p.server, p.http = server, httptest.NewServer(server.Handler())
	p.t.Cleanup(p.http.Close)
}

func (p *pod) runtime(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	p.loads <- load{r.URL.Path, r.Header.Get("Content-Type"), body}
	if p.respond != nil {
		p.respond(w, r)
		return
	}
	w.WriteHeader(http.StatusAccepted)
}

// call makes a signed control call and returns status and body.
func (p *pod) call(method, path string, body []byte) (int, []byte) {
	p.t.Helper()
	req, _ := http.NewRequestWithContext(p.t.Context(), method, p.http.URL+path, bytes.NewReader(body))
	req.Header.Set(sign.Header, p.signer.Sign("pod-1", method, path, body, time.Now().Add(sign.TTL)))
	return do(p.t, req)
}

func do(t *testing.T, req *http.Request) (int, []byte) {
	t.Helper()
	resp, err := client(t).Do(req)
	if err != nil {
		t.Error(err)
		return 0, nil
	}
	defer resp.Body.Close()
	out, _ := io.ReadAll(resp.Body)
	return resp.StatusCode, out
}

// client returns a client whose connections end with the test.
func client(t *testing.T) *http.Client {
	t.Helper()
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

func (p *pod) specialize(req wire.SpecializeRequest) (int, []byte) {
	p.t.Helper()
	plain, _ := json.Marshal(req)
	sealed, err := sign.Seal(p.server.opener.PublicKey(), plain)
	if err != nil {
		p.t.Fatal(err)
	}
	return p.call(http.MethodPost, wire.PathSpecialize, sealed)
}

func (p *pod) identity() wire.Identity {
	p.t.Helper()
	status, body := p.call(http.MethodGet, wire.PathIdentity, nil)
	return decode[wire.Identity](p.t, status, http.StatusOK, body)
}

func decode[T any](t *testing.T, status, want int, body []byte) (v T) {
	t.Helper()
	if status != want {
		t.Fatalf("status %d, want %d: %s", status, want, body)
	}
	if err := json.Unmarshal(body, &v); err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	return v
}

// hello is a request for function name with a literal.
func hello(name, literal string) wire.SpecializeRequest {
	return wire.SpecializeRequest{
		Held:       wire.Held{Function: wire.FunctionID{Namespace: "ns", Name: name, UID: "uid-" + name}, Generation: 1},
		EnvVersion: 3, EntryPoint: "main.handler", Code: wire.Code{Literal: []byte(literal)},
		Metadata: json.RawMessage(`{"name":"` + name + `","generation":1}`), TimeoutMillis: 10_000,
	}
}

func TestSpecialize_PutsALiteralWhereTheRuntimeIsToldToLoadIt(t *testing.T) {
	p := newPod(t)
	status, body := p.specialize(hello("hello", "module.exports = 1"))
	decode[wire.SpecializeResult](t, status, http.StatusOK, body)

	got := <-p.loads
	path := filepath.Join(p.cfg.CodeDir, "deployarchive")
	want := `{"filepath":"` + path + `","functionName":"main.handler","url":"",` +
		`"FunctionMetadata":{"name":"hello","generation":1},"envVersion":3}`
	if got.path != "/v2/specialize" || got.contentType != "application/json" || string(got.body) != want {
		t.Errorf("load call = %s %s %s\nwant body %s", got.path, got.contentType, got.body, want)
	}
	if code, _ := os.ReadFile(path); string(code) != "module.exports = 1" {
		t.Errorf("code = %q", code)
	}
	if held := p.identity().Held; held == nil || held.Function.Name != "hello" || held.Generation != 1 {
		t.Errorf("identity holds %+v", held)
	}
	if left, _ := os.ReadDir(p.cfg.CodeDir); len(left) != 1 {
		t.Errorf("the volume holds more than the code: %v", left)
	}
}

func TestSpecialize_FirstVersionOfEnvironmentsLoadsWithoutABody(t *testing.T) {
	p := newPod(t)
	req := hello("hello", "code")
	req.EnvVersion = 1
	if status, body := p.specialize(req); status != http.StatusOK {
		t.Fatalf("%d %s", status, body)
	}
	if got := <-p.loads; got.path != "/specialize" || got.contentType != "text/plain" || len(got.body) != 0 {
		t.Errorf("load call = %+v", got)
	}
	if code, err := os.ReadFile(filepath.Join(p.cfg.CodeDir, "user")); string(code) != "code" {
		t.Errorf("code = %q, %v", code, err)
	}
}

func TestSpecialize_PassesVariablesInTheLoadCall(t *testing.T) {
	for version, want := range map[int]string{
		1: `{"env":{"A":"b","EMPTY":""}}`,
		3: `"envVersion":3,"env":{"A":"b","EMPTY":""}}`,
	} {
		p := newPod(t)
		req := hello("f", "code")
		req.EnvVersion, req.Env = version, map[string]string{"A": "b", "EMPTY": ""}
		if status, body := p.specialize(req); status != http.StatusOK {
			t.Fatalf("%d %s", status, body)
		}
		if got := <-p.loads; got.contentType != "application/json" || !strings.HasSuffix(string(got.body), want) {
			t.Errorf("version %d: load call %s %s, want the end %s", version, got.contentType, got.body, want)
		}
	}
}

func TestSpecialize_TheSameFunctionAgainIsToldTheSameWithoutLoadingAgain(t *testing.T) {
	p := newPod(t)
	release := make(chan struct{})
	p.respond = func(http.ResponseWriter, *http.Request) { <-release }
	var wg sync.WaitGroup
	var bodies sync.Map
	for i := range 5 {
		wg.Go(func() {
			status, body := p.specialize(hello("hello", "code"))
			bodies.Store(i, string(body))
			if status != http.StatusOK {
				t.Errorf("call %d: %d %s", i, status, body)
			}
		})
	}
	<-p.loads
	close(release)
	wg.Wait()
	first, _ := bodies.Load(0)
	for i := range 5 {
		if b, _ := bodies.Load(i); b != first {
			t.Errorf("call %d was told %v, call 0 %v", i, b, first)
		}
	}
	if n := len(p.loads); n != 0 {
		t.Errorf("%d more loads", n)
	}
}

func TestSpecialize_AnotherFunctionOrGenerationIsRefusedForThePodsLife(t *testing.T) {
	p := newPod(t)
	p.specialize(hello("first", "code"))
	second := hello("first", "code")
	second.Generation = 2
	for name, req := range map[string]wire.SpecializeRequest{"function": hello("second", "code"), "generation": second} {
		status, body := p.specialize(req)
		id := decode[wire.Identity](t, status, http.StatusConflict, body)
		if id.Held == nil || id.Held.Function.Name != "first" || id.Held.Generation != 1 || id.PodUID != "pod-1" {
			t.Errorf("another %s: identity %+v", name, id)
		}
	}
}

func TestSpecialize_RacingFunctionsOnlyOneWins(t *testing.T) {
	p := newPod(t)
	var won atomic.Int32
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			if status, _ := p.specialize(hello(string(rune('a'+i)), "code")); status == http.StatusOK {
				won.Add(1)
			}
		})
	}
	wg.Wait()
	if won.Load() != 1 || len(p.loads) != 1 {
		t.Errorf("%d functions won, %d loads", won.Load(), len(p.loads))
	}
}

func TestSpecialize_CarriesOnWhenItsCallerGoesAway(t *testing.T) {
	p := newPod(t)
	release := make(chan struct{})
	p.respond = func(http.ResponseWriter, *http.Request) { <-release }
	plain, _ := json.Marshal(hello("hello", "code"))
	sealed, _ := sign.Seal(p.server.opener.PublicKey(), plain)
	ctx, cancel := context.WithCancel(t.Context())
	req, _ := http.NewRequestWithContext(ctx, http.MethodPost, p.http.URL+wire.PathSpecialize, bytes.NewReader(sealed))
	req.Header.Set(sign.Header, p.signer.Sign("pod-1", http.MethodPost, wire.PathSpecialize, sealed, time.Now().Add(sign.TTL)))
	gone := make(chan struct{})
	caller := client(t)
	go func() {
		defer close(gone)
		if resp, err := caller.Do(req); err == nil {
			resp.Body.Close()
		}
	}()
	<-p.loads
	cancel()
	<-gone
	close(release)
	if status, body := p.specialize(hello("hello", "code")); status != http.StatusOK {
		t.Errorf("%d %s", status, body)
	}
}

func TestSpecialize_AfterARestartInAUsedPodEverythingIsGone(t *testing.T) {
	p := newPod(t)
	p.specialize(hello("hello", "code"))
	p.start()
	if status, _ := p.specialize(hello("hello", "code")); status != http.StatusGone {
		t.Errorf("specialize = %d", status)
	}
	if status, _ := p.call(http.MethodGet, wire.PathIdentity, nil); status != http.StatusGone {
		t.Errorf("identity = %d", status)
	}
}

func TestControlCalls_MustBeSignedSealedAndBounded(t *testing.T) {
	p := newPod(t)
	req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, p.http.URL+wire.PathIdentity, nil)
	if status, _ := do(t, req); status != http.StatusUnauthorized {
		t.Errorf("unsigned identity = %d", status)
	}
	req.Header.Set(sign.Header, p.signer.Sign("pod-2", http.MethodGet, wire.PathIdentity, nil, time.Now().Add(sign.TTL)))
	if status, _ := do(t, req); status != http.StatusUnauthorized {
		t.Errorf("identity signed for another pod = %d", status)
	}
	plain, _ := json.Marshal(hello("hello", "code"))
	if status, _ := p.call(http.MethodPost, wire.PathSpecialize, plain); status != http.StatusBadRequest {
		t.Errorf("unsealed specialize = %d", status)
	}
	if status, _ := p.call(http.MethodPost, wire.PathSpecialize, make([]byte, 2<<20)); status != http.StatusRequestEntityTooLarge {
		t.Errorf("2 MB call = %d", status)
	}
	if p.identity().Held != nil {
		t.Error("a refused call specialized the pod")
	}
}

func TestReadiness_WaitsForTheRuntime(t *testing.T) {
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := lis.Addr().String()
	lis.Close()
	p := newPod(t, func(c *Config) { c.RuntimeAddress = address })
	get := func() int {
		req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, p.http.URL+wire.PathReadiness, nil)
		status, _ := do(t, req)
		return status
	}
	if status := get(); status != http.StatusServiceUnavailable {
		t.Errorf("without a runtime: %d", status)
	}
	lis, err = net.Listen("tcp", address)
	if err != nil {
		t.Skipf("the port was taken meanwhile: %v", err)
	}
	defer lis.Close()
	if status := get(); status != http.StatusOK {
		t.Errorf("with a runtime: %d", status)
	}
}

func TestConfig_ValidateListsEveryFault(t *testing.T) {
	err := (&Config{Port: -1}).Validate()
	for _, want := range []string{"pod-uid", "control-key", "port -1", "runtime-address", "code-dir", "max-archive"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not named in %v", want, err)
		}
	}
}
