package perf

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"strconv"
	"time"
)

// entrant is what is compared in a contest: a process, or several in a row, that requests go through.
type entrant struct {
	name string
	// parameters that are the entrant's own, such as its limit.
	parameters map[string]string
	// enter starts it.
	enter func(context.Context) (*entry, error)
}

// entry is an entrant that runs.
type entry struct {
	// address and header are where requests go, and lines that they need.
	address string
	path    string
	header  []string
	// processes are those whose processor time and memory count.
	processes []int
	// ready is the time from exec until it accepted connections.
	ready time.Duration
	stop  func()
}

// entry is the child as an entry that serves at an address.
func (c *child) entry(address string, stop func()) *entry {
	return &entry{address: address, path: "/", header: markers(), processes: []int{c.pid()}, stop: stop}
}

// unless returns the entry, or stops it for an error.
func (e *entry) unless(err error) (*entry, error) {
	if err != nil {
		e.stop()
		return nil, err
	}
	return e, nil
}

// course is one load of a contest.
type course struct{ connections, body int }

func (c course) parameters() map[string]string {
	return map[string]string{"connections": strconv.Itoa(c.connections), "body": size(c.body)}
}

// size writes a number of bytes as people say it.
func size(bytes int) string {
	if bytes >= 1000 {
		return strconv.Itoa(bytes/1000) + " kB"
	}
	return strconv.Itoa(bytes) + " B"
}

// contest measures entrants on courses. An entrant is started, runs all courses and is stopped again, since some have
// ports that no other may hold meanwhile; this is repeated, each time beginning with another one.
type contest struct {
	scenario string
	entrants []entrant
	courses  []course
	repeats  int
	duration time.Duration
	// reference is the index of the entrant whose latency the others add to.
	reference int
	log       *slog.Logger
}

// lap is what one entrant did on one course in one repeat.
type lap struct {
	throughput, p50, p99, perSecond, perRequest float64
	// transfers are the reads and writes for a request, a count that nothing else on the machine disturbs.
	transfers float64
	// front is the part of perRequest that the first of several processes used.
	front    float64
	failures int64
}

// scores are the laps of an entrant on a course, and its memory.
type scores struct {
	laps   map[course][]lap
	rest   []memoryUse
	loaded []memoryUse
}

// settle is how long an entrant is left alone before its memory at rest is read.
const settle = 300 * time.Millisecond

// run measures everything and adds the rows.
func (c *contest) run(ctx context.Context, r *Results) error {
	all := make([]scores, len(c.entrants))
	for i := range all {
		all[i].laps = map[course][]lap{}
	}
	for repeat := range c.repeats {
		for turn := range c.entrants {
			i := (turn + repeat) % len(c.entrants)
			if err := c.life(ctx, c.entrants[i], &all[i]); err != nil {
				return fmt.Errorf("%s: %w", c.entrants[i].name, err)
			}
		}
		c.log.Info("contest", "scenario", c.scenario, "round", repeat+1, "of", c.repeats)
	}
	for i, e := range c.entrants {
		c.add(r, e, &all[i], &all[c.reference], i == c.reference)
	}
	return nil
}

// life starts an entrant, sends it over every course and stops it.
func (c *contest) life(ctx context.Context, e entrant, s *scores) error {
	running, err := e.enter(ctx)
	if err != nil {
		return err
	}
	defer running.stop()
	if err := pause(ctx, settle); err != nil {
		return err
	}
	s.rest = appendMemory(s.rest, running.processes)
	warm := 2 * c.duration / 3
	for _, course := range c.courses {
		l, err := c.lap(ctx, running, course, warm)
		if err != nil {
			return fmt.Errorf("%d connections, body of %s: %w", course.connections, size(course.body), err)
		}
		warm = c.duration / 5
		s.laps[course] = append(s.laps[course], l)
	}
	s.loaded = appendMemory(s.loaded, running.processes)
	return nil
}

// appendMemory adds what the processes hold together.
func appendMemory(uses []memoryUse, processes []int) []memoryUse {
	var sum memoryUse
	for _, pid := range processes {
		if m, err := memoryOf(pid); err == nil {
			sum.resident += m.resident
			sum.anonymous += m.anonymous
		}
	}
	if sum.resident == 0 {
		return uses
	}
	return append(uses, sum)
}

