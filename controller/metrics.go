package controller

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"hotpod.dev/kube"
)

// metrics count the work of the reconcilers by kind.
type metrics struct {
	reconciles *prometheus.CounterVec
	seconds    *prometheus.HistogramVec
}

func newMetrics(r prometheus.Registerer) (*metrics, error) {
	m := &metrics{
		reconciles: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "hotpod_controller_reconciles_total",
			Help: "Reconciles by kind of object and result (ok, error).",
		}, []string{"kind", "result"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "hotpod_controller_reconcile_duration_seconds",
			Help:    "Time of a reconcile by kind of object.",
			Buckets: []float64{.001, .005, .025, .1, .5, 2.5},
		}, []string{"kind"}),
	}
	for _, c := range []prometheus.Collector{m.reconciles, m.seconds} {
		if err := r.Register(c); err != nil {
			return nil, err
		}
	}
	return m, nil
}

type reconcile func(ctx context.Context, key kube.Key) (time.Duration, error)

// measured counts the calls of f.
func (m *metrics) measured(kind string, f reconcile) reconcile {
	return func(ctx context.Context, key kube.Key) (time.Duration, error) {
		began := time.Now()
		again, err := f(ctx, key)
		result := "ok"
		if err != nil {
			result = "error"
		}
		m.reconciles.WithLabelValues(kind, result).Inc()
		m.seconds.WithLabelValues(kind).Observe(time.Since(began).Seconds())
		return again, err
	}
}
