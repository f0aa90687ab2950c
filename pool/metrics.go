package pool

import (
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/wire"
)

// metrics are what the pool counts.
type metrics struct {
	claims   *prometheus.CounterVec
	duration *prometheus.HistogramVec
	created  prometheus.Counter
	deleted  *prometheus.CounterVec
	start    prometheus.Histogram
}

func newMetrics(r prometheus.Registerer, p *Pool) (*metrics, error) {
	names, _ := p.cfg.metricNames()
	m := &metrics{
		claims: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: names + "claims_total", Help: "Claims by result: hot, failed, unavailable, canceled.",
		}, []string{"result"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: names + "claim_duration_seconds",
			Help: "Time of claims by phase: wait for a pod, specialize it (of which fetch and load), total.",
			Buckets: []float64{
				.0005, .001, .002, .004, .006, .008, .01, .015, .02, .03, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 120,
			},
		}, []string{"phase"}),
		created: prometheus.NewCounter(prometheus.CounterOpts{
			Name: names + "pods_created_total", Help: "Pods created.",
		}),
		deleted: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: names + "pods_deleted_total", Help: "Pods deleted by reason: outdated, unfit, broken, surplus, drained, failed.",
		}, []string{"reason"}),
		start: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: names + "pod_start_duration_seconds", Help: "Time from the wish for a pod until it was warm.",
			Buckets: []float64{.1, .25, .5, 1, 2, 3, 5, 10, 20, 30, 60, 120, 300},
		}),
	}
	return m, errors.Join(r.Register(m.claims), r.Register(m.duration), r.Register(m.created), r.Register(m.deleted),
		r.Register(m.start), r.Register(newCensus(p)))
}

// metricNames returns how the names of metrics begin, and the label of who has the pods.
func (c *Config) metricNames() (prefix, owner string) {
	if c.Own {
		return "hotpod_dedicated_", "function"
	}
	return "hotpod_pool_", "environment"
}

func (m *metrics) phase(name string, d time.Duration) {
	m.duration.WithLabelValues(name).Observe(d.Seconds())
}

func (m *metrics) claimed(err error, d time.Duration) {
	var failure *wire.Failure
	result := "canceled"
	switch {
	case err == nil:
		result = "hot"
		m.phase("total", d)
	case errors.As(err, &failure) && failure.Reason == v1.ReasonSpecializationFailed:
		result = "failed"
	case failure != nil:
		result = "unavailable"
	}
	m.claims.WithLabelValues(result).Inc()
}

// census counts the pods when somebody asks.
type census struct {
	pool                            *Pool
	pods, wanted, rate, lead, stuck *prometheus.Desc
}

func newCensus(p *Pool) census {
	names, owner := p.cfg.metricNames()
	desc := func(name, help string, more ...string) *prometheus.Desc {
		return prometheus.NewDesc(names+name, help, append([]string{owner, owner + "_namespace"}, more...), nil)
	}
	return census{
		pool: p, pods: desc("pods", "Pods by their state.", "state"),
		wanted: desc("wanted_pods", "Warm pods that there shall be, and why.", "reason"),
		rate:   desc("claims_per_second", "Claims in the busiest 20 seconds of the last five minutes."),
		lead:   desc("lead_seconds", "Time until a claimed pod has a successor, nine times in ten."),
		stuck:  desc("unschedulable_pods", "Pods that find no node."),
	}
}

// Describe implements prometheus.Collector.
func (c census) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{c.pods, c.wanted, c.rate, c.lead, c.stuck} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (c census) Collect(ch chan<- prometheus.Metric) {
	c.pool.mu.Lock()
	defer c.pool.mu.Unlock()
	for _, e := range c.pool.environments {
		if e.object == nil || c.pool.cfg.Own && len(e.members) == 0 {
			continue
		}
		var counts [Gone]int
		for _, m := range e.members {
			counts[m.state]++
		}
		for s, n := range counts {
			ch <- e.gauge(c.pods, float64(n), State(s).String())
		}
		ch <- e.gauge(c.wanted, float64(e.size.Wanted), string(e.size.Reason))
		ch <- e.gauge(c.rate, e.supply.Rate(c.pool.clock()))
		ch <- e.gauge(c.lead, e.supply.Lead().Seconds())
		ch <- e.gauge(c.stuck, float64(e.told.Unschedulable))
	}
}

// gauge is a value of the environment's, with more labels than its name.
func (e *environment) gauge(d *prometheus.Desc, v float64, more ...string) prometheus.Metric {
	return prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, append([]string{e.object.Name, e.object.Namespace}, more...)...)
}
