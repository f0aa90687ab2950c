package queueproxy

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"hotpod.dev/proxy"
	"hotpod.dev/sign"
	"hotpod.dev/wire"
)

const (
	// lastCall is how long nobody must have asked for anything before the pod ends: Envoy needs some time to hear of
	// the drain. A pod that was drained before does not wait.
	lastCall = 200 * time.Millisecond
	// farewell is Config.Farewell by default: longer than Envoys keep an idle connection.
	farewell = 35 * time.Second
	// clientIdle is Config.Idle by default.
	clientIdle = time.Minute
)

// Config says how a queue-proxy works.
type Config struct {
	// RequestAddress and ControlAddress are listened on, "ip:port".
	RequestAddress, ControlAddress string
	// RuntimeAddress is the runtime's "ip:port".
	RuntimeAddress string
	// PodUID and ControlKey verify control calls.
	PodUID, ControlKey string
	// ReplayLimit is the largest body in bytes that clients can replay elsewhere.
	ReplayLimit int64
	// MaxWaiting bounds the queue.
	MaxWaiting int
	// Grace bounds the drain at the end.
	Grace time.Duration
	// Idle closes connections of clients without a request for so long, 0 means 60 s: the Envoys close them earlier.
	// RuntimeIdle does so with those to the runtime, 0 means 4 s: runtimes close them later (node after 5 s).
	Idle, RuntimeIdle time.Duration
	// Overrun is how long a function that exceeded its time keeps its slot, unless it is done before; 0 means 10 s. After
	// that it may meet another request inside.
	Overrun time.Duration
	// Slow is the time from which on a request is told of as slow; 0 means DefaultSlow.
	Slow time.Duration
	// Farewell bounds the wait, after the drain, for clients to close their idle connections, on which they may be writing a
	// request until then. Envoys do so as soon as they have heard that the pod goes; 0 means 35 s.
	Farewell time.Duration
	// HookWait bounds the wait, after the drain, for the runtime's preStop hook: it begins when the pod's end does,
	// and one that finds nobody is a failure that the pod's owner sees. 0 waits for none.
	HookWait time.Duration
}

// Validate returns all that is wrong with the configuration.
func (c Config) Validate() error {
	var faults []error
	for name, value := range map[string]string{"request": c.RequestAddress, "control": c.ControlAddress, "runtime": c.RuntimeAddress} {
		if _, _, err := net.SplitHostPort(value); err != nil {
			faults = append(faults, fmt.Errorf("read %s address: %w", name, err))
		}
	}
	if _, err := sign.NewVerifier(c.PodUID, c.ControlKey); err != nil {
		faults = append(faults, err)
	}
	if c.ReplayLimit < 0 || c.MaxWaiting < 0 || c.Grace < 0 || c.Farewell < 0 || c.HookWait < 0 || c.Slow < 0 {
		faults = append(faults, errors.New("replay limit, queue length, grace, farewell, what is slow and the wait for the hook must not be negative"))
	}
	return errors.Join(faults...)
}

// Proxy is a queue-proxy.
type Proxy struct {
	cfg      Config
	log      *slog.Logger
	verifier *sign.Verifier
	gate     *gate
	runtime  *proxy.Target
	watcher  *proxy.Watcher
	server   *proxy.Server
	tracer   *Tracer
	params   proxy.Params
	calls    calls
	waiters  waiters
	runs     runs
	assigned atomic.Pointer[assigned]
	// broken is set for good when the runtime does not listen any more, or came back without its code; lost is closed then.
	broken     atomic.Bool
	lost       chan struct{}
	suspecting atomic.Bool // suspect is looking
	// hooked is closed when the runtime's preStop hook was told that the pod is drained.
	hooked   chan struct{}
	hookOnce sync.Once
	// assigning serializes assignments.
	assigning sync.Mutex
	started   time.Time
}

