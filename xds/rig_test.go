package xds

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/feed"
	"hotpod.dev/internal/envoytest"
	"hotpod.dev/wire"
)

// rig is a server with a real Envoy connected to it, each at its usual port on an address of the test's own.
type rig struct {
	t       testing.TB
	host    string
	server  *Server
	stop    func() // ends the server and its streams
	envoy   *envoytest.Envoy
	objects []func(*Server) // what a restarted server is told again
	serial  int
	// division of the tables, unless it is zero.
	division division
	// keeps takes timelines, unless it is nil.
	keeps Timelines
}

func newRig(tb testing.TB) *rig {
	tb.Helper()
	return dividedRig(tb, division{})
}

func dividedRig(tb testing.TB, d division) *rig {
	tb.Helper()
	envoytest.Path(tb)
	return startRig(&rig{t: tb, host: envoytest.Address(tb), division: d})
}

func startRig(r *rig) *rig {
	r.t.Helper()
	r.startServer()
	r.server.Synced()
	r.startEnvoy()
	r.awaitListeners()
	return r
}

func (r *rig) startServer() {
	r.t.Helper()
	var err error
	r.server, err = New(Config{
		Public: []string{r.addr(wire.PortPublic)}, Internal: []string{r.addr(wire.PortInternal)}, Services: []string{r.addr(wire.PortServices)}, Version: "v1.2.3",
		Log: slog.New(slog.NewTextHandler(r.t.Output(), nil)), Patience: 200 * time.Millisecond, Timelines: r.keeps, Slow: 100 * time.Millisecond,
	})
	if err != nil {
		r.t.Fatal(err)
	}
	if r.division.most > 0 {
		r.server.public.division, r.server.internal.division, r.server.services.division = r.division, r.division, r.division
	}
	for _, tell := range r.objects {
		tell(r.server)
	}
	grpcServer := feed.NewServer()
	r.server.Register(grpcServer)
	lis, err := (&net.ListenConfig{}).Listen(r.t.Context(), "tcp", r.addr(wire.PortXDS))
	if err != nil {
		r.t.Fatal(err)
	}
	r.stop = runServer(r.t, r.server, grpcServer, lis)
}

// runServer runs until the returned function is called or the test ends.
func runServer(tb testing.TB, s *Server, g *grpc.Server, lis net.Listener) func() {
	tb.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { _ = s.Run(ctx) })
	wg.Go(func() { _ = g.Serve(lis) })
	stop := sync.OnceFunc(func() { cancel(); g.Stop(); wg.Wait() })
	tb.Cleanup(stop)
	return stop
}

func (r *rig) startEnvoy() {
	r.t.Helper()
	text, err := Bootstrap(BootstrapConfig{XDS: r.addr(wire.PortXDS), Admin: r.addr(9901), NodeID: r.t.Name()})
	if err != nil {
		r.t.Fatal(err)
	}
	r.envoy = envoytest.Start(r.t, r.addr(9901), text)
}

func (r *rig) awaitListeners() {
	r.t.Helper()
	r.eventually("Envoy serves", func() error {
		return r.get("/router-healthz").want(http.StatusOK, "")
	})
}

func (r *rig) addr(port int) string { return fmt.Sprintf("%s:%d", r.host, port) }

func (r *rig) eventually(what string, check func() error) {
	r.t.Helper()
	envoytest.Eventually(r.t, what, check)
}

// tell changes the world, also for servers that are started later.
func (r *rig) tell(f func(*Server)) {
	r.objects = append(r.objects, f)
	f(r.server)
}

func (r *rig) meta(name string) metav1.ObjectMeta {
	r.serial++
	return metav1.ObjectMeta{
		Namespace: "default", Name: name, Generation: 1, UID: types.UID(fmt.Sprintf("%s-%d", name, r.serial)),
		CreationTimestamp: metav1.NewTime(time.Unix(int64(r.serial), 0)),
	}
}

func (r *rig) function(name string) wire.FunctionID {
	f := &v1.Function{ObjectMeta: r.meta(name)}
	r.tell(func(s *Server) { s.SetFunction(f) })
	return FunctionOf(f).ID
}

// route declares one and waits until Envoy has it.
func (r *rig) route(name string, spec v1.HTTPTriggerSpec) {
	r.t.Helper()
	if spec.FunctionReference.Type == "" {
		spec.FunctionReference = v1.FunctionReference{Type: v1.ReferenceName, Name: name}
	}
	trigger := &v1.HTTPTrigger{ObjectMeta: r.meta(name), Spec: spec}
	r.tell(func(s *Server) { s.SetRoute(trigger) })
	r.state(name, wire.RouteAcknowledged)
}

// state waits until the route's published state is this one.
func (r *rig) state(name string, want wire.RouteState) wire.RouteStatus {
	r.t.Helper()
	var status wire.RouteStatus
	r.eventually("route "+name+" is "+string(want), func() error {
		status, _ = r.server.Statuses().Get("default/" + name)
		if status.State != want {
			return fmt.Errorf("it is %+v", status)
		}
		return nil
	})
	return status
}

// hot makes b a hot pod of the function and returns its UID.
func (r *rig) hot(f wire.FunctionID, generation int64, b *backend8012) string {
	return r.hotAt(f, generation, b.ip)
}

