package activator

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/trace"
	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc"

	"hotpod.dev/proxy"
	"hotpod.dev/shard"
	"hotpod.dev/wire"
)

// Defaults of Config.
const (
	DefaultDepth = 10_000
	DefaultHold  = 120 * time.Second
)

const (
	// sweepEvery is how often unused queues are looked for.
	sweepEvery = 10 * time.Second
	// unused queues are dropped after so long: less than the autoscaler's interest lasts, so a queue's pods are true.
	unused = 50 * time.Second
)

// Config is what an Activator needs. Zero values of numbers mean the defaults.
type Config struct {
	Log        *slog.Logger
	Registerer prometheus.Registerer
	// Tracer makes a span for each request; nil makes none and passes the headers through.
	Tracer trace.Tracer
	// Timelines keeps what is known of requests that were cold, slow, failed or sampled; nil keeps nothing.
	Timelines Timelines
	// Slow is the time from which on a request counts as slow; 0 means DefaultSlow.
	Slow time.Duration
	// Depth is the number of requests of one function that may wait.
	Depth int
	// Hold bounds a wait until the autoscaler says the function's own bound.
	Hold time.Duration
	// ReplayLimit is the number of bytes of a body that are kept to be sent to another pod; 0 means
	// wire.DefaultReplayLimit.
	ReplayLimit int64
	// Shards is the number of autoscalers that share the functions between them, see package shard; 0 means 1.
	Shards int
	// Target makes the target of a pod's address; nil means proxy.NewTarget.
	Target func(address string) *proxy.Target
}

// Activator is a proxy.Handler that holds and forwards. It is safe for concurrent use.
type Activator struct {
	config  Config
	metrics *metrics
	links   []*link // by shard
	waiters sync.Pool
	watcher *proxy.Watcher
	// drop names the headers that requests do not carry on.
	drop    []string
	leaving atomic.Bool
	// uncounted says that a queue may have counted what the autoscaler was not told.
	uncounted atomic.Bool

	mu     sync.RWMutex // guards what follows
	queues map[string]*queue
}

// New returns an activator that knows no pods.
func New(config Config) *Activator {
	if config.Depth <= 0 {
		config.Depth = DefaultDepth
	}
	if config.Hold <= 0 {
		config.Hold = DefaultHold
	}
	if config.Slow <= 0 {
		config.Slow = DefaultSlow
	}
	if config.ReplayLimit <= 0 {
		config.ReplayLimit = wire.DefaultReplayLimit
	}
	watcher := &proxy.Watcher{}
	if config.Target == nil {
		config.Target = func(address string) *proxy.Target {
			return proxy.NewTarget(proxy.TargetConfig{Address: address, Dial: proxy.Dial, Watcher: watcher, Patience: reuse})
		}
	}
	a := &Activator{config: config, watcher: watcher, drop: []string{wire.HeaderWait}, queues: map[string]*queue{}}
	for range max(config.Shards, 1) {
		a.links = append(a.links, newLink(config.Log))
	}
	a.waiters.New = func() any { return newWaiter(a.drop, config.ReplayLimit) }
	a.metrics = newMetrics(config.Registerer, a)
	return a
}

// Run keeps the streams to the autoscalers open until ctx ends. There is one for each shard, in their order.
func (a *Activator) Run(ctx context.Context, autoscalers ...*grpc.ClientConn) error {
	defer a.watcher.Close()
	if len(autoscalers) != len(a.links) {
		return fmt.Errorf("%d shards need as many autoscalers, not %d", len(a.links), len(autoscalers))
	}
	g, ctx := errgroup.WithContext(ctx)
	for i, l := range a.links {
		g.Go(func() error { return l.run(ctx, autoscalers[i], a) })
	}
	g.Go(func() error { return a.sweep(ctx) })
	g.Go(func() error { return a.count(ctx) })
	return g.Wait()
}

// link returns the stream to the autoscaler that serves a function.
func (a *Activator) link(uid string) *link { return a.links[shard.Of(uid, len(a.links))] }

// connected says that every autoscaler hears what is said.
func (a *Activator) connected() bool {
	return !slices.ContainsFunc(a.links, func(l *link) bool { return !l.connected() })
}

// Leave makes Ready fail: requests are to go elsewhere, those that are here are served.
func (a *Activator) Leave() { a.leaving.Store(true) }

// Ready returns why requests should go elsewhere, nil when they need not. An activator without its autoscaler is
// ready: requests wait for it better than nowhere.
func (a *Activator) Ready() error {
	if a.leaving.Load() {
		return errors.New("the activator is leaving")
	}
	return nil
}

// enter begins a request of a function. id may point into buffers that are used again.
func (a *Activator) enter(id wire.FunctionID, w *waiter) *queue {
	now := time.Now()
	for {
		a.mu.RLock()
		q := a.queues[id.UID]
		a.mu.RUnlock()
		if q == nil {
			q = a.add(id)
		}
		if q.enter(w, now) {
			return q
		}
	}
}

func (a *Activator) add(id wire.FunctionID) *queue {
	id = wire.FunctionID{Namespace: strings.Clone(id.Namespace), Name: strings.Clone(id.Name), UID: strings.Clone(id.UID)}
	a.mu.Lock()
	defer a.mu.Unlock()
	q, ok := a.queues[id.UID]
	if !ok || q.isDropped() {
		q = newQueue(id, a.config.Depth, a.config.Hold, a.link(id.UID))
		a.queues[id.UID] = q
	}
	return q
}

// all returns every queue.
func (a *Activator) all() []*queue {
	a.mu.RLock()
	defer a.mu.RUnlock()
	all := make([]*queue, 0, len(a.queues))
	for _, q := range a.queues {
		all = append(all, q)
	}
	return all
}

// waiting returns the number of requests that no pod has.
func (a *Activator) waiting() int {
	n := 0
	for _, q := range a.all() {
		n += q.waiting()
	}
	return n
}

// placed takes what the autoscaler says of one function.
func (a *Activator) placed(p wire.Placement) {
	a.metrics.placements.Inc()
	a.mu.RLock()
	q := a.queues[p.Function.UID]
	a.mu.RUnlock()
	if q != nil {
		q.place(p, a.config.Target, time.Now())
	}
}

// sweep keeps the autoscalers' interest in queues in use, and drops the others while theirs is connected: without it, old
// pods are better than none.
func (a *Activator) sweep(ctx context.Context) error {
	t := time.NewTicker(sweepEvery)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case now := <-t.C:
			a.sweepOnce(now)
		}
	}
}

func (a *Activator) sweepOnce(now time.Time) {
	for _, q := range a.all() {
		if !q.link.connected() {
			continue
		}
		if q.usedSince(now.Add(-sweepEvery)) {
			q.repeat(false)
			continue
		}
		if q.drop(now.Add(-unused)) {
			a.mu.Lock()
			if a.queues[q.id.UID] == q {
				delete(a.queues, q.id.UID)
			}
			a.mu.Unlock()
		}
	}
}
