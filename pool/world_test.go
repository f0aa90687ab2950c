package pool

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/wire"
)

// world is a cluster with pods that answer, as far as a pool can see it. It checks what must hold always: a pod
// is specialized at most once, and a pod that was called for one function never gets another.
type world struct {
	t    *testing.T
	pool *Pool
	// sure is what Deps.Sure says.
	sure atomic.Bool
	// begun is when the world was made.
	begun time.Time
	reg   *prometheus.Registry
	stop  func()

	mu     sync.Mutex
	pods   map[string]*fakePod
	serial int
	events chan func()
	// apiErr is what every call to the API server returns.
	apiErr error
	// createErr is what creating a pod returns.
	createErr error
	// starts is how long a pod takes to be ready; prepare may change a new pod.
	starts  time.Duration
	prepare func(*fakePod)
	// load decides how a specialization goes; nil loads.
	load func(*fakePod, *wire.SpecializeRequest) error
	code func(string) (wire.Code, error)
	// inputs are what functions get besides their code.
	inputs func(*v1.Function) (wire.Inputs, error)
	hot    map[string]wire.Held
	gone   []string
	// outdated are the pods of which that was said.
	outdated []string
	tallys   map[string]tally
	// created counts the pods made, asked those asked for.
	created, asked int
}

// tally is what Observer.PoolChanged said.
type tally struct {
	warm, starting int
	failure        *wire.Failure
}

// fakePod is a pod of the world.
type fakePod struct {
	pod      *corev1.Pod
	readyAt  time.Time
	used     bool // its fetcher restarted after specializing
	held     *wire.Held
	assigned *wire.Held
	calls    int
	inFlight int
	drains   int
	deleted  bool
}

// bubble runs f with a running pool in a world whose time is fake.
func bubble(t *testing.T, f func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.run()
		defer func() { w.stop() }()
		f(w)
		w.check()
	})
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{
		t: t, begun: time.Now(), pods: map[string]*fakePod{}, starts: 300 * time.Millisecond, events: make(chan func(), 10_000),
		hot: map[string]wire.Held{}, tallys: map[string]tally{},
	}
	w.sure.Store(true)
	w.restart()
	return w
}

// restart replaces the pool by a new one that knows nothing.
func (w *world) restart() {
	cfg := DefaultConfig()
	cfg.FetcherImage, cfg.ProxyImage, cfg.ControlKey, cfg.MaxPods = "fetcher", "proxy", "key", 40
	w.reg = prometheus.NewRegistry()
	p, err := New(cfg, Deps{
		Cluster: w, Codes: w, Inputs: w, Observer: w, Agent: w, Registerer: w.reg, Sure: w.sure.Load,
		Log: slog.New(slog.NewTextHandler(w.t.Output(), nil)),
	})
	if err != nil {
		w.t.Fatal(err)
	}
	w.mu.Lock()
	w.pool = p
	w.mu.Unlock()
}

// run starts the pool and the delivery of events to it.
func (w *world) run() {
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { _ = w.pool.Run(ctx) })
	wg.Go(func() {
		for {
			select {
			case deliver := <-w.events:
				deliver()
			case <-ctx.Done():
				return
			}
		}
	})
	w.stop = func() { cancel(); wg.Wait() }
}

// emit delivers the pod's present state to the pool a little later, as an informer does.
func (w *world) emit(p *fakePod) {
	pod, deleted := p.pod.DeepCopy(), p.deleted
	w.events <- func() {
		time.Sleep(3 * time.Millisecond)
		if deleted {
			w.pool.DeletePod(string(pod.UID))
			return
		}
		w.pool.SetPod(pod)
	}
}

// change changes a pod and tells the pool.
func (w *world) change(uid string, f func(*fakePod)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f(w.pods[uid])
	w.emit(w.pods[uid])
}

// Cluster.

