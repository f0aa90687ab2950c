package perf

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/wire"
)

// WarmOptions say how long and how often the warm path is measured.
type WarmOptions struct {
	Duration time.Duration
	Repeats  int
	// Points are the loads; empty means points.
	Points []point
}

func (c *Config) warmFlags(fs *flag.FlagSet) {
	c.durationFlag(fs, &c.Warm.Duration, "duration", 800*time.Millisecond, time.Minute, "warm: length of each load")
	c.countFlag(fs, &c.Warm.Repeats, "repeats", 3, "warm: how often each load is repeated, the contestants in turn")
}

// warmup is a load that is not counted, before each that is.
const warmup = 300 * time.Millisecond

// contestant is a way to one and the same function.
type contestant struct {
	name, address, path string
	// processes are those on the way, whose processor time is counted; the function's own is not.
	processes []int
}

// point is one load: closed loop with rate 0.
type point struct {
	connections int
	rate        float64
}

func (p point) parameters() map[string]string {
	rate := "max"
	if p.rate > 0 {
		rate = strconv.FormatFloat(p.rate, 'f', -1, 64)
	}
	return map[string]string{"connections": strconv.Itoa(p.connections), "rate": rate}
}

func points() []point {
	return []point{{1, 0}, {16, 0}, {64, 0}, {32, 500}}
}

// Warm measures a hot function through the platform, through a plain Envoy before the same runtime process, and
// directly at that process. The contestants take turns, so that what else the machine does meets them alike.
func Warm(ctx context.Context, s *Session, r *Results) (err error) {
	w := &warm{s: s}
	defer func() { err = errors.Join(err, w.close(ctx)) }()
	if err := w.open(ctx); err != nil {
		return err
	}
	loads := s.config.Warm.Points
	if len(loads) == 0 {
		loads = points()
	}
	for _, p := range loads {
		if err := w.point(ctx, p, r); err != nil {
			return err
		}
	}
	row := Row{Scenario: "warm", Contestant: "hotpod", Parameters: map[string]string{"connections": "all"}, Metric: "failures", Unit: "requests"}
	r.Add(row, float64(w.failures))
	return nil
}

type warm struct {
	s           *Session
	fleet       *fleet
	members     []member
	envoy       *plainEnvoy
	runtime     *runtimeProcess
	contestants []contestant
	failures    int64
}

// open makes one function with one hot pod that takes every request, and the contestants' ways to it.
func (w *warm) open(ctx context.Context) (err error) {
	if w.fleet, err = w.s.newFleet(ctx, "warm", 1); err != nil {
		return err
	}
	w.members, err = w.fleet.add(ctx, 1, func(f *v1.FunctionSpec) { f.Concurrency, f.RequestsPerPod = 1, 1000 })
	if err != nil {
		return err
	}
	path := w.members[0].path
	c, err := Dial(ctx, w.s.router, path)
	if err != nil {
		return fmt.Errorf("connect to the router: %w", err)
	}
	status, err := c.Call(ctx)
	if err = errors.Join(err, c.Close()); err != nil {
		return fmt.Errorf("first request: %w", err)
	}
	if status != http.StatusOK {
		return fmt.Errorf("first request: status %d", status)
	}
	pod, err := w.hotPod(ctx)
	if err != nil {
		return err
	}
	return w.enter(ctx, pod, path)
}

func (w *warm) hotPod(ctx context.Context) (pod corev1.Pod, err error) {
	err = w.fleet.awaitPods(ctx, "the hot pod", func(pods []corev1.Pod) bool {
		for _, p := range pods {
			if isHot(p) {
				pod = p
				return true
			}
		}
		return false
	})
	return pod, err
}

// enter sets up the contestants.
func (w *warm) enter(ctx context.Context, pod corev1.Pod, path string) error {
	backend, err := w.backend(ctx, pod)
	if err != nil {
		return err
	}
	program, err := findEnvoy(w.s.config.Envoy)
	if err != nil {
		return err
	}
	if w.envoy, err = startEnvoy(ctx, program, plainConfig, backend); err != nil {
		return err
	}
	ours := contestant{name: "hotpod", address: w.s.router, path: path}
	router, ok1 := listenerOf(w.s.router)
	proxy, ok2 := listenerOf(net.JoinHostPort(pod.Status.PodIP, strconv.Itoa(wire.PortRequests)))
	if ok1 && ok2 {
		ours.processes = []int{router, proxy}
	}
	w.contestants = []contestant{
		ours,
		{name: "Envoy alone", address: w.envoy.address, path: "/", processes: []int{w.envoy.cmd.Process.Pid}},
		{name: "runtime alone", address: backend, path: "/"},
	}
	return nil
}

