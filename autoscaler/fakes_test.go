package autoscaler

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/feed"
	"hotpod.dev/wire"
)

// fakePool makes pods hot after a while and keeps what was asked of it.
type fakePool struct {
	a     *Autoscaler
	start time.Duration // until a pod is hot
	// tell announces a hot pod; nil does so before Claim returns.
	tell func(held wire.Held, pod wire.HotPod)

	mu      sync.Mutex
	failing error
	made    int
	claims  []int64 // generations asked for
	hot     map[string]wire.Held
	drained []string
}

func (p *fakePool) Claim(ctx context.Context, f *v1.Function) (wire.HotPod, error) {
	p.mu.Lock()
	p.claims = append(p.claims, f.Generation)
	err, start := p.failing, p.start
	p.mu.Unlock()
	if !sleep(ctx, start) {
		return wire.HotPod{}, ctx.Err()
	}
	if err != nil {
		return wire.HotPod{}, err
	}
	p.mu.Lock()
	p.made++
	pod := wire.HotPod{UID: fmt.Sprintf("pod-%03d", p.made), Address: fmt.Sprintf("127.1.1.%d:8012", p.made)}
	held := wire.Held{Function: idOf(f), Generation: f.Generation}
	p.hot[pod.UID] = held
	p.mu.Unlock()
	if p.tell != nil {
		p.tell(held, pod)
	} else {
		p.a.PodHot(held, pod)
	}
	return pod, nil
}

func (p *fakePool) Drain(_ context.Context, uid string, _ time.Duration) error {
	p.mu.Lock()
	p.drained = append(p.drained, uid)
	_, known := p.hot[uid]
	delete(p.hot, uid)
	p.mu.Unlock()
	if known {
		p.a.PodGone(uid)
	}
	return nil
}

func (p *fakePool) count() (claims, hot, drained int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.claims), len(p.hot), len(p.drained)
}

func (p *fakePool) fail(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.failing = err
}

// fakeReports lets a test say what pods report.
type fakeReports struct {
	mu   sync.Mutex
	pods map[string]*reporter
}

// reporter is one pod's queue-proxy.
type reporter struct {
	last   wire.Report
	began  time.Time
	out    chan wire.Report
	broken chan struct{}
	mute   bool
}

func (r *fakeReports) pod(uid string) *reporter {
	p, ok := r.pods[uid]
	if !ok {
		p = &reporter{began: time.Now(), out: make(chan wire.Report, 100), broken: make(chan struct{})}
		r.pods[uid] = p
	}
	return p
}

func (r *fakeReports) Watch(ctx context.Context, pod wire.HotPod, each func(wire.Report)) error {
	r.mu.Lock()
	p := r.pod(pod.UID)
	broken, mute, first := p.broken, p.mute, p.last
	r.mu.Unlock()
	if mute {
		return errors.New("connection refused")
	}
	first.UptimeMillis = time.Since(p.began).Milliseconds() + 1
	each(first)
	for {
		select {
		case rep := <-p.out:
			each(rep)
		case <-broken:
			return io.ErrUnexpectedEOF
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// say sends a report: in flight now, finished requests more, at a mean concurrency.
func (r *fakeReports) say(uid string, concurrency float64, inFlight int, finished uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	p := r.pod(uid)
	p.last.UptimeMillis = time.Since(p.began).Milliseconds() + 1
	p.last.Concurrency, p.last.InFlight = concurrency, inFlight
	p.last.Requests[2] += finished
	p.last.Buckets[3] += finished
	p.last.DurationMicros += finished * 100_000
	p.out <- p.last
}

// lose reports that the pod's runtime is gone.
func (r *fakeReports) lose(uid string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	p := r.pod(uid)
	p.last.Broken = true
	p.out <- p.last
}

// silence breaks the pod's stream and refuses new ones until speak.
func (r *fakeReports) silence(uid string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	p := r.pod(uid)
	p.mute = true
	close(p.broken)
	p.broken = make(chan struct{})
}

func (r *fakeReports) speak(uid string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.pod(uid).mute = false
}

// world is a running autoscaler with fakes around it.
type world struct {
	*Autoscaler
	t        *testing.T
	pool     *fakePool
	reports  *fakeReports
	registry *prometheus.Registry
	log      *logBook
	hangUps  []func()
}

// logBook keeps messages.
type logBook struct {
	mu    sync.Mutex
	lines []string
}

func (b *logBook) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.lines = append(b.lines, string(p))
	return len(p), nil
}

// inWorld runs story in a bubble of time of its own.
func inWorld(t *testing.T, story func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- w.Run(ctx, w.pool) }()
		synctest.Wait()
		story(w)
		for _, hangUp := range w.hangUps {
			hangUp()
		}
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run = %v", err)
		}
	})
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{
		t: t, reports: &fakeReports{pods: map[string]*reporter{}}, registry: prometheus.NewRegistry(), log: &logBook{},
	}
	w.Autoscaler = New(Config{Reports: w.reports, Log: slog.New(slog.NewTextHandler(w.log, nil)), Registerer: w.registry})
	w.pool = &fakePool{a: w.Autoscaler, start: 20 * time.Millisecond, hot: map[string]wire.Held{}}
	return w
}

