package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/autoscaler"
	"hotpod.dev/feed"
	"hotpod.dev/sign"
	"hotpod.dev/wire"
)

// chain is the real activator, autoscaler and queue-proxies, on loopback addresses of their own, before a function
// that counts. Only the pool is a fake: it starts a queue-proxy for each claim.
type chain struct {
	t          *testing.T
	net        string // "127.x.y."
	signer     *sign.Signer
	autoscaler *autoscaler.Autoscaler
	service    time.Duration
	broken     atomic.Pointer[wire.Failure]
	// runtime starts what runs behind a queue-proxy; nil is function.
	runtime func() (address string, stop func())

	mu      sync.Mutex
	pods    int
	stops   map[string]context.CancelFunc
	running sync.WaitGroup
	overlap atomic.Int64 // requests that met another inside a pod with a limit of one
	stop    context.CancelFunc
	done    chan error
}

// networks gives each chain addresses of its own.
var networks atomic.Int64

// newChain starts a chain, whose activator gets further flags.
func newChain(t *testing.T, service time.Duration, flags ...string) *chain {
	t.Helper()
	signer, err := sign.NewSigner(sign.GenerateSeed())
	if err != nil {
		t.Fatal(err)
	}
	c := &chain{
		t: t, net: fmt.Sprintf("127.78.%d.", networks.Add(1)), signer: signer, service: service,
		stops: map[string]context.CancelFunc{}, done: make(chan error, 1),
	}
	t.Cleanup(c.endPods)
	c.startAutoscaler()
	c.startActivator(flags...)
	return c
}

func (c *chain) startAutoscaler() {
	log := slog.New(slog.NewTextHandler(c.t.Output(), nil))
	c.autoscaler = autoscaler.New(autoscaler.Config{
		Reports: autoscaler.NewHTTPReports(c.signer), Log: log, Registerer: prometheus.NewRegistry(),
	})
	lis, err := (&net.ListenConfig{}).Listen(c.t.Context(), "tcp", c.net+"3:8090")
	if err != nil {
		c.t.Skip("this system has no loopback addresses to spare: ", err)
	}
	server := feed.NewServer(feed.ServerCodec())
	c.autoscaler.Register(server)
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { _ = server.Serve(lis) })
	running.Go(func() { _ = c.autoscaler.Run(ctx, c) })
	c.autoscaler.Synced()
	c.t.Cleanup(func() { cancel(); server.Stop(); running.Wait() })
}

func (c *chain) startActivator(flags ...string) {
	ctx, stop := context.WithCancel(context.Background())
	c.stop = stop
	args := []string{"--address=" + c.net + "2", "--autoscaler=" + c.net + "3:8090", "--log-level=error", "--notice=100ms"}
	args = append(args, flags...)
	go func() { c.done <- run(ctx, args, func(string) string { return "" }, io.Discard) }()
	c.t.Cleanup(func() {
		stop()
		if err := <-c.done; err != nil {
			c.t.Errorf("run = %v", err)
		}
	})
	for deadline := time.Now().Add(10 * time.Second); c.ready() != http.StatusOK; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			c.t.Fatal("the activator does not become ready")
		}
	}
}

// ready returns the status of the activator's readiness, 0 when it does not answer.
func (c *chain) ready() int {
	res, err := http.Get("http://" + c.net + "2:8080/readyz")
	if err != nil {
		return 0
	}
	defer res.Body.Close()
	return res.StatusCode
}