// backend is the pod's runtime itself where it can be reached, as on the embedded platform, else one like it.
func (w *warm) backend(ctx context.Context, pod corev1.Pod) (string, error) {
	address := net.JoinHostPort(pod.Status.PodIP, strconv.Itoa(wire.PortRuntime))
	err := reach(ctx, address)
	if err == nil {
		return address, nil
	}
	w.s.log.Warn("the pod's runtime cannot be reached, comparing with one of our own", "address", address)
	var addresses nextAddress
	if w.runtime, err = startRuntime(ctx, filepath.Join(w.s.config.Environments, w.s.config.Environment), w.s.config.Programs, addresses.take()); err != nil {
		return "", err
	}
	file, err := filepath.Abs(w.s.config.Source)
	if err != nil {
		return "", err
	}
	_, err = w.runtime.load(ctx, file)
	return w.runtime.address, err
}

func (w *warm) close(ctx context.Context) error {
	if w.envoy != nil {
		w.envoy.stop()
	}
	if w.runtime != nil {
		w.runtime.stop()
	}
	if w.fleet == nil {
		return nil
	}
	return errors.Join(w.fleet.remove(ctx, w.members), w.fleet.delete(ctx))
}

// point measures one load for every contestant and adds their rows.
func (w *warm) point(ctx context.Context, p point, r *Results) error {
	runs := make([]observations, len(w.contestants))
	for repeat := range w.s.config.Warm.Repeats {
		for turn := range w.contestants {
			i := (turn + repeat) % len(w.contestants)
			if err := w.measure(ctx, w.contestants[i], p, &runs[i]); err != nil {
				return fmt.Errorf("%s: %w", w.contestants[i].name, err)
			}
		}
	}
	for i, c := range w.contestants {
		runs[i].add(r, Row{Scenario: "warm", Contestant: c.name, Parameters: p.parameters()})
		w.s.log.Info("warm path measured", "contestant", c.name, "connections", p.connections, "rate", p.rate,
			"throughput", spread(runs[i].throughput).median, "p99_ms", spread(runs[i].p99).median)
	}
	return nil
}

func (w *warm) measure(ctx context.Context, c contestant, p point, o *observations) error {
	l := Load{New: Dialer(c.address, c.path), Connections: p.connections, Rate: p.rate, Duration: warmup}
	if _, err := l.Run(ctx); err != nil {
		return err
	}
	l.Duration = w.s.config.Warm.Duration
	before := used(c.processes)
	m, err := l.Run(ctx)
	if err != nil {
		return err
	}
	if m.Requests == 0 {
		return fmt.Errorf("no request succeeded: %w", m.FirstError)
	}
	o.record(m, used(c.processes)-before)
	if m.Failures > 0 {
		w.s.log.Error("warm requests failed", "contestant", c.name, "count", m.Failures, "first", m.FirstError)
	}
	if c.name == "hotpod" {
		w.failures += m.Failures
	}
	return nil
}

// used sums the processor time of processes; of one that is gone it counts nothing.
func used(processes []int) (sum time.Duration) {
	for _, pid := range processes {
		if t, err := processorTime(pid); err == nil {
			sum += t
		}
	}
	return sum
}

// observations are the metrics of repeated loads.
type observations struct{ throughput, p50, p99, cpu []float64 }

func (o *observations) record(m Measured, processor time.Duration) {
	o.throughput = append(o.throughput, m.Throughput())
	o.p50 = append(o.p50, m.Quantile(0.5))
	o.p99 = append(o.p99, m.Quantile(0.99))
	if processor > 0 {
		o.cpu = append(o.cpu, float64(processor.Microseconds())/float64(m.Requests+m.Failures))
	}
}

func (o *observations) add(r *Results, row Row) {
	r.addAll(row,
		metric{"throughput", "requests/s", o.throughput},
		metric{"latency_p50", "ms", o.p50},
		metric{"latency_p99", "ms", o.p99},
		metric{"cpu", "µs/request", o.cpu})
}