// begin says that everything is known and lets the time for adoption pass.
func (w *world) begin() {
	w.Synced()
	w.pass(adoptingDemanded)
}

// serving makes f known, begins, and lets an activator connect that stays until the story is over.
func (w *world) serving(f *v1.Function) *fakeActivator {
	w.SetFunction(f)
	w.begin()
	act, hangUp := w.activator()
	w.hangUps = append(w.hangUps, hangUp)
	return act
}

// pass lets time go by.
func (w *world) pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func (w *world) wantPool(claims, hot, drained int) {
	w.t.Helper()
	c, h, d := w.pool.count()
	if c != claims || h != hot || d != drained {
		w.t.Errorf("pool has seen %d claims, %d hot, %d drains; want %d, %d, %d", c, h, d, claims, hot, drained)
	}
}

func (w *world) statusOfFunction(f *v1.Function) wire.FunctionStatus {
	s, _ := w.status.Get(string(f.UID))
	return s
}

// count returns how many functions are known, and how many are active.
func (w *world) count() (known, active int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.functions), len(w.active)
}

// waitingFor returns the requests that activators hold for f.
func (w *world) waitingFor(f *v1.Function) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.functions[string(f.UID)].waiting(time.Now())
}

// finished returns the function's good requests.
func (w *world) finished(f *v1.Function) uint64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.functions[string(f.UID)].totals.requests[2]
}

func idOf(f *v1.Function) wire.FunctionID {
	return wire.FunctionID{Namespace: f.Namespace, Name: f.Name, UID: string(f.UID)}
}

// hello returns a function with default settings.
func hello(change ...func(*v1.Function)) *v1.Function {
	f := &v1.Function{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "hello", UID: types.UID("uid-hello"), Generation: 1},
		Spec:       v1.FunctionSpec{Environment: v1.EnvironmentReference{Name: "nodejs"}},
	}
	for _, c := range change {
		c(f)
	}
	return f
}

// changed returns f at its next generation.
func changed(f *v1.Function) *v1.Function {
	next := *f
	next.Generation++
	return &next
}

// fakeActivator is an activator's end of a demand stream.
type fakeActivator struct {
	feed.DemandServer
	open   func() context.Context
	up     chan wire.Demand
	mu     sync.Mutex
	placed []wire.Placement
}

// activator opens a demand stream that ends with the world's test.
func (w *world) activator() (act *fakeActivator, hangUp func()) {
	ctx, cancel := context.WithCancel(w.t.Context())
	act = &fakeActivator{open: func() context.Context { return ctx }, up: make(chan wire.Demand)}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = w.serveDemand(act)
	}()
	return act, func() { cancel(); <-done }
}

func (f *fakeActivator) Context() context.Context { return f.open() }

func (f *fakeActivator) Recv() (*wire.Demand, error) {
	select {
	case d := <-f.up:
		return &d, nil
	case <-f.open().Done():
		return nil, f.open().Err()
	}
}

func (f *fakeActivator) Send(p *wire.Placement) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.placed = append(f.placed, *p)
	return nil
}

// waits says that n requests of f wait, counted with the newest placement.
func (f *fakeActivator) waits(fn *v1.Function, n int) { f.waitsSince(fn, n, f.last().Seq) }

// waitsSince says that n requests of f wait, counted with an older placement.
func (f *fakeActivator) waitsSince(fn *v1.Function, n int, seen uint64) {
	f.up <- wire.Demand{Function: idOf(fn), Waiting: n, Seen: seen}
	synctest.Wait()
}

// last returns the newest placement.
func (f *fakeActivator) last() wire.Placement {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.placed) == 0 {
		return wire.Placement{}
	}
	return f.placed[len(f.placed)-1]
}

func (f *fakeActivator) count() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.placed)
}
