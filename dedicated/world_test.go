package dedicated

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/pool"
	"hotpod.dev/wire"
)

// starts is how long a pod takes until it answers, ready until the kubelet says that its probes succeed.
const (
	starts = 300 * time.Millisecond
	ready  = time.Second
)

// world is a cluster whose pods answer. It fails the test when a pod gets two functions.
type world struct {
	t    *testing.T
	pool *Pool
	stop func()

	mu     sync.Mutex
	pods   map[string]*fakePod
	serial int
	events chan func()
	// broken is why containers of new pods do not start.
	broken string
	hot    map[string]wire.Held
	told   map[string]*wire.Failure
	// outdated are the pods of which that was told.
	outdated []string
	// unready are the pods of which that was told, false for those of which it is true no more.
	unready map[string]bool
}

type fakePod struct {
	pod        *corev1.Pod
	readyAt    time.Time
	held       *wire.Held // what its fetcher was told, or its queue-proxy where there is none
	assigned   *wire.Held
	specialize *wire.SpecializeRequest
	drained    bool
	deleted    bool
}

// bubble runs f with a running pool in a world whose time is fake, and that knows the environment "node".
func bubble(t *testing.T, f func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &world{
			t: t, pods: map[string]*fakePod{}, events: make(chan func(), 1000),
			hot: map[string]wire.Held{}, told: map[string]*wire.Failure{}, unready: map[string]bool{},
		}
		w.start()
		w.pool.SetEnvironment(environmentOf("image"))
		defer func() { w.stop() }()
		f(w)
	})
}

// start runs a new pool that knows nothing.
func (w *world) start() {
	p, err := New(config(), pool.Deps{
		Cluster: w, Codes: w, Inputs: w, Observer: w, Agent: w, Registerer: prometheus.NewRegistry(),
		Log: slog.New(slog.NewTextHandler(w.t.Output(), nil)),
	})
	if err != nil {
		w.t.Fatal(err)
	}
	w.mu.Lock()
	w.pool = p
	w.mu.Unlock()
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { _ = p.Run(ctx) })
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

// settle lets d of fake time pass and all that it caused come to rest.
func (w *world) settle(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// claim claims a pod, within a minute.
func (w *world) claim(f *v1.Function) (wire.HotPod, error) {
	ctx, cancel := context.WithTimeout(w.t.Context(), time.Minute)
	defer cancel()
	return w.pool.Claim(ctx, f)
}

// change changes a pod and tells the pool.
func (w *world) change(uid string, f func(*fakePod)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f(w.pods[uid])
	w.emit(w.pods[uid])
}

// emit delivers the pod's present state a little later, as an informer does. Call it with mu held.
func (w *world) emit(p *fakePod) {
	pod, deleted, to := p.pod.DeepCopy(), p.deleted, w.pool
	w.events <- func() {
		time.Sleep(3 * time.Millisecond)
		if deleted {
			to.DeletePod(string(pod.UID))
			return
		}
		to.SetPod(pod)
	}
}

// live returns the pods that are not deleted.
func (w *world) live() (pods []fakePod) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, p := range w.pods {
		if !p.deleted {
			pods = append(pods, p.copied())
		}
	}
	return pods
}

// look returns a pod as it is now.
func (w *world) look(uid string) fakePod {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.pods[uid].copied()
}

func (p *fakePod) copied() fakePod {
	c := *p
	c.pod = p.pod.DeepCopy()
	return c
}

