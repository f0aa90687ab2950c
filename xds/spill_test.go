package xds

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/internal/envoytest"
	"hotpod.dev/wire"
)

func TestEnvoy_ServesAFunctionFromItsFirstCallOn(t *testing.T) {
	r := newRig(t)
	activator, pod := newBackend(t, "activator"), newBackend(t, "pod")
	r.activator(activator)
	hello := r.function("hello")
	r.route("hello", v1.HTTPTriggerSpec{RelativeURL: "/hello"})
	if err := r.get("/hello").want(http.StatusOK, "activator"); err != nil {
		t.Fatalf("the first request of a function without pods: %v", err)
	}
	uid := r.hot(hello, 1, pod)
	r.eventually("the pod serves", func() error { return r.get("/hello").want(http.StatusOK, "pod") })
	r.tell(func(s *Server) { s.DeletePod(uid) })
	r.eventually("the activator serves again", func() error { return r.get("/hello").want(http.StatusOK, "activator") })
}

func TestEnvoy_ServesManyFirstCallsAtOnce(t *testing.T) {
	r := newRig(t)
	r.activator(newBackend(t, "activator"))
	const functions = 30
	for i := range functions {
		r.function(fmt.Sprintf("f%d", i))
	}
	r.eventually("the last function is there", func() error {
		return r.internal(fmt.Sprintf("/fission-function/f%d", functions-1)).want(http.StatusOK, "activator")
	})
	var all sync.WaitGroup
	for i := range 3 * functions {
		all.Go(func() {
			if err := r.internal(fmt.Sprintf("/fission-function/f%d", i%functions)).want(http.StatusOK, "activator"); err != nil {
				t.Errorf("f%d: %v", i%functions, err)
			}
		})
	}
	all.Wait()
}

func TestEnvoy_KeepsTheBodyOfAFirstCall(t *testing.T) {
	r := newRig(t)
	r.activator(newBackend(t, "activator"))
	weights := map[string]int{}
	for i := range 8 {
		name := fmt.Sprintf("w%d", i)
		r.function(name)
		weights[name] = 1
	}
	r.function("f")
	r.route("f", v1.HTTPTriggerSpec{RelativeURL: "/f", Methods: []string{"POST"}})
	r.route("w", v1.HTTPTriggerSpec{RelativeURL: "/w", Methods: []string{"POST"}, FunctionReference: v1.FunctionReference{
		Type: v1.ReferenceWeights, FunctionWeights: weights,
	}})
	for i, path := range []string{"/f", "/w", "/w", "/w", "/w", "/w", "/w"} {
		size := 1 + i*100_000
		got := r.do("POST", path, bytes.NewReader(make([]byte, size)))
		if err := got.want(http.StatusOK, "activator"); err != nil || got.seen.Length != size {
			t.Errorf("%s with %d bytes: %v, %d arrived", path, size, err, got.seen.Length)
		}
	}
}

// spillRig has a route /f to a function with one hot pod, and an activator.
func spillRig(t *testing.T) (r *rig, pod, activator *backend8012) {
	t.Helper()
	r = newRig(t)
	pod, activator = newBackend(t, "pod"), newBackend(t, "activator")
	r.activator(activator)
	f := r.function("f")
	r.route("f", v1.HTTPTriggerSpec{Prefix: new("/f"), Methods: []string{"GET", "POST", "PUT", "PATCH", "DELETE"}})
	r.hot(f, 1, pod)
	r.eventually("the pod serves", func() error { return r.get("/f").want(http.StatusOK, "pod") })
	return r, pod, activator
}