func (w *world) CreatePod(_ context.Context, pod *corev1.Pod) (*corev1.Pod, error) {
	time.Sleep(5 * time.Millisecond)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asked++
	if err := errors.Join(w.apiErr, w.createErr); err != nil {
		return nil, err
	}
	w.serial++
	w.created++
	pod = pod.DeepCopy()
	pod.UID = types.UID(fmt.Sprintf("pod-%d", w.serial))
	pod.CreationTimestamp = metav1.NewTime(time.Now())
	p := &fakePod{pod: pod, readyAt: time.Now().Add(w.starts)}
	w.pods[string(pod.UID)] = p
	created := pod.DeepCopy()
	pod.Status.PodIP = fmt.Sprintf("10.0.0.%d", w.serial)
	if w.prepare != nil {
		w.prepare(p)
	}
	w.emit(p)
	return created, nil
}

func (w *world) DeletePod(_ context.Context, _, _, uid string, _ time.Duration) error {
	time.Sleep(5 * time.Millisecond)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.apiErr != nil {
		return w.apiErr
	}
	if p := w.pods[uid]; p != nil && !p.deleted {
		p.deleted = true
		w.emit(p)
	}
	return nil
}

func (w *world) PatchPodLabels(_ context.Context, _, _, uid string, labels map[string]string) error {
	time.Sleep(5 * time.Millisecond)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.apiErr != nil {
		return w.apiErr
	}
	if p := w.pods[uid]; p != nil && !p.deleted {
		maps.Copy(p.pod.Labels, labels)
		w.emit(p)
	}
	return nil
}

func (w *world) Anchor(context.Context, string, *v1.Environment) (metav1.OwnerReference, error) {
	return metav1.OwnerReference{Kind: "ConfigMap"}, nil
}

// Codes and Inputs.

func (w *world) Code(_ context.Context, key, _ string) (wire.Code, error) {
	if w.code != nil {
		return w.code(key)
	}
	return wire.Code{Literal: []byte("code of " + key)}, nil
}

func (w *world) Inputs(_ context.Context, f *v1.Function) (wire.Inputs, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.inputs == nil {
		return wire.Inputs{}, nil
	}
	return w.inputs(f)
}

// Agent.

func (w *world) Greet(_ context.Context, t Target) (wire.Identity, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	p := w.pods[t.UID]
	switch {
	case p == nil || p.deleted || p.pod.Status.PodIP != t.IP:
		return wire.Identity{}, errors.New("connection refused")
	case p.used:
		return wire.Identity{}, ErrUsed
	case time.Now().Before(p.readyAt):
		return wire.Identity{}, errors.New("not ready")
	}
	return wire.Identity{PodUID: t.UID, SealKey: []byte(t.UID), Held: p.held}, nil
}

func (w *world) Specialize(ctx context.Context, t Target, key []byte, r *wire.SpecializeRequest) (wire.SpecializeResult, error) {
	if err := pause(ctx, 8*time.Millisecond); err != nil {
		return wire.SpecializeResult{}, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	p := w.pods[t.UID]
	if p == nil || p.deleted {
		return wire.SpecializeResult{}, errors.New("connection refused")
	}
	if string(key) != t.UID {
		w.t.Errorf("code for %s was sealed for %q", t.UID, key)
	}
	if p.calls++; p.calls > 1 {
		w.t.Errorf("%s was called %d times", t.UID, p.calls)
	}
	if p.held != nil && *p.held != r.Held {
		return wire.SpecializeResult{}, &HeldError{wire.Identity{PodUID: t.UID, Held: p.held}}
	}
	p.held = &r.Held
	if w.load != nil {
		if err := w.load(p, r); err != nil {
			return wire.SpecializeResult{}, err
		}
	}
	return wire.SpecializeResult{FetchMicros: 1000, LoadMicros: 7000}, nil
}

func (w *world) Assign(ctx context.Context, t Target, a *wire.Assignment) error {
	if err := pause(ctx, time.Millisecond); err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	p := w.pods[t.UID]
	if p == nil || p.deleted {
		return errors.New("connection refused")
	}
	if p.assigned != nil && *p.assigned != a.Held {
		return &HeldError{}
	}
	p.assigned = &a.Held
	return nil
}

func (w *world) Drain(ctx context.Context, t Target, deadline time.Duration) (wire.DrainResult, error) {
	w.mu.Lock()
	p := w.pods[t.UID]
	p.drains++
	inFlight := p.inFlight
	w.mu.Unlock()
	if inFlight > 0 {
		return wire.DrainResult{InFlight: inFlight}, pause(ctx, deadline)
	}
	return wire.DrainResult{}, pause(ctx, time.Millisecond)
}

func pause(ctx context.Context, d time.Duration) error {
	if !sleep(ctx, d) {
		return ctx.Err()
	}
	return nil
}

// Observer.

func (w *world) PodHot(held wire.Held, pod wire.HotPod) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, twice := w.hot[pod.UID]; twice {
		w.t.Errorf("the observer was told twice that %s is hot", pod.UID)
	}
	w.hot[pod.UID] = held
}