func (w *world) CreatePod(_ context.Context, pod *corev1.Pod) (*corev1.Pod, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.serial++
	pod = pod.DeepCopy()
	pod.UID, pod.CreationTimestamp = types.UID(fmt.Sprintf("pod-%d", w.serial)), metav1.NewTime(time.Now())
	p := &fakePod{pod: pod, readyAt: time.Now().Add(starts)}
	w.pods[string(pod.UID)] = p
	created := pod.DeepCopy()
	pod.Status.PodIP = fmt.Sprintf("10.0.0.%d", w.serial)
	for _, c := range pod.Spec.Containers {
		status := corev1.ContainerStatus{Name: c.Name, Image: c.Image}
		if w.broken != "" {
			status.State.Waiting = &corev1.ContainerStateWaiting{Reason: w.broken, Message: "because"}
			p.readyAt = time.Now().Add(time.Hour)
		}
		pod.Status.ContainerStatuses = append(pod.Status.ContainerStatuses, status)
	}
	w.emit(p)
	if w.broken == "" {
		time.AfterFunc(ready, func() { w.change(string(pod.UID), (*fakePod).becomeReady) })
	}
	return created, nil
}

func (p *fakePod) becomeReady() {
	for i := range p.pod.Status.ContainerStatuses {
		p.pod.Status.ContainerStatuses[i].Ready = true
	}
}

func (w *world) DeletePod(_ context.Context, _, _, uid string, _ time.Duration) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if p := w.pods[uid]; p != nil && !p.deleted {
		p.deleted = true
		w.emit(p)
	}
	return nil
}

func (w *world) PatchPodLabels(_ context.Context, _, _, uid string, labels map[string]string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if p := w.pods[uid]; p != nil && !p.deleted {
		maps.Copy(p.pod.Labels, labels)
		w.emit(p)
	}
	return nil
}

func (w *world) Anchor(context.Context, string, *v1.Environment) (metav1.OwnerReference, error) {
	return metav1.OwnerReference{}, errors.New("a function's pods need no anchor")
}

func (w *world) Code(_ context.Context, key, _ string) (wire.Code, error) {
	return wire.Code{Literal: []byte("code of " + key)}, nil
}

func (w *world) Inputs(context.Context, *v1.Function) (wire.Inputs, error) { return wire.Inputs{}, nil }

func (w *world) Greet(_ context.Context, t pool.Target) (wire.Identity, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	p := w.pods[t.UID]
	if p == nil || p.deleted || time.Now().Before(p.readyAt) {
		return wire.Identity{}, errors.New("connection refused")
	}
	return wire.Identity{PodUID: t.UID, SealKey: []byte(t.UID), Held: p.held}, nil
}

func (w *world) Specialize(_ context.Context, t pool.Target, _ []byte, r *wire.SpecializeRequest) (wire.SpecializeResult, error) {
	time.Sleep(8 * time.Millisecond)
	w.mu.Lock()
	defer w.mu.Unlock()
	p := w.pods[t.UID]
	if t.Bare || p.held != nil {
		w.t.Errorf("%s, which holds %v, was told to load %v", t.UID, p.held, r.Held)
	}
	p.held, p.specialize = &r.Held, r
	return wire.SpecializeResult{}, nil
}

func (w *world) Assign(_ context.Context, t pool.Target, a *wire.Assignment) error {
	time.Sleep(time.Millisecond)
	w.mu.Lock()
	defer w.mu.Unlock()
	p := w.pods[t.UID]
	if p.assigned != nil && *p.assigned != a.Held {
		return &pool.HeldError{}
	}
	p.assigned = &a.Held
	if t.Bare {
		p.held = &a.Held
	}
	return nil
}

func (w *world) Drain(_ context.Context, t pool.Target, _ time.Duration) (wire.DrainResult, error) {
	time.Sleep(time.Millisecond)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.pods[t.UID].drained = true
	return wire.DrainResult{}, nil
}

func (w *world) PodHot(held wire.Held, pod wire.HotPod) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.hot[pod.UID] = held
}

func (w *world) PodGone(uid string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.hot, uid)
}

func (w *world) PodsOutdated(uids []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.outdated = append(w.outdated, uids...)
}

func (w *world) PodReady(uid string, ready bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.unready[uid] = !ready
}

func (w *world) PoolChanged(key string, _, _ int, failure *wire.Failure) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.told[key] = failure
}
