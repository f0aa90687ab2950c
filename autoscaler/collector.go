package autoscaler

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"hotpod.dev/autoscaler/law"
	"hotpod.dev/wire"
)

// collector makes the functions' series when they are read.
type collector struct {
	a *Autoscaler

	requests, refused, duration, concurrency, pods    *prometheus.Desc
	wanted, load, target, panicking, minimum, changed *prometheus.Desc
}

func newCollector(a *Autoscaler) *collector {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc(name, help, append([]string{"namespace", "function"}, labels...), nil)
	}
	return &collector{
		a:           a,
		requests:    desc("hotpod_function_requests_total", "Finished requests; code_class none is for clients that went away.", "code_class"),
		refused:     desc("hotpod_function_refused_total", "Requests that pods refused before the function saw them."),
		duration:    desc("hotpod_function_request_duration_seconds", "Time of finished requests inside the function."),
		concurrency: desc("hotpod_function_concurrency", "Requests in pods in the last second."),
		pods:        desc("hotpod_function_pods", "Pods by state: hot, starting, draining.", "state"),
		wanted:      desc("hotpod_autoscaler_wanted_pods", "Pods that the last decision wants, and why.", "reason"),
		load:        desc("hotpod_autoscaler_load", "Load in all, over the stable and the panic window, in the function's metric: concurrency or rps.", "metric", "window"),
		target:      desc("hotpod_autoscaler_target", "Load that a pod shall have, in the function's metric.", "metric"),
		panicking:   desc("hotpod_autoscaler_panicking", "1 while nothing is taken away because the load rose steeply."),
		minimum:     desc("hotpod_autoscaler_minimum_pods", "Pods that are kept without load now, schedules included."),
		changed:     desc("hotpod_autoscaler_changed_timestamp_seconds", "When another number of pods was wanted last."),
	}
}

// Describe implements prometheus.Collector.
func (c *collector) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		c.requests, c.refused, c.duration, c.concurrency, c.pods, c.wanted, c.load, c.target, c.panicking, c.minimum, c.changed,
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
			c.collectDecision(e, s)
		}
	}
}

// sample is a function's figures at one moment.
type sample struct {
	id                      wire.FunctionID
	totals                  totals
	decision                law.Decision
	changed                 time.Time
	hot, starting, draining int
	concurrency             float64
	// live says that what follows is set.
	live           bool
	metric         string
	stable, urgent float64
	target         float64
	panicking      bool
	minimum        int
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
		s := sample{id: f.id, decision: f.decision, changed: f.changed}
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
	s.concurrency = f.concurrency(now)
	s.stable, s.urgent = f.averages(now)
	s.metric, s.target, s.panicking, s.minimum = string(f.spec.Metric), f.spec.Target, f.live.state.Panicking, f.spec.Floor()
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

func (c *collector) collect(e emitter, s sample) {
	for class, n := range s.totals.requests {
		e.emit(c.requests, prometheus.CounterValue, float64(n), className(class))
	}
	e.emit(c.refused, prometheus.CounterValue, float64(s.totals.refused))
	e.gauge(c.concurrency, s.concurrency)
	e.gauge(c.wanted, float64(s.decision.Wanted), string(s.decision.Reason))
	e.gauge(c.pods, float64(s.hot), "hot")
	e.gauge(c.pods, float64(s.starting), "starting")
	e.gauge(c.pods, float64(s.draining), "draining")
	if !s.changed.IsZero() {
		e.gauge(c.changed, float64(s.changed.UnixMilli())/1000)
	}
	count, buckets := cumulate(s.totals.buckets)
	e.out <- prometheus.MustNewConstHistogram(c.duration, count, float64(s.totals.micros)/1e6, buckets, e.labels...)
}

// collectDecision sends what the decision was made from.
func (c *collector) collectDecision(e emitter, s sample) {
	e.gauge(c.load, s.stable, s.metric, "stable")
	e.gauge(c.load, s.urgent, s.metric, "panic")
	e.gauge(c.target, s.target, s.metric)
	e.gauge(c.minimum, float64(s.minimum))
	panicking := 0.0
	if s.panicking {
		panicking = 1
	}
	e.gauge(c.panicking, panicking)
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