func (w *world) PodGone(uid string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, hot := w.hot[uid]; !hot {
		w.t.Errorf("the observer was told that %s is gone, which was not hot", uid)
	}
	delete(w.hot, uid)
	w.gone = append(w.gone, uid)
}

func (w *world) PodReady(uid string, ready bool) {
	w.t.Errorf("the observer was told that %s is ready (%v), which has no probes of its own", uid, ready)
}

func (w *world) PodsOutdated(uids []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, uid := range uids {
		if held, hot := w.hot[uid]; !hot || held.Function != w.hot[uids[0]].Function {
			w.t.Errorf("the observer was told that %s is outdated, which is hot (%v) for %v", uid, hot, held.Function)
		}
	}
	w.outdated = append(w.outdated, uids...)
}

func (w *world) PoolChanged(environment string, warm, starting int, failure *wire.Failure) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.tallys[environment] = tally{warm, starting, failure}
}

// Questions.

// live returns the pods that are not deleted, by the value of their state label.
func (w *world) live() map[wire.PodState][]*fakePod {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := map[wire.PodState][]*fakePod{}
	for _, uid := range slices.Sorted(maps.Keys(w.pods)) {
		if p := w.pods[uid]; !p.deleted {
			s := wire.PodState(p.pod.Labels[wire.LabelState])
			out[s] = append(out[s], p)
		}
	}
	return out
}

// look returns a pod as it is now.
func (w *world) look(uid string) fakePod {
	w.mu.Lock()
	defer w.mu.Unlock()
	p := *w.pods[uid]
	p.pod = p.pod.DeepCopy()
	return p
}

// edit changes a pod without telling the pool.
func (w *world) edit(uid string, f func(*fakePod)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f(w.pods[uid])
}

// settle lets d of fake time pass and everything that it caused come to rest.
func (w *world) settle(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// warm asserts the number of pods that the observer knows to be warm.
func (w *world) warm(key string, want int) {
	w.t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	if got := w.tallys[key]; got.warm != want {
		w.t.Errorf("%d pods of %s are warm, want %d", got.warm, key, want)
	}
}

func (w *world) check() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for uid, held := range w.hot {
		if p := w.pods[uid]; p.held == nil || p.assigned == nil || *p.held != held || *p.assigned != held {
			w.t.Errorf("%s is hot for %v, but holds %v and was assigned %v", uid, held, p.held, p.assigned)
		}
	}
}

// Objects.

func environmentOf(name string, size int) *v1.Environment {
	e := &v1.Environment{Spec: v1.EnvironmentSpec{Version: 3, Poolsize: size, Runtime: v1.Runtime{Image: "image"}}}
	e.Name, e.Namespace, e.UID = name, "ns", types.UID("env-"+name)
	return e
}

func functionOf(name, environment string) *v1.Function {
	f := &v1.Function{}
	f.Name, f.Namespace, f.UID, f.Generation, f.ResourceVersion = name, "ns", types.UID("fn-"+name), 1, "7"
	f.Spec.Environment.Name = environment
	f.Spec.Package.PackageRef.Name = name + "-package"
	f.Spec.Package.FunctionName = "main.handler"
	return f
}
