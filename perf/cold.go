package perf

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// ColdOptions say how many cold starts to measure.
type ColdOptions struct {
	// Functions whose first request comes alone; AtOnce first requests that come at once, Rounds times; Crowd that come
	// at once when the pool is as large; Empty first requests to an environment without a pool.
	Functions, AtOnce, Rounds, Crowd, Empty int
	// Settle is a quiet time before each measurement, after the pool is full again.
	Settle time.Duration
}

func (c *Config) coldFlags(fs *flag.FlagSet) {
	c.countFlag(fs, &c.Cold.Functions, "functions", 50, "cold: functions whose first request comes alone")
	c.countFlag(fs, &c.Cold.AtOnce, "at-once", 20, "cold: first requests that come at once")
	c.countFlag(fs, &c.Cold.Rounds, "rounds", 3, "cold: how often so many come at once")
	c.countFlag(fs, &c.Cold.Crowd, "crowd", 100, "cold: first requests that come at once when the pool is as large, and once only")
	c.countFlag(fs, &c.Cold.Empty, "empty", 3, "cold: first requests that find no warm pod")
	fs.DurationVar(&c.Cold.Settle, "settle", 300*time.Millisecond, "cold: quiet time before each measurement")
}

// batch is how many functions exist at a time, so that hot pods do not fill the machine.
const batch = 20

// cold is one run of the scenario.
type cold struct {
	s         *Session
	fleet     *fleet
	addresses *nextAddress
	file      string
	failures  int
}

// samples are times in milliseconds: first requests of functions, and loads of the same file by the runtime alone.
type samples struct {
	first, load []float64
	// busy is the share of the machine's processors that was used meanwhile, in percent.
	firstBusy, loadBusy []float64
}

// Cold measures the first request of distinct functions whose environment has a warm pool, one at a time and several
// at once, the runtime's own load of the same file beside each, and first requests that find no warm pod.
func Cold(ctx context.Context, s *Session, r *Results) error {
	o := s.config.Cold
	tmp, err := os.MkdirTemp("", "hotpod-perf-")
	if err != nil {
		return fmt.Errorf("make a folder for the function: %w", err)
	}
	defer os.RemoveAll(tmp)
	c := &cold{s: s, addresses: &nextAddress{}, file: filepath.Join(tmp, "deployarchive")}
	if err := c.pooled(ctx, o, r); err != nil {
		return err
	}
	if o.Crowd > 0 {
		if err := c.crowd(ctx, o, r); err != nil {
			return err
		}
	}
	if err := c.unpooled(ctx, o, r); err != nil {
		return err
	}
	row := Row{Scenario: "cold", Contestant: "hotpod", Parameters: map[string]string{"at_once": "all"}, Metric: "failures", Unit: "requests"}
	r.Add(row, float64(c.failures))
	return nil
}

func (c *cold) pooled(ctx context.Context, o ColdOptions, r *Results) (err error) {
	if c.fleet, err = c.s.newFleet(ctx, "cold", o.AtOnce); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.fleet.delete(ctx)) }()
	if err := os.WriteFile(c.file, c.fleet.source, 0o600); err != nil {
		return fmt.Errorf("write the function: %w", err)
	}
	alone, err := c.rounds(ctx, o, o.Functions, 1)
	if err != nil {
		return err
	}
	c.add(r, "1", alone)
	together, err := c.rounds(ctx, o, o.AtOnce*o.Rounds, o.AtOnce)
	if err != nil {
		return err
	}
	c.add(r, strconv.Itoa(o.AtOnce), together)
	return nil
}

