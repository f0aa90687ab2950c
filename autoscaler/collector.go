package autoscaler

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"hotpod.dev/autoscaler/law"
	"hotpod.dev/wire"
)

// collector makes the functions' series when they are read. A function that was never called has none; of one that is idle
// only the counters are left that are not zero. The series end with the function.
type collector struct {
	a *Autoscaler

	requests, refusals, failures, cold, spills, claims     *prometheus.Desc
	duration, hold, concurrency, pods                      *prometheus.Desc
	wanted, load, target, panicking, minimum, max, changed *prometheus.Desc
}

func newCollector(a *Autoscaler) *collector {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc(name, help, append([]string{"function_namespace", "function"}, labels...), nil)
	}
	return &collector{
		a:           a,
		requests:    desc("hotpod_function_requests_total", "Requests that pods finished; code_class none is for clients that went away.", "code_class"),
		refusals:    desc("hotpod_function_refusals_total", "Requests that pods refused before the function saw them."),
		failures:    desc("hotpod_function_failures_total", "Requests that the platform answered with an error in place of the function.", "reason"),
		cold:        desc("hotpod_function_cold_requests_total", "Requests that came when the function had no hot pod."),
		spills:      desc("hotpod_function_spills_total", "Requests that came to an activator though the function had hot pods."),
		claims:      desc("hotpod_function_claims_total", "Claims of warm pods for the function by result: hot, failed.", "result"),
		duration:    desc("hotpod_function_request_duration_seconds", "Time of finished requests inside the function."),
		hold:        desc("hotpod_function_hold_seconds_total", "Time that requests waited at activators until a pod took them."),
		concurrency: desc("hotpod_function_concurrency", "Requests in pods in the last second."),
		pods:        desc("hotpod_function_pods", "Pods by state: hot, starting, draining.", "state"),
		wanted:      desc("hotpod_autoscaler_wanted_pods", "Pods that the last decision wants, and why.", "reason"),
		load:        desc("hotpod_autoscaler_load", "Load in all, over the stable and the panic window, in the function's metric: concurrency or rps.", "metric", "window"),
		target:      desc("hotpod_autoscaler_target", "Load that a pod shall have, in the function's metric.", "metric"),
		panicking:   desc("hotpod_autoscaler_panicking", "1 while nothing is taken away because the load rose steeply."),
		minimum:     desc("hotpod_autoscaler_minimum_pods", "Pods that are kept without load now, schedules included."),
		max:         desc("hotpod_autoscaler_maximum_pods", "Most pods that the function may have now."),
		changed:     desc("hotpod_autoscaler_wanted_changed_timestamp_seconds", "When another number of pods was wanted last."),
	}
}

// Describe implements prometheus.Collector.
func (c *collector) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		c.requests, c.refusals, c.failures, c.cold, c.spills, c.claims, c.duration, c.hold, c.concurrency, c.pods,
		c.wanted, c.load, c.target, c.panicking, c.minimum, c.max, c.changed,
	} {
		out <- d
	}
}

// Collect implements prometheus.Collector.
func (c *collector) Collect(out chan<- prometheus.Metric) {
	for _, s := range c.a.samples() {
		e := emitter{out: out, labels: []string{s.id.Namespace, s.id.Name}}
		c.collect(e, s)
		if s.live {
			c.collectLive(e, s)
			c.collectDecision(e, s)
		}
	}
}

// sample is a function's figures at one moment.
type sample struct {
	id     wire.FunctionID
	totals totals
	// live says that what follows is set.
	live                    bool
	decision                law.Decision
	changed                 time.Time
	hot, starting, draining int
	concurrency             float64
	metric                  string
	stable, urgent          float64
	target                  float64
	panicking               bool
	minimum, maximum        int
	exemplar                exemplar
}

// samples returns the figures of every function that was ever called.
func (a *Autoscaler) samples() []sample {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := time.Now()
	all := make([]sample, 0, len(a.active))
	for _, f := range a.functions {
		if f.totals == nil && f.live == nil || f.object == nil {
			continue
		}
		s := sample{id: f.id}
		if f.totals != nil {
			s.totals = *f.totals
		}
		if f.live != nil {
			s.fill(f, now)
		}
		all = append(all, s)
	}
	return all
}