// New returns a queue-proxy that holds no function yet. A nil tracer makes no spans.
func New(cfg Config, log *slog.Logger, tracer *Tracer) (*Proxy, error) {
	verifier, err := sign.NewVerifier(cfg.PodUID, cfg.ControlKey)
	if err != nil {
		return nil, err
	}
	q := &Proxy{
		cfg: cfg, log: log, verifier: verifier, tracer: tracer, watcher: &proxy.Watcher{},
		calls: calls{slow: cmp.Or(cfg.Slow, DefaultSlow)},
		lost:  make(chan struct{}), hooked: make(chan struct{}), started: time.Now(),
	}
	q.gate = newGate(q.started)
	q.runtime = proxy.NewTarget(proxy.TargetConfig{Address: cfg.RuntimeAddress, IdleTimeout: cfg.RuntimeIdle, Watcher: q.watcher, Lost: q.suspect})
	q.server = &proxy.Server{Handler: q, Log: log, IdleTimeout: cmp.Or(cfg.Idle, clientIdle), Watcher: q.watcher}
	return q, nil
}

// Run listens and serves until ctx ends; then it drains, for Config.Grace at most, and returns when the last
// request has. A listener that breaks is an error.
func (q *Proxy) Run(ctx context.Context) error {
	requests, err := proxy.Listen(ctx, q.cfg.RequestAddress)
	if err != nil {
		return err
	}
	control, err := listen(ctx, q.cfg.ControlAddress)
	if err != nil {
		_ = requests.Close()
		return err
	}
	return q.RunOn(ctx, requests, control)
}

func listen(ctx context.Context, address string) (net.Listener, error) {
	lis, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	return lis, nil
}

// RunOn is Run on listeners that are open already; it closes them.
func (q *Proxy) RunOn(ctx context.Context, requests, control net.Listener) error {
	defer q.watcher.Close()
	defer q.runtime.Close()
	serving, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	broken := make(chan error, 2)
	go func() { broken <- q.server.Serve(serving, requests) }()
	srv := &http.Server{
		Handler: q.Control(), ReadHeaderTimeout: 10 * time.Second,
		BaseContext: func(net.Listener) context.Context { return serving },
	}
	go func() { broken <- srv.Serve(control) }()
	select {
	case err := <-broken:
		_ = srv.Close()
		return fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
	}
	q.finish() //nolint:contextcheck // the drain goes on when ctx has ended
	q.awaitHook()
	stop() // ends the streams of reports, too
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	if srv.Shutdown(closing) != nil {
		_ = srv.Close()
	}
	for range 2 {
		if err := <-broken; err != nil && !errors.Is(err, http.ErrServerClosed) {
			return fmt.Errorf("serve: %w", err)
		}
	}
	return nil
}

// finish drains, within the grace.
func (q *Proxy) finish() {
	q.log.Info("draining", "in_flight", q.gate.present())
	begin := time.Now()
	select {
	case <-q.gate.drain():
	case <-time.After(q.cfg.Grace):
	}
	// Who still sends is shown the way out: a connection that closed under a request would lose it.
	q.server.Retire()
	drained := time.Now()
	for time.Since(begin) < q.cfg.Grace {
		idle := q.server.Active() == 0 && q.gate.present() == 0
		left := q.server.Connections() == 0 && q.gate.quiet() > lastCall
		if idle && (left || time.Since(drained) > cmp.Or(q.cfg.Farewell, farewell)) {
			break
		}
		time.Sleep(time.Millisecond)
	}
	// Connections that have come are served.
	q.server.Unlisten()
	for end := time.Now().Add(lastCall); q.server.Connections() > 0 && time.Now().Before(end); {
		time.Sleep(time.Millisecond)
	}
	q.log.Info("drained", "in_flight", q.gate.present(), "took", time.Since(begin))
}

// awaitHook returns when the runtime's preStop hook has its answer, or none seems to come.
func (q *Proxy) awaitHook() {
	select {
	case <-q.hooked:
	case <-time.After(q.cfg.HookWait):
	}
}

// assign makes the pod hold a function, or replaces its bounds. It returns what is held when that is another.
func (q *Proxy) assign(a wire.Assignment) (held *wire.Held, ok bool) {
	next := newAssigned(a)
	q.assigning.Lock()
	defer q.assigning.Unlock()
	old := q.assigned.Load()
	if old != nil && old.Held != a.Held {
		return &old.Held, false
	}
	// The bounds first: a request that finds the function must find its limit too.
	q.gate.setBounds(Bounds{Limit: a.Limit, Once: a.Once, MaxWaiting: q.cfg.MaxWaiting})
	q.assigned.Store(next)
	if old == nil {
		q.log.Info("assigned", "function", a.Function.String(), "generation", a.Generation, "limit", a.Limit)
	}
	return nil, true
}
