package autoscaler

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"hotpod.dev/wire"
)

// metrics of the autoscaler, and of the functions, which are read from their records so that a function's series
// end with the function.
type metrics struct {
	tick     prometheus.Histogram
	claims   *prometheus.CounterVec
	claiming prometheus.Histogram
	drains   prometheus.Counter
	reports  prometheus.Counter
	streams  prometheus.Gauge
}

func newMetrics(r prometheus.Registerer, a *Autoscaler) *metrics {
	m := &metrics{
		tick: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "hotpod_autoscaler_tick_seconds", Help: "Time to look at every active function once.",
			Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, 1},
		}),
		claims: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "hotpod_autoscaler_claims_total", Help: "Claims by result: hot, canceled, or the reason of the failure.",
		}, []string{"result"}),
		claiming: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "hotpod_autoscaler_claim_seconds", Help: "Time from a claim to its hot pod.",
			Buckets: []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 120},
		}),
		drains: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "hotpod_autoscaler_drains_total", Help: "Pods that the autoscaler chose to drain.",
		}),
		reports: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "hotpod_autoscaler_reports_total", Help: "Reports read from queue-proxies.",
		}),
		streams: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "hotpod_autoscaler_activators", Help: "Activators whose demand stream is open.",
		}),
	}
	r.MustRegister(m.tick, m.claims, m.claiming, m.drains, m.reports, m.streams, newCollector(a))
	return m
}

func (m *metrics) claim(err error, took time.Duration) {
	failure, known := errors.AsType[*wire.Failure](err)
	switch {
	case err == nil:
		m.claims.WithLabelValues("hot").Inc()
		m.claiming.Observe(took.Seconds())
	case known:
		m.claims.WithLabelValues(failure.Reason).Inc()
	case errors.Is(err, context.Canceled):
		m.claims.WithLabelValues("canceled").Inc()
	default:
		m.claims.WithLabelValues("error").Inc()
	}
}

// collector makes the functions' series when they are read.
type collector struct {
	a                                                      *Autoscaler
	requests, refused, duration, concurrency, wanted, pods *prometheus.Desc
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
		concurrency: desc("hotpod_function_concurrency", "Mean of requests in pods over the stable window."),
		wanted:      desc("hotpod_autoscaler_wanted_pods", "Pods that the last decision wants, and why.", "reason"),
		pods:        desc("hotpod_function_pods", "Pods by state: hot, starting, draining.", "state"),
	}
}

// Describe implements prometheus.Collector.
func (c *collector) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{c.requests, c.refused, c.duration, c.concurrency, c.wanted, c.pods} {
		out <- d
	}
}

// Collect implements prometheus.Collector.
func (c *collector) Collect(out chan<- prometheus.Metric) {
	for _, s := range c.a.samples() {
		c.collect(out, s)
	}
}

// sample is a function's figures at one moment.
type sample struct {
	id                      wire.FunctionID
	totals                  totals
	decision                Decision
	hot, starting, draining int
	concurrency             float64
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
	s.hot, s.starting, s.decision = len(serving), f.starting(), f.live.decision
	for _, p := range f.live.pods {
		if p.leaving {
			s.draining++
		}
	}
	if f.live.windows != nil {
		s.concurrency, _ = f.live.windows.Mean(now, f.spec.StableWindow)
	}
}

func (c *collector) collect(out chan<- prometheus.Metric, s sample) {
	labels := []string{s.id.Namespace, s.id.Name}
	emit := func(d *prometheus.Desc, t prometheus.ValueType, v float64, more ...string) {
		out <- prometheus.MustNewConstMetric(d, t, v, append(labels[:2:2], more...)...)
	}
	for class, n := range s.totals.requests {
		emit(c.requests, prometheus.CounterValue, float64(n), className(class))
	}
	emit(c.refused, prometheus.CounterValue, float64(s.totals.refused))
	emit(c.concurrency, prometheus.GaugeValue, s.concurrency)
	emit(c.wanted, prometheus.GaugeValue, float64(s.decision.Wanted), string(s.decision.Reason))
	emit(c.pods, prometheus.GaugeValue, float64(s.hot), "hot")
	emit(c.pods, prometheus.GaugeValue, float64(s.starting), "starting")
	emit(c.pods, prometheus.GaugeValue, float64(s.draining), "draining")
	count, buckets := cumulate(s.totals.buckets)
	out <- prometheus.MustNewConstHistogram(c.duration, count, float64(s.totals.micros)/1e6, buckets, labels...)
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
