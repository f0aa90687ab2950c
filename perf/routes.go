package perf

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// RoutesOptions say how large the tables are that the scenario routes fills, and how thoroughly it looks at them.
type RoutesOptions struct {
	// Sizes are numbers of functions, each with a route, separated by commas.
	Sizes string
	// Updates is how often a route or a pod is added, Called how many functions are called once, Starts how often
	// Envoy is started.
	Updates, Called, Starts int
	// Duration of each load.
	Duration time.Duration
	// IPs of the activator and the pod, whose ports are fixed; empty are those of a network of our own.
	IPs [2]string
}

func (c *Config) routesFlags(fs *flag.FlagSet) {
	fs.StringVar(&c.Routes.Sizes, "sizes", "100,1000,10000,50000", "routes: numbers of functions with a route each, separated by commas")
	c.countFlag(fs, &c.Routes.Updates, "updates", 15, "routes: how often a route or a pod is added")
	c.countFlag(fs, &c.Routes.Called, "called", 10000, "routes: functions that are called once")
	c.countFlag(fs, &c.Routes.Starts, "envoy-starts", 3, "routes: how often Envoy is started")
	c.durationFlag(fs, &c.Routes.Duration, "routes-load", time.Second, time.Minute, "routes: length of each load")
	c.bounds = append(c.bounds, func() error { _, err := c.Routes.sizes(); return err })
}

func (o RoutesOptions) sizes() ([]int, error) {
	var sizes []int
	for _, text := range split(o.Sizes) {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > 100_000 {
			return nil, fmt.Errorf("--sizes: %q is not a number from 1 to 100000", text)
		}
		sizes = append(sizes, n)
	}
	if len(sizes) == 0 {
		return nil, errors.New("--sizes names none")
	}
	return sizes, nil
}

func (o RoutesOptions) ips() [2]string {
	if o.IPs[0] == "" {
		return [2]string{"127.0.0.2", "127.0.0.3"}
	}
	return o.IPs
}

// Routes measures what many functions and routes cost one Envoy and the discovery server, which runs in this process,
// and how long a change takes until a request meets it.
func Routes(ctx context.Context, c Config, r *Results, log *slog.Logger) error {
	envoy, err := findEnvoy(c.Envoy)
	if err != nil {
		return err
	}
	sizes, err := c.Routes.sizes()
	if err != nil {
		return err
	}
	for _, n := range sizes {
		log.Info("routes are declared", "routes", n)
		if err := measureRoutes(ctx, c.Routes, envoy, n, r, log); err != nil {
			return fmt.Errorf("%d routes: %w", n, err)
		}
	}
	return nil
}

