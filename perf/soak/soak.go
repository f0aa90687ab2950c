package soak

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"hotpod.dev/kube"
	"hotpod.dev/perf/probe"
)

// ErrFailed says that requests failed without an explanation.
var ErrFailed = errors.New("requests failed")

// Run soaks a platform and writes the report. It returns ErrFailed when a failure has no explanation.
func Run(ctx context.Context, c Config) (r Report, err error) {
	if err := c.Validate(); err != nil {
		return r, err
	}
	if c.Seed == 0 {
		c.Seed = uint64(time.Now().UnixNano())
	}
	fmt.Fprintf(c.Out, "soak for %s with --seed %d\n", c.For, c.Seed)
	if c.Cluster != nil {
		return runOnCluster(ctx, c)
	}
	p, err := open(ctx, c)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, p.close(ctx, errors.Is(err, ErrFailed))) }()
	b := newBook()
	ledger, err := probe.ListenLedger(ctx, "127.0.0.1", b.tell)
	if err != nil {
		return r, err
	}
	defer ledger.Close()
	routers, err := p.routers()
	if err != nil {
		return r, err
	}
	s, err := newSoak(p.kubeconfig(), routers, b, c, ledger.Address())
	if err != nil {
		return r, err
	}
	s.updated = time.Second
	s.disturb = func(ctx context.Context) { s.disturbPlatform(ctx, p) }
	defer func() { err = errors.Join(err, s.world.remove(ctx)) }()
	return s.judged(ctx, b)
}

// judged runs the soak and reports what came of it.
func (s *soak) judged(ctx context.Context, b *book) (Report, error) {
	if err := s.run(ctx); err != nil {
		return Report{}, err
	}
	r := b.report(s.config.Seed, time.Since(s.began))
	r.Write(s.config.Out)
	var errs []error
	if r.Unexplained > 0 {
		errs = append(errs, fmt.Errorf("%w: %d without an explanation", ErrFailed, r.Unexplained))
	}
	if c := s.config.Cluster; c != nil {
		for _, e := range c.Events {
			if r.Troubled[e.Name] > 0 {
				errs = append(errs, fmt.Errorf("%w: %s", ErrEvent, e.Name))
			}
		}
	}
	return r, errors.Join(errs...)
}

// soak is one run.
type soak struct {
	config Config
	world  *world
	load   *load
	// updated is the time between two updates of one function's code.
	updated time.Duration
	// disturb is what happens meanwhile. The load ends when it returns.
	disturb func(ctx context.Context)
	began   time.Time
}

func newSoak(kubeconfig string, routers []string, b *book, c Config, ledger string) (*soak, error) {
	config, _, err := kube.Load(kube.LoadOptions{Kubeconfig: kubeconfig, UserAgent: "hotpod-soak"})
	if err != nil {
		return nil, err
	}
	clients, err := kube.NewClients(config)
	if err != nil {
		return nil, err
	}
	w := &world{clients: clients, book: b, ledger: ledger, peak: c.Peak}
	return &soak{config: c, world: w, load: &load{book: b, balancer: newBalancer(routers), seed: c.Seed}}, nil
}

// disturbPlatform disturbs an embedded platform until ctx ends: its functions and its parts at the same time.
func (s *soak) disturbPlatform(ctx context.Context, p *platform) {
	disturb := func(stream byte) *disturber {
		seed := [32]byte{31: stream}
		binary.LittleEndian.PutUint64(seed[:], s.config.Seed)
		random := rand.New(rand.NewChaCha8(seed)) //nolint:gosec // an order that can be repeated
		return &disturber{platform: p, world: s.world, book: s.load.book, balancer: s.load.balancer, random: random}
	}
	ctx, cancel := context.WithTimeout(ctx, s.config.For)
	defer cancel()
	functions, parts := disturb(1), disturb(2)
	var both sync.WaitGroup
	both.Go(func() { functions.run(ctx, functions.ofFunctions(), s.config, s.log) })
	both.Go(func() { parts.run(ctx, parts.ofParts(), s.config, s.log) })
	both.Wait()
}

// run makes the world, and lets load and disturbances go on until the time is over and everything is answered.
func (s *soak) run(ctx context.Context) error {
	if err := s.world.make(ctx); err != nil {
		return err
	}
	if err := s.everywhere(ctx); err != nil {
		return err
	}
	s.began = time.Now()
	loading, over := context.WithCancel(ctx)
	defer over()
	s.load.start(loading)
	var others sync.WaitGroup
	others.Go(func() { s.world.waves(loading, s.load) })
	others.Go(func() { s.updates(loading) })
	others.Go(func() {
		defer over()
		s.disturb(loading)
	})
	s.load.clients.Wait()
	others.Wait()
	return ctx.Err()
}

func (s *soak) log(e *event) {
	log := s.config.Log.With("event", e.name, "took", e.to.Sub(e.from).Round(time.Millisecond))
	if e.err != nil {
		log.Warn("disturbed, with trouble", "error", e.err)
		return
	}
	log.Info("disturbed")
}

// everywhere waits until every Envoy serves every function.
func (s *soak) everywhere(ctx context.Context) error {
	for _, r := range s.load.balancer.routers {
		for name := range s.world.functions() {
			if err := alive(ctx, "http://"+r.address+"/"+name); err != nil {
				return err
			}
		}
	}
	return nil
}

// updates gives one function new code again and again.
func (s *soak) updates(ctx context.Context) {
	tick := time.NewTicker(s.updated)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		e := s.load.book.happens("code updated")
		s.load.book.happened(e, s.world.update(bounded, changing))
		if e.err != nil {
			s.log(e)
		}
		cancel()
	}
}