// crowd measures many first requests at once, with a warm pod for each.
func (c *cold) crowd(ctx context.Context, o ColdOptions, r *Results) (err error) {
	if c.fleet, err = c.s.newFleet(ctx, "crowd", o.Crowd); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.fleet.delete(ctx)) }()
	members, err := c.fleet.add(ctx, o.Crowd, nil)
	// The environment goes first: else the pool would be filled again only to be deleted.
	defer func() { err = errors.Join(err, c.fleet.retire(ctx), c.fleet.remove(ctx, members)) }()
	if err != nil {
		return err
	}
	var all samples
	if err := c.group(ctx, o, members, &all); err != nil {
		return err
	}
	c.s.log.Info("cold starts measured", "at_once", o.Crowd, "median_ms", spread(all.first).median,
		"load_median_ms", spread(all.load).median, "machine_busy", all.firstBusy)
	c.add(r, strconv.Itoa(o.Crowd), all)
	return nil
}

// rounds measures n functions, atOnce at a time.
func (c *cold) rounds(ctx context.Context, o ColdOptions, n, atOnce int) (samples, error) {
	var all samples
	for n > 0 {
		size := min(n, max(batch, atOnce))
		n -= size
		got, err := c.batch(ctx, o, size, atOnce)
		if err != nil {
			return all, err
		}
		all.first = append(all.first, got.first...)
		all.load = append(all.load, got.load...)
		all.firstBusy = append(all.firstBusy, got.firstBusy...)
		all.loadBusy = append(all.loadBusy, got.loadBusy...)
		c.s.log.Info("cold starts measured", "at_once", atOnce, "left", n, "median_ms", spread(all.first).median, "load_median_ms", spread(all.load).median)
	}
	return all, nil
}

func (c *cold) batch(ctx context.Context, o ColdOptions, size, atOnce int) (got samples, err error) {
	members, err := c.fleet.add(ctx, size, nil)
	defer func() { err = errors.Join(err, c.fleet.remove(ctx, members)) }()
	if err != nil {
		return got, err
	}
	for begin := 0; begin < size; begin += atOnce {
		group := members[begin:min(begin+atOnce, size)]
		if err := c.group(ctx, o, group, &got); err != nil {
			return got, err
		}
	}
	return got, nil
}

// group measures as many loads by the runtime alone at once as there are functions, then the functions' first requests
// at once. Afterwards the pool is filled again, which would slow down whatever is measured then.
func (c *cold) group(ctx context.Context, o ColdOptions, members []member, got *samples) error {
	runtimes, err := c.startRuntimes(ctx, len(members))
	defer func() {
		for _, p := range runtimes {
			p.stop()
		}
	}()
	if err != nil {
		return err
	}
	if err := c.fleet.awaitPool(ctx); err != nil {
		return err
	}
	if err := pause(ctx, o.Settle); err != nil {
		return err
	}
	busy := busyMachine()
	load, err := loads(ctx, runtimes, c.file)
	got.load = append(got.load, load...)
	got.loadBusy = append(got.loadBusy, busy()...)
	if err != nil {
		return err
	}
	if err := pause(ctx, o.Settle); err != nil {
		return err
	}
	busy = busyMachine()
	got.first = append(got.first, c.firstRequests(ctx, members)...)
	got.firstBusy = append(got.firstBusy, busy()...)
	return nil
}

func (c *cold) startRuntimes(ctx context.Context, n int) ([]*runtimeProcess, error) {
	dir := filepath.Join(c.s.config.Environments, c.s.config.Environment)
	var started []*runtimeProcess
	for range n {
		p, err := startRuntime(ctx, dir, c.s.config.Programs, c.addresses.take())
		if err != nil {
			return started, err
		}
		started = append(started, p)
	}
	return started, nil
}

// firstRequests sends them at once, each on a connection that is open already. One that fails is counted, not timed.
func (c *cold) firstRequests(ctx context.Context, members []member) []float64 {
	clients := make([]*http.Client, len(members))
	prepare := func(i int) error {
		clients[i] = &http.Client{Transport: &http.Transport{}, Timeout: callTimeout}
		// A path without a route opens the connection; its answer does not matter.
		_, _, err := fetch(ctx, clients[i], http.MethodGet, "http://"+c.s.router+"/perf-no-such-route", nil)
		return err
	}
	times, errs := together(len(members), prepare, func(i int) (time.Duration, error) {
		return first(ctx, clients[i], "http://"+c.s.router+members[i].path, members[i].says)
	})
	for _, client := range clients {
		client.CloseIdleConnections()
	}
	for i, err := range errs {
		c.failures++
		c.s.log.Error("cold start failed", "function", members[i].name, "error", err)
	}
	return times
}