func measureRoutes(ctx context.Context, o RoutesOptions, envoy string, n int, r *Results, log *slog.Logger) error {
	dir, err := os.MkdirTemp("", "hotpod-perf-routes-")
	if err != nil {
		return fmt.Errorf("make a folder for Envoy: %w", err)
	}
	defer os.RemoveAll(dir)
	m := &manyRoutes{options: o, envoy: envoy, file: filepath.Join(dir, "envoy.json"), declared: n, results: r, log: log}
	defer func() { m.stop() }()
	for _, step := range []func(context.Context) error{
		m.serve, m.starts, m.newRoutes, m.discoveryCPU, m.podChanges, m.compareRoutes, m.callOnce,
	} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// manyRoutes is a discovery server with many routes, an Envoy, an activator and a pod.
type manyRoutes struct {
	options     RoutesOptions
	envoy, file string
	log         *slog.Logger
	results     *Results

	// declared counts functions and routes; the next gets this number.
	declared int
	world    *discoveredWorld
	child    *child
	stops    []func()
}

func (m *manyRoutes) stop() {
	if m.child != nil {
		m.child.stop()
	}
	for _, stop := range m.stops {
		stop()
	}
}

func (m *manyRoutes) add(metric, unit string, values ...float64) {
	m.results.Add(Row{
		Scenario: "routes", Contestant: nameOurs, Parameters: map[string]string{"routes": strconv.Itoa(m.world.size)}, Metric: metric, Unit: unit,
	}, values...)
}

// serve fills the server; what it holds then is the memory of a route and its function.
func (m *manyRoutes) serve(ctx context.Context) error {
	before := heap()
	w, stop, err := startWorld(ctx, m.options.ips(), m.declared, m.file, m.log)
	if err != nil {
		return err
	}
	m.world = w
	m.stops = append(m.stops, stop)
	m.add("xds_heap_per_route", "kB", (heap()-before)/float64(m.declared)/1000)
	return nil
}

// heap is what the heap holds in bytes, after a collection.
func heap() float64 {
	runtime.GC()
	var s runtime.MemStats
	runtime.ReadMemStats(&s)
	return float64(s.HeapAlloc)
}

// atRest is how long an Envoy is left alone before its memory is read.
const atRest = time.Second

// starts measures how long after its start Envoy serves a route, and what it holds then; the last Envoy stays.
func (m *manyRoutes) starts(ctx context.Context) error {
	var serving, resident []float64
	for range m.options.Starts {
		if m.child != nil {
			m.child.stop()
		}
		var err error
		if m.child, err = startChild(ctx, os.Environ(), m.envoy, "-c", m.file, "--disable-hot-restart", "-l", "error"); err != nil {
			return err
		}
		if err := m.await(ctx, m.world.path(m.declared-1)); err != nil {
			return err
		}
		serving = append(serving, milliseconds(time.Since(m.child.began)))
		if err := pause(ctx, atRest); err != nil {
			return err
		}
		use, err := memoryOf(m.child.pid())
		if err != nil {
			return err
		}
		resident = append(resident, use.resident)
	}
	m.add("serving_after_start", "ms", serving...)
	m.add("envoy_resident", "MiB", resident...)
	return nil
}

// await polls until a path is served.
func (m *manyRoutes) await(ctx context.Context, path string) error {
	return quickly(ctx, path, func() bool { return m.world.status(ctx, path) == 200 })
}

// newRoutes measures the time from a new function and its route until a request is served.
func (m *manyRoutes) newRoutes(ctx context.Context) error {
	var took []float64
	for range m.options.Updates {
		start := time.Now()
		m.world.declare(m.declared)
		m.declared++
		if err := m.await(ctx, m.world.path(m.declared-1)); err != nil {
			return err
		}
		took = append(took, milliseconds(time.Since(start)))
	}
	m.add("new_route", "ms", took...)
	return nil
}

// discoveryCPU measures the processor time that a new function and its route cost the server until Envoy has
// acknowledged it, without requests.
func (m *manyRoutes) discoveryCPU(ctx context.Context) error {
	var used []float64
	for range m.options.Updates {
		before, ok := processClock(os.Getpid())
		m.world.declare(m.declared)
		m.declared++
		if err := quickly(ctx, "the acknowledgement", func() bool { return m.world.acknowledged(m.declared - 1) }); err != nil {
			return err
		}
		if after, _ := processClock(os.Getpid()); ok {
			used = append(used, milliseconds(after-before))
		}
	}
	if len(used) > 0 {
		m.add("xds_cpu_per_new_route", "ms", used...)
	}
	return nil
}

// podChanges measures the time from a hot pod, or its end, until requests go there, or no longer.
func (m *manyRoutes) podChanges(ctx context.Context) error {
	var took []float64
	for i := range m.options.Updates {
		hot := i%2 == 0
		start := time.Now()
		m.world.setPod(0, hot)
		path := m.world.path(0)
		if err := quickly(ctx, "the pod", func() bool { return m.world.reachesPod(ctx, path) == hot }); err != nil {
			return err
		}
		took = append(took, milliseconds(time.Since(start)))
	}
	m.world.setPod(0, false)
	m.add("pod_change", "ms", took...)
	return nil
}

// compareRoutes compares the throughput of the first route with that of the last.
func (m *manyRoutes) compareRoutes(ctx context.Context) error {
	ends := map[string]string{"first": m.world.path(0), "last": m.world.path(m.declared - 1)}
	throughput := map[string][]float64{}
	for _, path := range ends {
		if err := m.await(ctx, path); err != nil {
			return err
		}
	}
	const connections, repeats = 16, 3
	for range repeats {
		for _, name := range []string{"first", "last"} {
			load := Load{New: Dialer(m.world.public, ends[name]), Connections: connections, Duration: m.options.Duration}
			measured, err := load.Run(ctx)
			if err == nil && measured.Failures > 0 {
				err = fmt.Errorf("%d requests of the %s route failed: %w", measured.Failures, name, measured.FirstError)
			}
			if err != nil {
				return err
			}
			throughput[name] = append(throughput[name], measured.Throughput())
		}
	}
	m.add("throughput_of_the_first", "1/s", throughput["first"]...)
	m.add("throughput_of_the_last", "1/s", throughput["last"]...)
	return nil
}

// callOnce calls many functions once and measures what Envoy keeps of each.
func (m *manyRoutes) callOnce(ctx context.Context) error {
	count := min(m.options.Called, m.world.size)
	before, err := memoryOf(m.child.pid())
	if err != nil {
		return err
	}
	var next, failed atomic.Int64
	var callers sync.WaitGroup
	for range 8 {
		callers.Go(func() {
			for i := next.Add(1); i <= int64(count); i = next.Add(1) {
				if m.world.status(ctx, m.world.path(int(i-1))) != 200 {
					failed.Add(1)
				}
			}
		})
	}
	callers.Wait()
	if err := ctx.Err(); err != nil {
		return err
	}
	after, err := memoryOf(m.child.pid())
	if err != nil {
		return err
	}
	m.add("failures_of_first_calls", "", float64(failed.Load()))
	m.add("envoy_resident_all_called", "MiB", after.resident)
	m.add("envoy_per_called_function", "kB", (after.resident-before.resident)*1.048576*1000/float64(count))
	return nil
}

// quickly polls without a pause that would be seen in what is measured.
func quickly(ctx context.Context, what string, done func() bool) error {
	const pause, patience = 500 * time.Microsecond, 2 * time.Minute
	for end := time.Now().Add(patience); !done(); {
		if time.Now().After(end) {
			return fmt.Errorf("waited %s for %s", patience, what)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
	}
	return nil
}
