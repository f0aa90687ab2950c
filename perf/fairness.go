package perf

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"hotpod.dev/wire"
)

// FairnessOptions say how long clients compete.
type FairnessOptions struct{ Duration time.Duration }

func (c *Config) fairnessFlags(fs *flag.FlagSet) {
	c.durationFlag(fs, &c.Fairness.Duration, "compete", time.Minute, time.Hour, "fairness: length of each load")
}

// A request of this scenario takes so long, so much that what else the machine does is little beside it.
const (
	leastWork  = 80 * time.Millisecond
	spreadWork = 40 * time.Millisecond
)

// Fairness has half as many clients again as a function has slots, at its maximum, in a closed loop. They call as Envoy
// does: the pod with the fewest requests first, and the activator when that refuses.
func Fairness(ctx context.Context, c Config, r *Results, log *slog.Logger) error {
	for _, f := range []*fairness{{config: c, pods: 8, limit: 1}, {config: c, pods: 2, limit: 10}} {
		if err := f.run(ctx, r); err != nil {
			return fmt.Errorf("%d pods of %d: %w", f.pods, f.limit, err)
		}
		log.Info("competed", "pods", f.pods, "limit", f.limit)
	}
	return nil
}

type fairness struct {
	config      Config
	pods, limit int
	running     []*competitor
	activator   string
	overlaps    atomic.Int64
}

// competitor is a pod that clients compete for.
type competitor struct {
	address  string
	inFlight atomic.Int64
}

func (f *fairness) run(ctx context.Context, r *Results) error {
	stop, err := f.start(ctx)
	defer stop()
	if err != nil {
		return err
	}
	clients := f.pods * f.limit * 3 / 2
	latency := hdrhistogram.New(1, maxLatency, 3)
	var mu sync.Mutex // guards latency and failed
	var failed []error
	var all sync.WaitGroup
	end := time.Now().Add(f.config.Fairness.Duration)
	for range clients {
		all.Go(func() {
			own, err := f.compete(ctx, end)
			mu.Lock()
			defer mu.Unlock()
			latency.Merge(own)
			if err != nil {
				failed = append(failed, err)
			}
		})
	}
	all.Wait()
	f.add(r, latency, len(failed))
	return errors.Join(ctx.Err(), errors.Join(failed...))
}

// start runs the pods, and an activator that knows them; stop ends what runs also after an error.
func (f *fairness) start(ctx context.Context) (stop func(), err error) {
	var stops []func()
	stop = func() {
		for _, stop := range slices.Backward(stops) {
			stop()
		}
	}
	var addresses []string
	for i := range f.pods {
		runtime, end, err := f.runtime(ctx)
		if err != nil {
			return stop, err
		}
		stops = append(stops, end)
		q, err := launchQueueProxy(ctx, filepath.Join(f.config.Programs, "queueproxy"), "127.0.0."+strconv.Itoa(20+i), runtime)
		if err != nil {
			return stop, err
		}
		stops = append(stops, q.stop)
		if _, err = q.awaitListening(ctx, q.address); err == nil {
			err = q.assign(ctx, f.limit)
		}
		if err != nil {
			return stop, err
		}
		f.running = append(f.running, &competitor{address: q.address})
		addresses = append(addresses, q.address)
	}
	a := &activators{config: f.config, ip: oursIP, autoscaler: "127.0.0.1:18090"}
	running, err := a.ours(ctx, f.limit)
	if err != nil {
		return stop, err
	}
	stops = append(stops, running.stop)
	f.activator = running.address
	return stop, running.ready(ctx, addresses)
}

// runtime is a function that takes its time, and counts who meets more inside than may be.
func (f *fairness) runtime(ctx context.Context) (address string, stop func(), err error) {
	lis, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, fmt.Errorf("listen as a runtime: %w", err)
	}
	var inside atomic.Int64
	server := &http.Server{ReadHeaderTimeout: callTimeout, Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		if inside.Add(1) > int64(f.limit) {
			f.overlaps.Add(1)
		}
		time.Sleep(leastWork + rand.N(spreadWork)) //nolint:gosec // no secret
		inside.Add(-1)
	})}
	go func() { _ = server.Serve(lis) }()
	return lis.Addr().String(), func() { _ = server.Close() }, nil
}

// compete is one client.
func (f *fairness) compete(ctx context.Context, end time.Time) (*hdrhistogram.Histogram, error) {
	latency := hdrhistogram.New(1, maxLatency, 3)
	ask := request{path: "/", header: []string{wire.HeaderFunction + ": " + measuredFunction().String()}}
	callers := make([]*Client, 0, len(f.running))
	defer func() {
		for _, c := range callers {
			_ = c.Close()
		}
	}()
	for _, address := range append([]string{f.activator}, f.addresses()...) {
		c, err := dialRequest(ctx, address, ask)
		if err != nil {
			return latency, err
		}
		callers = append(callers, c)
	}
	for time.Now().Before(end) && ctx.Err() == nil {
		begin := time.Now()
		status, err := f.call(ctx, callers)
		if err != nil || status != http.StatusOK {
			return latency, fmt.Errorf("call: status %d: %w", status, err)
		}
		_ = latency.RecordValue(time.Since(begin).Microseconds())
	}
	return latency, nil
}

func (f *fairness) addresses() []string {
	all := make([]string, 0, len(f.running))
	for _, p := range f.running {
		all = append(all, p.address)
	}
	return all
}

// call asks the pod with the fewest requests, as far as that can be seen from outside, and the activator when it refuses.
func (f *fairness) call(ctx context.Context, callers []*Client) (int, error) {
	best, start := 0, rand.IntN(len(f.running)) //nolint:gosec // no secret
	for i := range f.running {
		at := (start + i) % len(f.running)
		if i == 0 || f.running[at].inFlight.Load() < f.running[best].inFlight.Load() {
			best = at
		}
	}
	p := f.running[best]
	p.inFlight.Add(1)
	status, err := callers[1+best].Call(ctx)
	p.inFlight.Add(-1)
	if err == nil && status == http.StatusServiceUnavailable {
		return callers[0].Call(ctx)
	}
	return status, err
}

func (f *fairness) add(r *Results, latency *hdrhistogram.Histogram, failures int) {
	row := Row{Scenario: "fairness", Contestant: nameOurs, Parameters: map[string]string{
		"pods": strconv.Itoa(f.pods), "limit": strconv.Itoa(f.limit),
	}}
	r.addAll(row,
		metric{"requests", "", one(float64(latency.TotalCount()))},
		metric{"latency_p50", "ms", one(float64(latency.ValueAtQuantile(50)) / 1000)},
		metric{"latency_p99", "ms", one(float64(latency.ValueAtQuantile(99)) / 1000)},
		metric{"latency_worst", "ms", one(float64(latency.Max()) / 1000)},
		metric{"overlaps", "requests", one(float64(f.overlaps.Load()))},
		metric{"failures", "requests", one(float64(failures))})
}
