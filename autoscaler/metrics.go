package autoscaler

import (
	"context"
	"errors"
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
	// decisions count changes of what is wanted.
	decisions *prometheus.CounterVec
}

func newMetrics(r prometheus.Registerer, a *Autoscaler) *metrics {
	m := &metrics{
		tick: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "hotpod_autoscaler_tick_duration_seconds", Help: "Time to look at every active function once.",
			Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, 1},
		}),
		claims: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "hotpod_autoscaler_claims_total", Help: "Claims by result: hot, canceled, error, or the reason of the failure.",
		}, []string{"result"}),
		claiming: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "hotpod_autoscaler_claim_duration_seconds", Help: "Time from a claim to its hot pod.",
			Buckets: []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 120},
		}),
		drains: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "hotpod_autoscaler_drains_total", Help: "Pods that the autoscaler chose to drain.",
		}),
		reports: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "hotpod_autoscaler_reports_total", Help: "Reports read from queue-proxies.",
		}),
		streams: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "hotpod_autoscaler_connected_activators", Help: "Activators whose demand stream is open.",
		}),
		decisions: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "hotpod_autoscaler_decisions_total", Help: "Decisions that wanted another number of pods than before, by their reason.",
		}, []string{"reason"}),
	}
	r.MustRegister(m.tick, m.claims, m.claiming, m.drains, m.reports, m.streams, m.decisions, newCollector(a))
	if a.config.FissionNames {
		r.MustRegister(newFissionNames(a))
	}
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
