package event

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics are what a Sender and its queues export.
type metrics struct {
	deliveries *prometheus.CounterVec
	attempts   *prometheus.CounterVec
	latency    prometheus.Histogram
	pending    prometheus.Gauge
}

func newMetrics(r prometheus.Registerer, source string) *metrics {
	own := prometheus.Labels{"source": source}
	m := &metrics{
		deliveries: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "hotpod_event_deliveries_total", ConstLabels: own,
			Help: "Calls of functions for triggers that are done, by result: delivered, or failed, which is given up.",
		}, []string{"result"}),
		attempts: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "hotpod_event_attempts_total", ConstLabels: own,
			Help: "Attempts at such calls, by the class of their status; none is no answer.",
		}, []string{"code_class"}),
		latency: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "hotpod_event_delivery_duration_seconds", ConstLabels: own,
			Help:    "Time from when a call was due until it was delivered.",
			Buckets: []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300},
		}),
		pending: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "hotpod_event_pending_deliveries", ConstLabels: own, Help: "Calls that wait or are under way.",
		}),
	}
	r.MustRegister(m.deliveries, m.attempts, m.latency, m.pending)
	for _, result := range []string{"delivered", "failed"} {
		m.deliveries.WithLabelValues(result)
	}
	return m
}

func (m *metrics) attempt(status int) {
	code := "none"
	if status > 0 {
		code = strconv.Itoa(status/100) + "xx"
	}
	m.attempts.WithLabelValues(code).Inc()
}

func (m *metrics) done(c *Call, err error) {
	if err != nil {
		m.deliveries.WithLabelValues("failed").Inc()
		return
	}
	m.deliveries.WithLabelValues("delivered").Inc()
	m.latency.Observe(max(0, time.Since(c.Due).Seconds()))
}

// WatchTriggers exports the number of triggers.
func WatchTriggers(r prometheus.Registerer, source string, count func() int) {
	r.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "hotpod_event_triggers", Help: "Triggers that this replica looks after.", ConstLabels: prometheus.Labels{"source": source},
	}, func() float64 { return float64(count()) }))
}
