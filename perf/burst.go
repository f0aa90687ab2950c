package perf

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/wire"
)

// BurstOptions say how a function is hit that has no pod yet.
type BurstOptions struct {
	// Steady is how long the load goes on after the first second, which is judged apart.
	Steady time.Duration
}

func (c *Config) burstFlags(fs *flag.FlagSet) {
	c.durationFlag(fs, &c.Burst.Steady, "steady", 4*time.Second, time.Minute, "burst: length of the load after its first second")
}

const (
	// burstFirst is the part of a burst in which pods start.
	burstFirst = time.Second
	// burstPool is the size of the pool, as an environment has by default.
	burstPool = 3
)

// shape is how many requests a pod takes and how many pods there may be; zero values are the defaults.
type shape struct {
	name         string
	perPod, pods int
	spec         func(*v1.FunctionSpec)
}

// ideal is a pod for each request in flight, as far as the limits let.
func (s shape) ideal(clients int) int { return min(s.pods, (clients+s.perPod-1)/s.perPod) }

// burst is one run of the scenario.
type burst struct {
	s     *Session
	fleet *fleet
}

// Burst hits functions without any pod by 1, 16 and 64 clients that each send one request after another, with all
// settings at their defaults (one request a pod), and with 10 requests a pod and at most 4 pods.
func Burst(ctx context.Context, s *Session, r *Results) (err error) {
	b := &burst{s: s}
	if b.fleet, err = s.newFleet(ctx, "burst", burstPool); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.fleet.delete(ctx)) }()
	for _, sh := range []shape{
		{name: "default", perPod: 1, pods: v1.DefaultConcurrency},
		{name: "10 a pod, 4 pods", perPod: 10, pods: 4, spec: func(f *v1.FunctionSpec) { f.RequestsPerPod, f.Concurrency = 10, 4 }},
	} {
		for _, clients := range []int{1, 16, 64} {
			if err := b.hit(ctx, sh, clients, r); err != nil {
				return fmt.Errorf("%s, %d clients: %w", sh.name, clients, err)
			}
		}
	}
	return nil
}

// hit puts the load on a new function.
func (b *burst) hit(ctx context.Context, sh shape, clients int, r *Results) (err error) {
	members, err := b.fleet.add(ctx, 1, sh.spec)
	defer func() { err = errors.Join(err, b.fleet.remove(ctx, members)) }()
	if err != nil {
		return err
	}
	if err := b.fleet.awaitPool(ctx); err != nil {
		return err
	}
	l := Load{New: Dialer(b.s.router, members[0].path), Connections: clients, Duration: burstFirst}
	first, err := l.Run(ctx)
	if err != nil {
		return err
	}
	l.Duration = b.s.config.Burst.Steady
	steady, err := l.Run(ctx)
	if err != nil {
		return err
	}
	pods, err := b.fleet.pods(ctx)
	if err != nil {
		return err
	}
	for _, m := range []Measured{first, steady} {
		if m.FirstError != nil {
			b.s.log.Error("requests of a burst failed", "settings", sh.name, "clients", clients, "first", m.FirstError)
		}
	}
	b.add(r, sh, clients, first, steady, count(pods, isHot))
	return nil
}

func isHot(p corev1.Pod) bool { return p.Labels[wire.LabelState] == string(wire.StateHot) }

func (b *burst) add(r *Results, sh shape, clients int, first, steady Measured, pods int) {
	row := Row{Scenario: "burst", Contestant: nameOurs, Parameters: map[string]string{"settings": sh.name, "clients": strconv.Itoa(clients)}}
	r.addAll(row,
		metric{"failures", "requests", one(float64(first.Failures + steady.Failures))},
		metric{"throughput", "requests/s", one(steady.Throughput())},
		metric{"latency_p50", "ms", one(steady.Quantile(0.5))},
		metric{"latency_p99", "ms", one(steady.Quantile(0.99))},
		metric{"first_p50", "ms", one(first.Quantile(0.5))},
		metric{"first_p99", "ms", one(first.Quantile(0.99))},
		metric{"pods", "pods", one(float64(pods))},
		metric{"pods_ideal", "pods", one(float64(sh.ideal(clients)))})
	b.s.log.Info("burst measured", "settings", sh.name, "clients", clients, "p50_ms", steady.Quantile(0.5),
		"p99_ms", steady.Quantile(0.99), "pods", pods, "failures", first.Failures+steady.Failures)
}
