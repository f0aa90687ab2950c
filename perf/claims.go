package perf

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/shard"
	"hotpod.dev/sign"
	"hotpod.dev/wire"
)

// ClaimsOptions say how many cold starts there are.
type ClaimsOptions struct {
	// Starts are called in each round, AtOnce at a time; Rounds is how often.
	Starts, AtOnce, Rounds int
	// Known and Hot are the numbers of functions and of hot pods in the larger cases.
	Known, Hot int
}

func (c *Config) claimsFlags(fs *flag.FlagSet) {
	o := &c.Claims
	c.countFlag(fs, &o.Starts, "cold-starts", 2000, "claims: cold starts in each round")
	c.countFlag(fs, &o.AtOnce, "starting-at-once", 8, "claims: cold starts at a time")
	c.countFlag(fs, &o.Rounds, "claim-rounds", 3, "claims: rounds")
	c.countFlag(fs, &o.Known, "functions-known", 10_000, "claims: functions in the larger cases")
	c.countFlag(fs, &o.Hot, "pods-hot", 4000, "claims: pods of other functions in the larger cases")
}

const (
	claimsActivatorIP = "127.0.0.5"
	// coldAfter is how long a function without requests keeps its pod here: longer than a round takes.
	coldAfter = 6 * time.Second
	// podStart is how long the simulated cluster takes to start a pod.
	podStart = 100 * time.Millisecond
)

// Claims measures cold starts through the shipped activator, the real autoscaler and pool and the fetcher's protocol,
// before simulated pods: how many there are in a second, how that grows with functions and pods, and how many requests
// each makes to the API server, which is simulated and counts them.
func Claims(ctx context.Context, c Config, r *Results, log *slog.Logger) error {
	o := c.Claims
	if o.Known < o.Starts {
		return errors.New("each start needs a function of its own: --functions-known is less than --cold-starts")
	}
	for _, m := range []*claiming{
		{functions: o.Starts, shards: 1},
		{functions: o.Known, shards: 1},
		{functions: o.Known, hot: o.Hot, shards: 1},
		{functions: o.Known, hot: o.Hot, shards: 2},
	} {
		m.config, m.log = c, log
		if err := m.run(ctx); err != nil {
			return fmt.Errorf("%d functions, %d pods, %d shards: %w", m.functions, m.hot, m.shards, err)
		}
		m.add(r)
	}
	return nil
}

// claiming is one case of the scenario.
type claiming struct {
	config                 Config
	functions, hot, shards int
	log                    *slog.Logger

	cluster         *simulatedCluster
	scalers         []*scaler // by shard
	activator, pods *child

	rate, median, p99, failures            []float64
	cpuActivator, cpuAutoscaler, cpuOthers []float64
	creates, patches, deletes, events      []float64
}

func (m *claiming) run(ctx context.Context) error {
	signer, err := sign.NewSigner(sign.GenerateSeed())
	if err != nil {
		return err
	}
	if m.pods, err = startPods(ctx, m.config.Self, signer.PublicKey(), true); err != nil {
		return err
	}
	defer m.pods.stop()
	defer func() {
		for _, s := range m.scalers {
			s.stop()
		}
	}()
	streams, err := m.startScalers(ctx, signer)
	if err != nil {
		return err
	}
	m.activator, err = startChild(ctx, nil, filepath.Join(m.config.Programs, "activator"),
		"--address="+claimsActivatorIP, "--autoscaler="+streams, "--log-level=warn")
	if err != nil {
		return err
	}
	defer m.activator.stop()
	if _, err := m.activator.awaitListening(ctx, m.address()); err != nil {
		return err
	}
	m.prepare()
	for range m.config.Claims.Rounds {
		if err := m.round(ctx); err != nil {
			return err
		}
	}
	return nil
}

// startScalers starts one for each shard and returns where they are.
func (m *claiming) startScalers(ctx context.Context, signer *sign.Signer) (streams string, err error) {
	m.cluster = newSimulatedCluster(podStart)
	var all []string
	for i := range m.shards {
		of := shard.Shard{Index: i, Of: m.shards}
		s, err := startScaler(ctx, signer, m.cluster, of)
		if err != nil {
			return "", err
		}
		m.scalers, all = append(m.scalers, s), append(all, scalerStreams(of))
	}
	return strings.Join(all, ";"), nil
}

func (m *claiming) address() string {
	return net.JoinHostPort(claimsActivatorIP, strconv.Itoa(wire.PortRequests))
}