// lap puts one load on a running entrant, after a load that is not counted.
func (c *contest) lap(ctx context.Context, e *entry, on course, warm time.Duration) (lap, error) {
	ask := request{path: e.path, header: e.header, body: on.body}
	l := Load{New: dialer(e.address, ask), Connections: on.connections, Duration: warm}
	if _, err := l.Run(ctx); err != nil {
		return lap{}, err
	}
	l.Duration = c.duration
	front := e.processes[:min(len(e.processes), 1)]
	before, frontBefore, made := used(e.processes), used(front), transferred(e.processes)
	m, err := l.Run(ctx)
	if err != nil {
		return lap{}, err
	}
	processor, calls := used(e.processes)-before, transferred(e.processes)-made
	if m.Requests == 0 {
		return lap{}, fmt.Errorf("no request succeeded: %w", m.FirstError)
	}
	if m.Failures > 0 {
		c.log.Error("requests failed", "count", m.Failures, "first", m.FirstError)
	}
	done := lap{throughput: m.Throughput(), p50: m.Quantile(0.5), p99: m.Quantile(0.99), failures: m.Failures}
	if processor > 0 {
		done.perSecond = float64(m.Requests) / processor.Seconds()
		done.perRequest = float64(processor.Nanoseconds()) / 1000 / float64(m.Requests)
		if len(e.processes) > 1 {
			done.front = float64((used(front) - frontBefore).Nanoseconds()) / 1000 / float64(m.Requests)
		}
		done.transfers = float64(calls) / float64(m.Requests)
	}
	return done, nil
}

// transferred sums the reads and writes of processes.
func transferred(processes []int) (sum int64) {
	for _, pid := range processes {
		if n, ok := transfers(pid); ok {
			sum += n
		}
	}
	return sum
}

// add makes an entrant's rows.
func (c *contest) add(r *Results, e entrant, s, reference *scores, isReference bool) {
	var failures float64
	for _, on := range c.courses {
		row := Row{Scenario: c.scenario, Contestant: e.name, Parameters: maps.Clone(e.parameters)}
		if row.Parameters == nil {
			row.Parameters = map[string]string{}
		}
		maps.Copy(row.Parameters, on.parameters())
		laps := s.laps[on]
		addLaps(r, row, laps)
		if !isReference {
			added := make([]float64, 0, len(laps))
			for i, l := range laps {
				added = append(added, l.p99-reference.laps[on][i].p99)
			}
			row.Metric, row.Unit = "latency_p99_added", "ms"
			r.Add(row, added...)
		}
		for _, l := range laps {
			failures += float64(l.failures)
		}
	}
	row := Row{Scenario: c.scenario, Contestant: e.name, Parameters: maps.Clone(e.parameters)}
	for _, m := range []struct {
		suffix string
		uses   []memoryUse
	}{{"_rest", s.rest}, {"_loaded", s.loaded}} {
		addMemoryRows(r, row, m.suffix, m.uses)
	}
	row.Metric, row.Unit = "failures", "requests"
	r.Add(row, failures)
}

func addLaps(r *Results, row Row, laps []lap) {
	for _, m := range []struct {
		name, unit string
		of         func(lap) float64
	}{
		{"requests_per_cpu_second", "requests", func(l lap) float64 { return l.perSecond }},
		{"cpu", "µs/request", func(l lap) float64 { return l.perRequest }},
		{"cpu_in_front", "µs/request", func(l lap) float64 { return l.front }},
		{"reads_and_writes", "calls/request", func(l lap) float64 { return l.transfers }},
		{"throughput", "requests/s", func(l lap) float64 { return l.throughput }},
		{"latency_p50", "ms", func(l lap) float64 { return l.p50 }},
		{"latency_p99", "ms", func(l lap) float64 { return l.p99 }},
	} {
		values := make([]float64, 0, len(laps))
		for _, l := range laps {
			if v := m.of(l); v > 0 {
				values = append(values, v)
			}
		}
		r.addAll(row, metric{m.name, m.unit, values})
	}
}

func addMemoryRows(r *Results, row Row, suffix string, uses []memoryUse) {
	resident, anonymous := make([]float64, 0, len(uses)), make([]float64, 0, len(uses))
	for _, m := range uses {
		resident = append(resident, m.resident)
		anonymous = append(anonymous, m.anonymous)
	}
	r.addAll(row, metric{"resident" + suffix, "MiB", resident}, metric{"anonymous" + suffix, "MiB", anonymous})
}
