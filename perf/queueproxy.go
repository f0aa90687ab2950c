package perf

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"path/filepath"
	"strconv"
	"time"
)

// ContestOptions say how thoroughly the contests (queueproxy, activator, chain) are held.
type ContestOptions struct {
	// Duration of each load, Repeats of the whole, and Starts whose time until ready is measured.
	Duration        time.Duration
	Repeats, Starts int
	// Held is how many requests an activator holds for its first pod; 0 means 1,000.
	Held int
	// Only leaves out the contestants that have to be built from other people's modules.
	Only bool
}

func (c *Config) contestFlags(fs *flag.FlagSet) {
	c.durationFlag(fs, &c.Contest.Duration, "load", 400*time.Millisecond, time.Minute, "queueproxy, activator, chain: length of each load")
	c.countFlag(fs, &c.Contest.Repeats, "rounds-each", 3, "queueproxy, activator, chain: how often each contestant has its turn")
	c.countFlag(fs, &c.Contest.Starts, "starts-each", 11, "queueproxy: starts until ready")
	fs.BoolVar(&c.Contest.Only, "ours-only", false, "queueproxy, activator, chain: without those of perf/peers")
}

// held is Held or its default.
func (o ContestOptions) held() int {
	if o.Held > 0 {
		return o.Held
	}
	return heldRequests
}

// Names of contestants; goals.yaml has them too.
const (
	nameOurs     = "hotpod"
	nameKnative  = "Knative"
	nameReverse  = "httputil.ReverseProxy"
	nameFasthttp = "bare fasthttp"
	nameDirect   = "direct"
)

// Addresses of the contests. Only Knative's insists on all of them, the rest could be anywhere.
const (
	backendAddress = "127.0.0.1:18080"
	proxyAddress   = "127.0.0.1:8012"
	oursIP         = "127.0.0.1"
)

// QueueProxy compares queue-proxies, and the least that a proxy can be, before one trivial backend.
func QueueProxy(ctx context.Context, c Config, r *Results, log *slog.Logger) error {
	q := &queueProxies{config: c, backend: backendAddress, ip: oursIP}
	if !c.Contest.Only {
		var err error
		if q.peers, err = findPeers(ctx, c, log); err != nil {
			return err
		}
	}
	stop, err := runBackend(ctx, c.Self, q.backend)
	if err != nil {
		return err
	}
	defer stop()
	return q.contest(ctx, r, log)
}

// queueProxies starts the contestants.
type queueProxies struct {
	config      Config
	peers       peers
	backend, ip string
}

func (q *queueProxies) contest(ctx context.Context, r *Results, log *slog.Logger) error {
	held := contest{
		scenario: "queueproxy", entrants: q.entrants(), courses: proxyCourses(),
		repeats: q.config.Contest.Repeats, duration: q.config.Contest.Duration, log: log,
	}
	if err := held.run(ctx, r); err != nil {
		return err
	}
	return q.starts(ctx, held.entrants, r)
}

// proxyCourses are requests without a body, which cost a proxy's own work and little else, and such with bodies both ways.
func proxyCourses() []course {
	return []course{
		{connections: 16},
		{connections: 64},
		{connections: 1, body: 1000},
		{connections: 16, body: 1000},
		{connections: 64, body: 1000},
		{connections: 1, body: 100_000},
		{connections: 16, body: 100_000},
		{connections: 64, body: 100_000},
	}
}

func (q *queueProxies) entrants() []entrant {
	all := []entrant{
		{name: nameDirect, parameters: limited(-1), enter: q.direct},
		{name: nameOurs, parameters: limited(0), enter: q.ours(0)},
		{name: nameOurs, parameters: limited(10), enter: q.ours(10)},
		{name: nameKnative, parameters: limited(0), enter: q.knative(0)},
		{name: nameKnative, parameters: limited(10), enter: q.knative(10)},
		{name: nameReverse, parameters: limited(-1), enter: q.bare(reverseProxy)},
		{name: nameFasthttp, parameters: limited(-1), enter: q.bare(fasthttpProxy)},
	}
	if q.config.Contest.Only {
		return all[:3]
	}
	return all
}

// limited is the parameter of a contestant's limit; -1 is for those that know none.
func limited(limit int) map[string]string {
	if limit < 0 {
		return map[string]string{"limit": "none"}
	}
	return map[string]string{"limit": strconv.Itoa(limit)}
}

func (q *queueProxies) direct(context.Context) (*entry, error) {
	return &entry{address: q.backend, path: "/", header: markers(), stop: func() {}}, nil
}

func (q *queueProxies) ours(limit int) func(context.Context) (*entry, error) {
	return func(ctx context.Context) (*entry, error) {
		p, err := launchQueueProxy(ctx, filepath.Join(q.config.Programs, "queueproxy"), q.ip, q.backend)
		if err != nil {
			return nil, err
		}
		e := p.entry(p.address, p.stop)
		if e.ready, err = p.awaitListening(ctx, p.address); err == nil {
			err = p.assign(ctx, limit)
		}
		return e.unless(err)
	}
}

func (q *queueProxies) knative(limit int) func(context.Context) (*entry, error) {
	return q.launched(func(ctx context.Context) (*child, error) {
		return launchKnativeQueue(ctx, q.peers.program(knativeQueue), proxyAddress, q.backend, limit)
	})
}

func (q *queueProxies) bare(program string) func(context.Context) (*entry, error) {
	return q.launched(func(ctx context.Context) (*child, error) {
		return startChild(ctx, nil, q.peers.program(program), "--listen="+proxyAddress, "--backend="+q.backend)
	})
}

func (q *queueProxies) launched(launch func(context.Context) (*child, error)) func(context.Context) (*entry, error) {
	return func(ctx context.Context) (*entry, error) {
		p, err := launch(ctx)
		if err != nil {
			return nil, err
		}
		e := p.entry(proxyAddress, p.stop)
		e.ready, err = p.awaitListening(ctx, proxyAddress)
		return e.unless(err)
	}
}

// starts measures the time from exec until requests are accepted, the contestants in turn.
func (q *queueProxies) starts(ctx context.Context, entrants []entrant, r *Results) error {
	ready := map[string][]float64{}
	var order []string
	for range q.config.Contest.Starts {
		for _, e := range entrants {
			if e.parameters["limit"] == "10" || e.name == nameDirect {
				continue // the same program again, or none
			}
			running, err := e.enter(ctx)
			if err != nil {
				return fmt.Errorf("start %s: %w", e.name, err)
			}
			running.stop()
			if ready[e.name] == nil {
				order = append(order, e.name)
			}
			ready[e.name] = append(ready[e.name], milliseconds(running.ready))
		}
	}
	for _, name := range order {
		r.Add(Row{Scenario: "queueproxy", Contestant: name, Metric: "ready", Unit: "ms"}, ready[name]...)
	}
	return nil
}