// call sends one request, as Envoy would.
func (c *chain) call(client *http.Client, f *v1.Function, body string) (status int, answer string, err error) {
	method := http.MethodGet
	if body != "" {
		method = http.MethodPost
	}
	req, err := http.NewRequest(method, "http://"+c.net+"2:8012/", strings.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	req.Header.Set(wire.HeaderFunction, idOf(f).String())
	res, err := client.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	return res.StatusCode, string(b), err
}

// loop calls in a closed loop with clients for a while; every call must be answered as it should.
func (c *chain) loop(f *v1.Function, clients int, length time.Duration) {
	c.t.Helper()
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: clients}}
	defer client.CloseIdleConnections()
	var wg sync.WaitGroup
	var mu sync.Mutex
	var took []time.Duration
	end := time.Now().Add(length)
	for n := range clients {
		wg.Go(func() {
			for i := 0; time.Now().Before(end); i++ {
				body := fmt.Sprint("request ", n, " ", i)
				began := time.Now()
				status, answer, err := c.call(client, f, body)
				if status != http.StatusOK || answer != "echo "+body || err != nil {
					c.t.Errorf("call = %d %q, %v", status, answer, err)
					return
				}
				mu.Lock()
				took = append(took, time.Since(began))
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	slices.Sort(took)
	c.t.Logf("%d clients, %d calls, %d pods: median %s, p99 %s, worst %s", clients, len(took), c.claimed(),
		took[len(took)/2], took[len(took)*99/100], took[len(took)-1])
}

func idOf(f *v1.Function) wire.FunctionID {
	return wire.FunctionID{Namespace: f.Namespace, Name: f.Name, UID: string(f.UID)}
}

func hello(change ...func(*v1.Function)) *v1.Function {
	f := &v1.Function{ObjectMeta: metav1.ObjectMeta{
		Namespace: "default", Name: "hello", UID: types.UID("uid-hello"), Generation: 1,
	}}
	for _, c := range change {
		c(f)
	}
	return f
}

func TestChain_FromZeroUnderABurst(t *testing.T) {
	c := newChain(t, 5*time.Millisecond)
	f := hello()
	c.autoscaler.SetFunction(f)
	c.loop(f, 16, 2*time.Second)
	if n := c.claimed(); n > 40 {
		t.Errorf("%d pods for 16 clients", n)
	}
	if n := c.overlap.Load(); n > 0 {
		t.Errorf("%d requests met another inside a pod", n)
	}
}

func TestChain_AtTheMaximumNothingFails(t *testing.T) {
	c := newChain(t, 5*time.Millisecond)
	f := hello(func(f *v1.Function) { f.Spec.Concurrency = 4 })
	c.autoscaler.SetFunction(f)
	c.loop(f, 16, 2*time.Second)
	if n := c.claimed(); n > 4 {
		t.Errorf("%d pods, 4 are allowed", n)
	}
	if n := c.overlap.Load(); n > 0 {
		t.Errorf("%d requests met another inside a pod", n)
	}
}

func TestChain_FailureIsAnsweredAndRecoveredFrom(t *testing.T) {
	c := newChain(t, 0)
	f := hello()
	c.autoscaler.SetFunction(f)
	c.broken.Store(&wire.Failure{Reason: v1.ReasonSpecializationFailed, Message: "SyntaxError: line 1"})
	for range 3 {
		status, answer, err := c.call(http.DefaultClient, f, "")
		if err != nil || status != http.StatusInternalServerError || !strings.Contains(answer, "SyntaxError: line 1") {
			t.Fatalf("call = %d %q, %v", status, answer, err)
		}
	}
	c.broken.Store(nil)
	next := *f
	next.Generation++
	c.autoscaler.SetFunction(&next)
	if status, answer, err := c.call(http.DefaultClient, f, ""); err != nil || status != http.StatusOK {
		t.Errorf("after the repair: %d %q, %v", status, answer, err)
	}
}

// A pod whose runtime is gone says so before it takes anything of a body.
func TestChain_LargeBodyGoesToAnotherPodWhenOneIsBroken(t *testing.T) {
	c := newChain(t, 0)
	var started atomic.Int64
	c.runtime = func() (string, func()) {
		if started.Add(1) <= 3 {
			return "127.0.0.1:1", func() {}
		}
		s := httptest.NewServer(c.function())
		return s.Listener.Addr().String(), s.Close
	}
	f := hello()
	c.autoscaler.SetFunction(f)
	body := strings.Repeat("x", 8<<20)
	for range 3 {
		status, answer, err := c.call(http.DefaultClient, f, body)
		if err != nil || status != http.StatusOK || len(answer) != len("echo ")+len(body) {
			t.Fatalf("call = %d, %d bytes, %v", status, len(answer), err)
		}
	}
}

func TestChain_HeldRequestsOutliveSIGTERM(t *testing.T) {
	c := newChain(t, 0)
	f := hello()
	type result struct {
		status int
		err    error
	}
	results := make(chan result, 10)
	for range cap(results) {
		go func() {
			status, _, err := c.call(http.DefaultClient, f, "body")
			results <- result{status, err}
		}()
	}
	for deadline := time.Now().Add(10 * time.Second); c.waiting() != cap(results); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d requests wait", c.waiting())
		}
	}
	c.stop()
	for deadline := time.Now().Add(10 * time.Second); c.ready() != http.StatusServiceUnavailable; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("readiness is %d after SIGTERM", c.ready())
		}
	}
	c.autoscaler.SetFunction(f) // only now there is anything to start
	for range cap(results) {
		if r := <-results; r.err != nil || r.status != http.StatusOK {
			t.Errorf("held request ended with %d, %v", r.status, r.err)
		}
	}
}

// waiting reads the activator's own figure.
func (c *chain) waiting() int {
	res, err := http.Get("http://" + c.net + "2:8080/metrics")
	if err != nil {
		return -1
	}
	defer res.Body.Close()
	body, _ := io.ReadAll(res.Body)
	for line := range strings.Lines(string(body)) {
		var n int
		if _, err := fmt.Sscanf(line, "hotpod_activator_waiting_requests %d", &n); err == nil {
			return n
		}
	}
	return -1
}

func TestChain_ColdStartIsToldToTheClientThatWaited(t *testing.T) {
	c := newChain(t, 0)
	c.autoscaler.SetFunction(hello())
	for i, want := range []string{"true", ""} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+c.net+"2:8012/", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set(wire.HeaderFunction, idOf(hello()).String())
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		timing := strings.Join(res.Header.Values("Server-Timing"), ", ")
		if res.Header.Get(wire.HeaderColdStart) != want || strings.Contains(timing, "cold;dur=") != (want != "") {
			t.Errorf("call %d: %s %q, Server-Timing %q", i, wire.HeaderColdStart, res.Header.Get(wire.HeaderColdStart), timing)
		}
	}
}