// first sends a request and returns how long its answer took, which must be 200 and contain the text.
func first(ctx context.Context, client *http.Client, url, says string) (time.Duration, error) {
	began := time.Now()
	status, body, err := fetch(ctx, client, http.MethodGet, url, nil)
	took := time.Since(began)
	switch {
	case err != nil:
		return 0, err
	case status != http.StatusOK:
		return 0, fmt.Errorf("status %d: %.300s", status, body)
	case !bytes.Contains(body, []byte(says)):
		return 0, fmt.Errorf("another function answered: %.300q", body)
	}
	return took, nil
}

func loads(ctx context.Context, runtimes []*runtimeProcess, file string) ([]float64, error) {
	prepare := func(i int) error { return runtimes[i].connect(ctx) }
	times, errs := together(len(runtimes), prepare, func(i int) (time.Duration, error) { return runtimes[i].load(ctx, file) })
	for _, err := range errs {
		return nil, fmt.Errorf("runtime alone: %w", err)
	}
	return times, nil
}

// unpooled measures first requests in an environment that keeps no warm pods, and what their time goes into: when after the
// request the pod that is made for it was seen to be where.
func (c *cold) unpooled(ctx context.Context, o ColdOptions, r *Results) (err error) {
	if c.fleet, err = c.s.newFleet(ctx, "empty", 0); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.fleet.delete(ctx)) }()
	members, err := c.fleet.add(ctx, o.Empty, nil)
	defer func() { err = errors.Join(err, c.fleet.remove(ctx, members)) }()
	if err != nil {
		return err
	}
	seen, err := c.fleet.watchTimes(ctx)
	if err != nil {
		return err
	}
	defer seen.close()
	metrics := []metric{{"latency", "ms", nil}}
	for _, m := range milestones() {
		metrics = append(metrics, metric{m.name + "_after", "ms", nil})
	}
	for _, m := range members {
		if err := pause(ctx, o.Settle); err != nil {
			return err
		}
		for _, took := range c.firstRequests(ctx, []member{m}) {
			began := time.Now().Add(-time.Duration(took * float64(time.Millisecond)))
			metrics[0].values = append(metrics[0].values, took)
			reached, err := seen.since(ctx, began)
			if err != nil {
				return err
			}
			for i, m := range milestones() {
				if at, there := reached[m.name]; there {
					metrics[i+1].values = append(metrics[i+1].values, at)
				}
			}
		}
	}
	r.addAll(Row{Scenario: "cold", Contestant: "hotpod with an empty pool", Parameters: map[string]string{"at_once": "1"}}, metrics...)
	return nil
}

// add makes rows of samples: their spread, and the median and p99 by themselves for goals.
func (c *cold) add(r *Results, atOnce string, s samples) {
	row := Row{Scenario: "cold", Parameters: map[string]string{"at_once": atOnce}}
	for _, part := range []struct {
		contestant, metric string
		values, busy       []float64
	}{{"hotpod", "latency", s.first, s.firstBusy}, {"runtime alone", "load", s.load, s.loadBusy}} {
		if len(part.values) == 0 {
			continue
		}
		row.Contestant = part.contestant
		r.addAll(row,
			metric{part.metric, "ms", part.values},
			metric{part.metric + "_p50", "ms", one(quantile(part.values, 0.5))},
			metric{part.metric + "_p99", "ms", one(quantile(part.values, 0.99))})
		if atOnce != "1" {
			r.addAll(row, metric{"machine_busy", "% of the processors", part.busy})
		}
	}
}