func TestEnvoy_ReplaysARefusedRequestOnceAtTheActivator(t *testing.T) {
	r, pod, activator := spillRig(t)
	pod.busy.Store(true)
	for _, c := range []struct {
		method string
		body   int
	}{{"GET", 0}, {"DELETE", 0}, {"POST", 0}, {"POST", 10}, {"PUT", 70_000}, {"PATCH", 900_000}, {"POST", wire.DefaultReplayLimit}} {
		t.Run(fmt.Sprintf("%s with %d bytes", c.method, c.body), func(t *testing.T) {
			pod.hits.Store(0)
			activator.hits.Store(0)
			got := r.do(c.method, "/f/x?y=1", bytes.NewReader(make([]byte, c.body)))
			if err := got.want(http.StatusOK, "activator"); err != nil {
				t.Fatal(err)
			}
			if got.seen.Length != c.body || got.seen.Path != "/x?y=1" || got.seen.Header.Get(wire.HeaderFullURL) != "/f/x?y=1" {
				t.Errorf("the activator got %d bytes at %s of %s", got.seen.Length, got.seen.Path, got.seen.Header.Get(wire.HeaderFullURL))
			}
			if pod.hits.Load() != 1 || activator.hits.Load() != 1 {
				t.Errorf("%d attempts at the pod, %d at the activator", pod.hits.Load(), activator.hits.Load())
			}
		})
	}
}

func TestEnvoy_PassesOnWhatAFunctionAnswersItself(t *testing.T) {
	r, pod, activator := spillRig(t)
	unavailable := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = io.WriteString(w, "the function's own")
	})
	pod.answer.Store(&unavailable)
	if got := r.get("/f"); got.status != http.StatusServiceUnavailable || got.body != "the function's own" {
		t.Errorf("got %d %q", got.status, got.body)
	}
	if activator.hits.Load() != 0 {
		t.Error("the answer of a function was taken for a refusal")
	}
}

func TestEnvoy_StreamsBodiesLargerThanTheReplayLimit(t *testing.T) {
	r, _, _ := spillRig(t)
	const size = 20 << 20
	if got := r.do("POST", "/f", io.LimitReader(zeros{}, size)); got.want(http.StatusOK, "pod") != nil || got.seen.Length != size {
		t.Errorf("%v: the pod got %d bytes", got.want(http.StatusOK, "pod"), got.seen.Length)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestEnvoy_TriesElsewhereWhenAPodCannotBeReached(t *testing.T) {
	r, pod, activator := spillRig(t)
	pod.stop()
	for range 5 {
		if err := r.do("POST", "/f", strings.NewReader("body")).want(http.StatusOK, "activator"); err != nil {
			t.Fatal(err)
		}
	}
	// An activator that restarts is waited for, for a request that no function has seen.
	activator.stop()
	done := make(chan answered)
	go func() { done <- r.get("/f") }()
	time.AfterFunc(300*time.Millisecond, func() { activator.start(t) })
	if err := (<-done).want(http.StatusOK, "activator"); err != nil {
		t.Errorf("a request while the activator restarted: %v", err)
	}
}

func TestEnvoy_SaysClearlyThatNobodyCanBeReached(t *testing.T) {
	r := newRig(t)
	r.function("f")
	r.route("f", v1.HTTPTriggerSpec{RelativeURL: "/f"})
	got := r.get("/f", "X-Fission-Request-ID", "abc")
	if got.status != http.StatusInternalServerError || got.header.Get("X-Fission-Component") != "executor" || got.header.Get("Content-Type") != "application/json" {
		t.Errorf("status %d, headers %v", got.status, got.header)
	}
	if strings.Join(got.header.Values("Vary"), ",") != "Origin" || len(got.header.Values("X-Content-Type-Options")) != 1 || strings.Join(got.header.Values("X-Fission-Request-ID"), ",") != "abc" {
		t.Errorf("headers %v", got.header)
	}
	for _, want := range []string{`"component":"executor"`, `"reason":"executor_unavailable"`, `"requestId":"abc"`, `"message":"no pod`} {
		if !strings.Contains(got.body, want) {
			t.Errorf("body %s has no %s", got.body, want)
		}
	}
}

func TestEnvoy_SaysClearlyThatThePodDiedWithTheRequest(t *testing.T) {
	r, pod, activator := spillRig(t)
	cut := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if err == nil {
			_ = conn.Close()
		}
	})
	pod.answer.Store(&cut)
	got := r.get("/f")
	if got.status != http.StatusInternalServerError || !strings.Contains(got.body, `"reason":"function_error"`) {
		t.Errorf("got %d %q", got.status, got.body)
	}
	if activator.hits.Load() != 0 {
		t.Error("a request that a function may have seen was replayed")
	}
}