func (r *rig) hotAt(f wire.FunctionID, generation int64, ip string) string {
	pod := &corev1.Pod{ObjectMeta: r.meta("pod"), Status: corev1.PodStatus{PodIP: ip}}
	pod.Labels = map[string]string{
		wire.LabelState: string(wire.StateHot), wire.LabelFunctionUID: f.UID, wire.LabelFunctionGeneration: fmt.Sprint(generation),
	}
	r.tell(func(s *Server) { s.SetPod(pod) })
	return string(pod.UID)
}

// activator makes b an activator.
func (r *rig) activator(b *backend8012) { r.activatorAt(b.ip) }

func (r *rig) activatorAt(ip string) {
	pod := &corev1.Pod{ObjectMeta: r.meta("activator")}
	pod.Labels = map[string]string{wire.LabelComponent: "activator"}
	pod.Status = corev1.PodStatus{PodIP: ip, Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}}
	r.tell(func(s *Server) { s.SetPod(pod) })
}

// answered is what a client got.
type answered struct {
	err    error
	status int
	header http.Header
	body   string
	seen   seen // what the backend says it saw
}

// seen is what a backend reports of a request.
type seen struct {
	Backend, Method, Path string
	Header                http.Header
	Length                int
}

func (a answered) want(status int, backend string) error {
	switch {
	case a.err != nil:
		return a.err
	case a.status != status || a.seen.Backend != backend:
		return fmt.Errorf("got %d from %q (%.200q), want %d from %q", a.status, a.seen.Backend, a.body, status, backend)
	}
	return nil
}

// client keeps paths as they are given.
func client() *http.Client {
	return &http.Client{
		Timeout: 30 * time.Second, Transport: &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 64},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// http2Client speaks HTTP/2 without TLS and without asking first.
func http2Client() *http.Client {
	c := client()
	transport := c.Transport.(*http.Transport)
	transport.Protocols = &http.Protocols{}
	transport.Protocols.SetUnencryptedHTTP2(true)
	return c
}

var shared = client() // connections are kept between requests

func (r *rig) get(path string, header ...string) answered {
	return call(http.MethodGet, "http://"+r.addr(wire.PortPublic)+path, nil, header...)
}

func (r *rig) internal(path string) answered {
	return call(http.MethodGet, "http://"+r.addr(wire.PortInternal)+path, nil)
}

func (r *rig) do(method, path string, body io.Reader, header ...string) answered {
	return call(method, "http://"+r.addr(wire.PortPublic)+path, body, header...)
}

// call sends a request; header are names and values in turn, "Host" among them.
func call(method, url string, body io.Reader, header ...string) answered {
	return callWith(shared, method, url, body, header...)
}

func callWith(client *http.Client, method, url string, body io.Reader, header ...string) answered {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	scheme, rest, _ := strings.Cut(url, "://")
	host, path, _ := strings.Cut(rest, "/")
	req, err := http.NewRequestWithContext(ctx, method, scheme+"://"+host, body)
	if err != nil {
		return answered{err: err}
	}
	if strings.HasPrefix(path, "/") {
		req.URL.Path, req.URL.RawQuery, _ = strings.Cut("/"+path, "?") // as an opaque URL it would be another host
	} else {
		req.URL.Opaque = "/" + path // sent as it is
	}
	for i := 0; i+1 < len(header); i += 2 {
		if header[i] == "Host" {
			req.Host = header[i+1]
		} else {
			req.Header.Add(header[i], header[i+1])
		}
	}
	res, err := client.Do(req)
	if err != nil {
		return answered{err: err}
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	a := answered{err: err, status: res.StatusCode, header: res.Header, body: string(text)}
	_ = json.Unmarshal(text, &a.seen)
	return a
}

// backend8012 stands for a pod or an activator: it answers with what it saw.
type backend8012 struct {
	name string
	ip   string
	hits atomic.Int64
	busy atomic.Bool
	// answer, when set, serves instead.
	answer atomic.Pointer[http.HandlerFunc]
	server *http.Server
}

func newBackend(tb testing.TB, name string) *backend8012 {
	tb.Helper()
	b := &backend8012{name: name, ip: envoytest.Address(tb)}
	b.start(tb)
	return b
}

func (b *backend8012) start(tb testing.TB) {
	tb.Helper()
	lis, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", fmt.Sprintf("%s:%d", b.ip, wire.PortRequests))
	if err != nil {
		tb.Fatal(err)
	}
	b.server = &http.Server{Handler: b, ReadHeaderTimeout: time.Minute, Protocols: &http.Protocols{}}
	b.server.Protocols.SetHTTP1(true)
	b.server.Protocols.SetUnencryptedHTTP2(true)
	go func() { _ = b.server.Serve(lis) }()
	tb.Cleanup(b.stop)
}

func (b *backend8012) stop() { _ = b.server.Close() }

func (b *backend8012) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b.hits.Add(1)
	if h := b.answer.Load(); h != nil {
		(*h)(w, r)
		return
	}
	n, err := io.Copy(io.Discard, r.Body)
	if err != nil && !errors.Is(err, io.EOF) {
		return
	}
	if b.busy.Load() {
		w.Header().Set(wire.HeaderBusy, string(wire.BusyLimit))
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	h := maps.Clone(r.Header)
	h.Set("Host", r.Host)
	_ = json.NewEncoder(w).Encode(seen{Backend: b.name, Method: r.Method, Path: r.RequestURI, Header: h, Length: int(n)})
}
