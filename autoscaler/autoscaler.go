package autoscaler

import (
	"context"
	"log/slog"
	"maps"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/autoscaler/law"
	"hotpod.dev/feed"
	"hotpod.dev/shard"
	"hotpod.dev/wire"
)

// Pool carries decisions out. Its methods are called from many goroutines.
type Pool interface {
	// Claim makes a pod hot for f and returns it, or a *wire.Failure when the cause is known. It blocks until then,
	// or until ctx ends.
	Claim(ctx context.Context, f *v1.Function) (wire.HotPod, error)
	// Drain lets the pod finish what it has, for at most deadline, and removes it. Draining twice does no harm.
	Drain(ctx context.Context, podUID string, deadline time.Duration) error
}

// Reports reads what pods say of their load.
type Reports interface {
	// Watch calls each for every report of the pod until the stream breaks or ctx ends, and returns why.
	Watch(ctx context.Context, pod wire.HotPod, each func(wire.Report)) error
}

// Config is what an Autoscaler needs. Reports, Log and Registerer are required.
type Config struct {
	Reports    Reports
	Log        *slog.Logger
	Registerer prometheus.Registerer
	// Sure says whether this autoscaler is the only one: while it is not, no pod is drained. nil means that it is.
	Sure func() bool
	// MaxStarting bounds the claims in flight of one function; 0 means 100.
	MaxStarting int
	// Shard is the part of the functions that this autoscaler serves; those of others are not known to it. The zero value
	// has all.
	Shard shard.Shard
	// FissionNames exports the functions' figures under Fission's names too.
	FissionNames bool
	// Timelines keeps what pods tell of single requests; nil keeps nothing.
	Timelines Timelines
	// Defaults are the platform's settings until SetDefaults; nil means the built-in ones.
	Defaults *law.Defaults
}

// defaultMaxStarting lets one function use a big pool at once and leaves room in the queue for others.
const defaultMaxStarting = 100

// Autoscaler keeps every function at the number of pods that Decide wants. It is safe for concurrent use; nothing is
// claimed or drained before Run and Synced.
type Autoscaler struct {
	config  Config
	metrics *metrics
	status  *feed.Topic[wire.FunctionStatus]

	mu        sync.Mutex // guards all below, and every function
	defaults  law.Defaults
	placement uint64                  // the number of the last placement
	functions map[string]*function    // by UID
	names     map[string]string       // UID by "namespace/name"
	active    map[string]*function    // those with a live part
	owners    map[string]*function    // by pod UID
	gone      map[string]time.Time    // pods that went before their claim returned
	pools     map[string]*environment // by Function.PoolKey
	pool      Pool                    // nil before Run
	synced    time.Time               // zero before Synced
	// spawn runs a call in a goroutine until it returns, Run's context ends or the result is called; nil but
	// during Run.
	spawn func(call func(context.Context)) context.CancelFunc
}

// environment is what the pool says of one environment's pool.
type environment struct {
	warm     int
	starting int
	failure  *wire.Failure
}

// New returns an autoscaler that knows no functions.
func New(config Config) *Autoscaler {
	if config.MaxStarting <= 0 {
		config.MaxStarting = defaultMaxStarting
	}
	a := &Autoscaler{
		config:    config,
		status:    feed.NewTopic[wire.FunctionStatus](),
		functions: map[string]*function{},
		names:     map[string]string{},
		active:    map[string]*function{},
		owners:    map[string]*function{},
		gone:      map[string]time.Time{},
		pools:     map[string]*environment{},
		defaults:  law.BuiltIn(),
		// Numbers of an earlier autoscaler are smaller: what activators say with them counts without our placements.
		placement: uint64(time.Now().UnixMicro()),
	}
	if config.Defaults != nil {
		a.defaults = *config.Defaults
	}
	a.metrics = newMetrics(config.Registerer, a)
	return a
}

// Register serves the activators' demand and the functions' status.
func (a *Autoscaler) Register(r grpc.ServiceRegistrar) {
	feed.RegisterDemand(r, func(s feed.DemandServer) error { return a.serveDemand(s) })
	feed.RegisterFunctionStatus(r, a.status)
}

// Synced says that every function was given to SetFunction once. Before, pods of unknown functions are kept and
// nothing is started.
func (a *Autoscaler) Synced() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.synced.IsZero() {
		return
	}
	a.synced = time.Now()
	for _, f := range a.active { // what was found is as good as just used
		f.live.active = a.synced
		f.live.state = law.Resumed(len(f.live.pods), a.synced)
		a.look(f, a.synced, false)
	}
}