func (s *sample) fill(f *function, now time.Time) {
	serving, _ := f.serving()
	s.live, s.hot, s.starting = true, len(serving), f.starting()
	for _, p := range f.live.pods {
		if p.leaving {
			s.draining++
		}
	}
	s.decision, s.changed = f.decision, f.changed
	s.concurrency = f.concurrency(now)
	s.stable, s.urgent = f.averages(now)
	s.metric, s.target, s.panicking = string(f.spec.Metric), f.spec.Target, f.live.state.Panicking
	s.minimum, s.maximum = f.spec.Floor(), f.spec.Max
	s.exemplar = f.live.exemplar
}

// emitter sends series of one function.
type emitter struct {
	out    chan<- prometheus.Metric
	labels []string
}

func (e emitter) emit(d *prometheus.Desc, t prometheus.ValueType, v float64, more ...string) {
	e.out <- prometheus.MustNewConstMetric(d, t, v, append(e.labels[:2:2], more...)...)
}

func (e emitter) gauge(d *prometheus.Desc, v float64, more ...string) {
	e.emit(d, prometheus.GaugeValue, v, more...)
}

// count sends a counter that has counted something.
func (e emitter) count(d *prometheus.Desc, n uint64, more ...string) {
	if n > 0 {
		e.emit(d, prometheus.CounterValue, float64(n), more...)
	}
}

// collect sends the counters, which last as long as the function.
func (c *collector) collect(e emitter, s sample) {
	for class, n := range s.totals.requests {
		e.count(c.requests, n, className(class))
	}
	for i, n := range s.totals.ended.Failed {
		e.count(c.failures, n, wire.Failures[i])
	}
	e.count(c.refusals, s.totals.refused)
	e.count(c.cold, s.totals.ended.Cold)
	e.count(c.spills, s.totals.ended.Spilled)
	e.count(c.claims, s.totals.claimed, "hot")
	e.count(c.claims, s.totals.unclaimed, "failed")
}

// collectLive sends what is only worth its series while something goes on.
func (c *collector) collectLive(e emitter, s sample) {
	e.gauge(c.concurrency, s.concurrency)
	e.gauge(c.pods, float64(s.hot), "hot")
	e.gauge(c.pods, float64(s.starting), "starting")
	e.gauge(c.pods, float64(s.draining), "draining")
	e.emit(c.hold, prometheus.CounterValue, float64(s.totals.ended.HoldMicros)/1e6)
	e.out <- s.exemplar.on(s.totals.histogram(c.duration, e.labels))
}

// collectDecision sends the decision and what it was made from.
func (c *collector) collectDecision(e emitter, s sample) {
	e.gauge(c.wanted, float64(s.decision.Wanted), string(s.decision.Reason))
	if !s.changed.IsZero() {
		e.gauge(c.changed, float64(s.changed.UnixMilli())/1000)
	}
	e.gauge(c.load, s.stable, s.metric, "stable")
	e.gauge(c.load, s.urgent, s.metric, "panic")
	e.gauge(c.target, s.target, s.metric)
	e.gauge(c.minimum, float64(s.minimum))
	e.gauge(c.max, float64(s.maximum))
	panicking := 0.0
	if s.panicking {
		panicking = 1
	}
	e.gauge(c.panicking, panicking)
}

// histogram returns the requests' times.
func (t *totals) histogram(d *prometheus.Desc, labels []string) prometheus.Metric {
	count, buckets := cumulate(t.buckets)
	return prometheus.MustNewConstHistogram(d, count, float64(t.micros)/1e6, buckets, labels...)
}

// cumulate turns counts per bucket into Prometheus' counts up to a bound.
func cumulate(counts [len(wire.DurationBuckets) + 1]uint64) (total uint64, upTo map[float64]uint64) {
	upTo = make(map[float64]uint64, len(wire.DurationBuckets))
	for i, n := range counts {
		total += n
		if i < len(wire.DurationBuckets) {
			upTo[wire.DurationBuckets[i]] = total
		}
	}
	return total, upTo
}

func className(class int) string {
	if class == 0 {
		return "none"
	}
	return strconv.Itoa(class) + "xx"
}