// prepare makes functions that are called, numbered from 0 on, and others that always have a pod.
func (m *claiming) prepare() {
	environments := simulatedEnvironments(simulatedEnvironmentCount, m.config.Claims.Starts+simulatedEnvironmentCount)
	idle := int(coldAfter / time.Second)
	called := simulatedFunctions(0, m.functions, environments, func(f *v1.Function) { f.Spec.IdleTimeout = &idle })
	others := simulatedFunctions(m.functions, m.functions+m.hot, environments, func(f *v1.Function) {
		f.Annotations = map[string]string{v1.ScalingPrefix + "min-scale": "1"}
	})
	functions := slices.Concat(called, others)
	for _, s := range m.scalers { // each is told all, as the watch does
		s.know(environments, functions)
		s.synced()
	}
}

// rest waits until the pool is full, the others have their pods and no function that is called has one.
func (m *claiming) rest(ctx context.Context) error {
	return poll(ctx, "pools full and functions cold", func() (bool, error) {
		var warm, all float64
		for _, s := range m.scalers {
			w, err := s.metric("hotpod_pool_pods", "state", "warm")
			if err != nil {
				return false, err
			}
			a, err := s.metric("hotpod_pool_pods")
			if err != nil {
				return false, err
			}
			warm, all = warm+w, all+a
		}
		return int(warm) >= m.config.Claims.Starts && int(all-warm) == m.hot, nil
	})
}

// round calls functions that have no pod, and waits until they have none again.
func (m *claiming) round(ctx context.Context) error {
	if err := m.rest(ctx); err != nil {
		return err
	}
	if err := pause(ctx, time.Second); err != nil { // what came with it is over
		return err
	}
	calls, told := m.cluster.counted()
	before, err := m.clocks()
	if err != nil {
		return err
	}
	var met coldResult
	order := coldOrder{Activator: m.address(), Starts: m.config.Claims.Starts, AtOnce: m.config.Claims.AtOnce}
	if err := give(ctx, orderCold, order, &met); err != nil {
		return err
	}
	after, err := m.clocks()
	if err != nil {
		return err
	}
	if met.Error != "" {
		m.log.Error("cold starts failed", "failures", met.Failures, "first", met.Error)
	}
	n := float64(len(met.Millis))
	if n == 0 {
		return errors.New("no cold start was answered")
	}
	m.rate, m.failures = append(m.rate, n/met.Seconds), append(m.failures, float64(met.Failures))
	m.median, m.p99 = append(m.median, quantile(met.Millis, .5)), append(m.p99, quantile(met.Millis, .99))
	for i, into := range []*[]float64{&m.cpuActivator, &m.cpuAutoscaler, &m.cpuOthers} {
		*into = append(*into, milliseconds(after[i]-before[i])/n)
	}
	m.log.Info("cold starts measured", "functions", m.functions, "pods", m.hot, "per_s", n/met.Seconds, "p50_ms", quantile(met.Millis, .5))
	if err := m.rest(ctx); err != nil {
		return err
	}
	m.count(calls, told, n)
	return nil
}

// clocks are the processor times of the activator, of autoscaler and pool, and of the pods with their callers.
func (m *claiming) clocks() (all [3]time.Duration, err error) {
	for i, pid := range []int{m.activator.pid(), os.Getpid(), m.pods.pid()} {
		if all[i], err = processorTime(pid); err != nil {
			return all, err
		}
	}
	return all, nil
}

// count notes the requests to the API server since then, for each of n cold starts and all that follows from them.
func (m *claiming) count(calls map[string]int, told int, n float64) {
	now, events := m.cluster.counted()
	m.creates = append(m.creates, float64(now[callCreate]-calls[callCreate])/n)
	m.patches = append(m.patches, float64(now[callPatch]-calls[callPatch])/n)
	m.deletes = append(m.deletes, float64(now[callDelete]-calls[callDelete])/n)
	m.events = append(m.events, float64(events-told)/n)
}

func (m *claiming) add(r *Results) {
	row := Row{Scenario: "claims", Contestant: nameOurs, Parameters: map[string]string{
		"functions": strconv.Itoa(m.functions), "pods": strconv.Itoa(m.hot), "shards": strconv.Itoa(m.shards),
	}}
	r.addAll(row,
		metric{"cold_starts", "1/s", m.rate},
		metric{"latency_p50", "ms", m.median},
		metric{"latency_p99", "ms", m.p99},
		metric{"cpu_activator", "ms", m.cpuActivator},
		metric{"cpu_autoscaler", "ms", m.cpuAutoscaler},
		metric{"cpu_pods_and_clients", "ms", m.cpuOthers},
		metric{"creates", "requests/start", m.creates},
		metric{"patches", "requests/start", m.patches},
		metric{"deletes", "requests/start", m.deletes},
		metric{"api_requests", "requests/start", m.requests()},
		metric{"watch_events", "events/start", m.events},
		metric{"failures", "requests", m.failures})
}

func (m *claiming) requests() []float64 {
	sums := make([]float64, len(m.creates))
	for i := range sums {
		sums[i] = m.creates[i] + m.patches[i] + m.deletes[i]
	}
	return sums
}
