package pool

import (
	"context"
	"fmt"
	"sync"
	"time"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/feed"
	"hotpod.dev/wire"
)

// apiCalls bounds the calls to the API server, and greetings the calls to pods that start, at a time.
const (
	apiCalls  = 32
	greetings = 64
)

// Pool holds the warm pods of every environment. Make it with New; all methods are safe for concurrent use.
type Pool struct {
	cfg     Config
	deps    Deps
	metrics *metrics
	// status is what is published of each environment, begun the beginning of Supply's clock.
	status *feed.Topic[wire.PoolStatus]
	begun  time.Time
	// wake has a value when there is something for Run to do.
	wake chan struct{}
	// api and greet have a value for each call that goes on.
	api, greet chan struct{}
	// synced is closed by Synced.
	synced chan struct{}

	// mu guards all below, and what environments and members hold.
	mu           sync.Mutex
	arrived      chan struct{}           // closed, and another made, when an environment becomes known
	syncedAt     time.Time               // when synced was closed
	environments map[string]*environment // by "namespace/name"; without object while only pods of it are known
	members      map[string]*member      // by pod UID
	functions    map[string]function     // by UID
	failures     map[string]*remembered  // by function UID
	inputs       map[string]*inputs      // by the UID of functions that name Secrets or ConfigMaps
	dirty        map[*environment]struct{}
	jobs         []func(context.Context)
	events       []func(Observer)
	eventful     chan struct{} // has a value when there are events
}

// function is what the pool keeps of a function.
type function struct {
	id         wire.FunctionID
	generation int64
	runTimeout time.Duration
	assignment *wire.Assignment
}

func known(f *v1.Function) function {
	return function{id: functionID(f), generation: f.Generation, runTimeout: f.RunTimeout(), assignment: assignment(f)}
}

// New returns a pool that does nothing before Run.
func New(cfg Config, deps Deps) (*Pool, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("check pool configuration: %w", err)
	}
	cfg.fill()
	p := &Pool{
		cfg: cfg, deps: deps, status: feed.NewTopic[wire.PoolStatus](), begun: time.Now(), arrived: make(chan struct{}),
		wake: make(chan struct{}, 1), eventful: make(chan struct{}, 1), synced: make(chan struct{}),
		api: make(chan struct{}, apiCalls), greet: make(chan struct{}, greetings),
		environments: map[string]*environment{}, members: map[string]*member{}, functions: map[string]function{},
		failures: map[string]*remembered{}, inputs: map[string]*inputs{}, dirty: map[*environment]struct{}{},
	}
	m, err := newMetrics(deps.Registerer, p)
	if err != nil {
		return nil, fmt.Errorf("register pool metrics: %w", err)
	}
	p.metrics = m
	return p, nil
}

// Run does what has to be done outside of memory, until ctx ends. It returns when all it started has ended.
func (p *Pool) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() { p.dispatch(ctx) })
	for {
		for _, job := range p.work() {
			wg.Go(func() { job(ctx) })
		}
		select {
		case <-p.wake:
		case <-ctx.Done():
			return nil
		}
	}
}

// work plans for every environment that changed and returns the jobs that are due.
func (p *Pool) work() []func(context.Context) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.isSynced() {
		dirty := p.dirty
		p.dirty = map[*environment]struct{}{}
		for e := range dirty {
			p.replan(e)
		}
	}
	jobs := p.jobs
	p.jobs = nil
	return jobs
}

// dispatch tells the observer what happened, in order.
func (p *Pool) dispatch(ctx context.Context) {
	for {
		p.mu.Lock()
		events := p.events
		p.events = nil
		p.mu.Unlock()
		for _, tell := range events {
			tell(p.deps.Observer)
		}
		select {
		case <-p.eventful:
		case <-ctx.Done():
			return
		}
	}
}

// Synced says that every environment, function and pod that exists was set. Nothing is created or deleted, and
// no claim is served, before.
func (p *Pool) Synced() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.isSynced() {
		return
	}
	close(p.synced)
	p.syncedAt = time.Now()
	time.AfterFunc(patience, p.touchAll)
	for _, e := range p.environments {
		p.touch(e)
		p.retireStrangers(e)
	}
}

func (p *Pool) isSynced() bool {
	select {
	case <-p.synced:
		return true
	default:
		return false
	}
}

// SetFunction makes a function known, or its new generation. One of another shard is ignored.
func (p *Pool) SetFunction(f *v1.Function) {
	if !p.cfg.Shard.Has(string(f.UID)) {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.functions[string(f.UID)] = known(f)
	p.setInputs(f)
}

// DeleteFunction drains all pods of a function.
func (p *Pool) DeleteFunction(id wire.FunctionID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f := p.functions[id.UID]
	delete(p.functions, id.UID)
	delete(p.failures, id.UID)
	delete(p.inputs, id.UID)
	for _, m := range p.members {
		if m.state == Hot && m.held.Function.UID == id.UID {
			p.drain(m, f.runTimeout, "function was deleted")
		}
	}
}

// The rest of this file is called with mu held.

// enqueue hands a job to Run.
func (p *Pool) enqueue(job func(context.Context)) {
	p.jobs = append(p.jobs, job)
	signal(p.wake)
}

// tell hands an event to the observer.
func (p *Pool) tell(event func(Observer)) {
	p.events = append(p.events, event)
	signal(p.eventful)
}

// touch makes Run plan for e.
func (p *Pool) touch(e *environment) {
	p.dirty[e] = struct{}{}
	signal(p.wake)
}

// touchAt makes Run plan for e at a time, or before it: who planned then asks again.
func (p *Pool) touchAt(e *environment, at time.Time) {
	if !e.alarm.IsZero() && !at.Before(e.alarm) {
		return
	}
	e.alarm = at
	p.enqueue(func(ctx context.Context) {
		if !sleep(ctx, time.Until(at)) {
			return
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		if e.alarm.Equal(at) {
			e.alarm = time.Time{}
		}
		p.touch(e)
	})
}

// announce wakes those who wait for an environment to become known.
func (p *Pool) announce() {
	close(p.arrived)
	p.arrived = make(chan struct{})
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// sleep reports whether d passed before ctx ended.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

func functionID(f *v1.Function) wire.FunctionID {
	return wire.FunctionID{Namespace: f.Namespace, Name: f.Name, UID: string(f.UID)}
}