func TestEnvoy_UsesTheNewestGenerationThatHasPods(t *testing.T) {
	r, _, _ := spillRig(t)
	f := r.function("g")
	r.route("g", v1.HTTPTriggerSpec{RelativeURL: "/g"})
	before, after := newBackend(t, "before"), newBackend(t, "after")
	r.hot(f, 1, before)
	r.eventually("the old generation serves", func() error { return r.get("/g").want(http.StatusOK, "before") })
	uid := r.hot(f, 2, after)
	r.eventually("the new generation serves", func() error { return r.get("/g").want(http.StatusOK, "after") })
	for range 20 {
		if err := r.get("/g").want(http.StatusOK, "after"); err != nil {
			t.Fatal(err)
		}
	}
	r.tell(func(s *Server) { s.DeletePod(uid) })
	r.eventually("the old generation serves again", func() error { return r.get("/g").want(http.StatusOK, "before") })
}

func TestEnvoy_LosesNothingWhilePodsComeAndGo(t *testing.T) {
	r, _, _ := spillRig(t)
	f := r.function("g")
	r.route("g", v1.HTTPTriggerSpec{RelativeURL: "/g"})
	pods := []*backend8012{newBackend(t, "a"), newBackend(t, "b"), newBackend(t, "c")}
	stop, count := make(chan struct{}), atomic.Int64{}
	var clients sync.WaitGroup
	for range 4 {
		clients.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				count.Add(1)
				if got := r.get("/g"); got.err != nil || got.status != http.StatusOK {
					t.Errorf("lost: %d %v %s", got.status, got.err, got.body)
					return
				}
			}
		})
	}
	for i := range 60 {
		uid := r.hot(f, int64(1+i/20), pods[i%3])
		wanted := count.Load() + 20
		r.eventually("requests go on", func() error {
			if count.Load() < wanted {
				return fmt.Errorf("%d of %d", count.Load(), wanted)
			}
			return nil
		})
		if i%2 == 0 {
			r.server.DeletePod(uid)
		}
	}
	close(stop)
	clients.Wait()
}

func TestEnvoy_PassesUpgradesAndSpillsThem(t *testing.T) {
	r, pod, activator := spillRig(t)
	echo := http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if !strings.EqualFold(req.Header.Get("Upgrade"), "websocket") {
			http.Error(w, "no upgrade", http.StatusBadRequest)
			return
		}
		conn, rw, err := w.(http.Hijacker).Hijack()
		if err != nil {
			return
		}
		defer func() { _ = conn.Close() }()
		_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
		_, _ = io.Copy(conn, rw)
	})
	pod.busy.Store(true)
	activator.answer.Store(&echo)
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", r.addr(wire.PortPublic))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(30 * time.Second))
	_, _ = io.WriteString(conn, "GET /f HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: AA==\r\nSec-WebSocket-Version: 13\r\n\r\n")
	in := bufio.NewReader(conn)
	res, err := http.ReadResponse(in, nil)
	if err != nil || res.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("%v %v", res, err)
	}
	defer func() { _ = res.Body.Close() }()
	_, _ = io.WriteString(conn, "ping")
	got := make([]byte, 4)
	if _, err := io.ReadFull(in, got); err != nil || string(got) != "ping" {
		t.Errorf("echo %q, %v", got, err)
	}
	if pod.hits.Load() < 2 { // one from the rig, one refused
		t.Error("the pod was not asked first")
	}
}

// Many requests that the pods refuse are all replayed: Envoy's circuit breakers stay out of it.
func TestEnvoy_HoldsManySpilledRequestsAtOnce(t *testing.T) {
	r, pod, activator := spillRig(t)
	pod.busy.Store(true)
	release := make(chan struct{})
	hold := http.HandlerFunc(func(_ http.ResponseWriter, _ *http.Request) { <-release })
	activator.answer.Store(&hold)
	activator.hits.Store(0)
	const held = 200
	var all sync.WaitGroup
	for range held {
		all.Go(func() {
			if got := r.do("POST", "/f", strings.NewReader("x")); got.err != nil || got.status != http.StatusOK {
				t.Errorf("%d %v %s", got.status, got.err, got.body)
			}
		})
	}
	envoytest.Eventually(t, "all are held", func() error {
		if n := activator.hits.Load(); n < held {
			return fmt.Errorf("%d of %d", n, held)
		}
		return nil
	})
	close(release)
	all.Wait()
}