// SetFunction tells of a new or changed function. f must not change afterwards. One of another shard is ignored.
func (a *Autoscaler) SetFunction(f *v1.Function) {
	if !a.config.Shard.Has(string(f.UID)) {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	id := wire.FunctionID{Namespace: f.Namespace, Name: f.Name, UID: string(f.UID)}
	name := id.Namespace + "/" + id.Name
	if uid, ok := a.names[name]; ok && uid != id.UID {
		a.forget(uid) // deleted and made again, and only the second was told
	}
	a.names[name] = id.UID
	r := a.record(id)
	before := r.object
	changed := before == nil || before.Generation != f.Generation
	same := !changed && maps.Equal(before.Annotations, f.Annotations)
	r.object = f
	if before == nil && f.Status.Scale != nil {
		r.begun = f.Status.Scale.Begun
	}
	if same {
		return // only its status changed
	}
	if changed && r.live != nil {
		r.live.failing = failing{}
		r.cancelOldClaims()
	}
	a.settle(r, time.Now())
}

// DeleteFunction drains all pods of a function and answers what waits for it.
func (a *Autoscaler) DeleteFunction(id wire.FunctionID) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if name := id.Namespace + "/" + id.Name; a.names[name] == id.UID {
		delete(a.names, name)
	}
	a.forget(id.UID)
}

// PodHot tells of a pod that holds a function, after a claim or because it was found at the start.
func (a *Autoscaler) PodHot(held wire.Held, hot wire.HotPod) {
	a.mu.Lock()
	defer a.mu.Unlock()
	f := a.record(held.Function)
	a.activate(f)
	now := time.Now()
	a.addPod(f, held.Generation, hot, len(f.live.claims) == 0 && a.starting(now))
	a.look(f, now, false)
}

// PodGone tells that a pod takes nothing new: it drains, was deleted, or died.
func (a *Autoscaler) PodGone(podUID string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := time.Now()
	f, ok := a.owners[podUID]
	if !ok {
		a.gone[podUID] = now
		return
	}
	if p := f.live.pods[podUID]; p != nil {
		a.leave(f, p, now)
	}
	a.look(f, now, false)
}

// PodReady tells that a hot pod's own probes fail, or succeed again. While they fail it gets no new requests; it counts
// as a pod of its function all the same.
func (a *Autoscaler) PodReady(podUID string, ready bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	f, ok := a.owners[podUID]
	if !ok {
		return
	}
	if p := f.live.pods[podUID]; p != nil {
		p.unready = !ready
	}
	a.look(f, time.Now(), false)
}

// PodsOutdated tells of a function's hot pods that are to be replaced, since their environment has changed.
func (a *Autoscaler) PodsOutdated(podUIDs []string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	var f *function
	for _, uid := range podUIDs {
		owner, ok := a.owners[uid]
		if !ok {
			continue
		}
		if p := owner.live.pods[uid]; p != nil {
			f, p.outdated = owner, true
		}
	}
	if f != nil {
		a.look(f, time.Now(), false)
	}
}

// PoolChanged tells how many pods of a pool (Function.PoolKey) are warm and starting, and why there may be none.
// Functions that wait for the pool are looked at again.
func (a *Autoscaler) PoolChanged(name string, warm, starting int, failure *wire.Failure) {
	a.mu.Lock()
	defer a.mu.Unlock()
	before := a.pools[name]
	a.pools[name] = &environment{warm: warm, starting: starting, failure: failure}
	recovered := before != nil && before.failure != nil && failure == nil
	if before != nil && !recovered && (failure == nil || before.failure != nil) {
		return // counts only: they are published with the next look
	}
	now := time.Now()
	for _, f := range a.active {
		if f.object == nil || f.object.PoolKey() != name {
			continue
		}
		if failure == nil {
			f.live.failing.retry = time.Time{}
		}
		a.look(f, now, false)
	}
	if of, own := strings.CutPrefix(name, v1.OwnPoolPrefix); own {
		if f := a.functions[a.names[of]]; f != nil && f.live == nil {
			a.publish(f, now)
		}
	}
}

// record returns the record of a function, made when it is missing.
func (a *Autoscaler) record(id wire.FunctionID) *function {
	f, ok := a.functions[id.UID]
	if !ok {
		f = &function{id: id}
		a.functions[id.UID] = f
	}
	return f
}

// activate gives the function its live part.
func (a *Autoscaler) activate(f *function) {
	if f.live != nil {
		return
	}
	f.live = &live{
		pods: map[string]*pod{}, claims: map[*claim]struct{}{}, demand: map[*stream]*demand{}, active: time.Now(),
	}
	a.active[f.id.UID] = f
}

// retire drops the live part of a function where nothing goes on.
func (a *Autoscaler) retire(f *function) {
	if f.live.recheck != nil {
		f.live.recheck.Stop()
	}
	f.live = nil
	delete(a.active, f.id.UID)
	if f.object == nil {
		delete(a.functions, f.id.UID)
	}
}

// forget removes a function: its claims end, its pods drain, its waiting requests are answered.
func (a *Autoscaler) forget(uid string) {
	f, ok := a.functions[uid]
	if !ok {
		return
	}
	delete(a.functions, uid)
	delete(a.active, uid)
	a.status.Remove(uid, wire.FunctionStatus{Function: f.id, Gone: true})
	if f.live == nil {
		return
	}
	for c := range f.live.claims {
		c.cancel()
	}
	for _, p := range f.live.pods {
		a.drain(f, p)
		a.remove(f, p)
	}
	for s := range f.live.demand {
		s.put(wire.Placement{Function: f.id, Failure: unknownFunction(f.id)})
	}
	if f.live.recheck != nil {
		f.live.recheck.Stop()
	}
	f.live = nil
}
