package storage

import (
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics are what the store exports.
type metrics struct {
	calls    *prometheus.CounterVec
	received prometheus.Counter
	pruned   prometheus.Counter
}

func newMetrics(r prometheus.Registerer, u *usage) *metrics {
	m := &metrics{
		calls: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "hotpod_storage_calls_total", Help: "Calls by what they asked for and the status code they got; 200 stands for every success.",
		}, []string{"call", "code"}),
		received: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "hotpod_storage_received_bytes_total", Help: "Size of the archives that were uploaded.",
		}),
		pruned: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "hotpod_storage_pruned_archives_total", Help: "Archives deleted because no package named them.",
		}),
	}
	r.MustRegister(m.calls, m.received, m.pruned,
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "hotpod_storage_archives", Help: "Archives in the store.",
		}, func() float64 { n, _ := u.total(); return float64(n) }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "hotpod_storage_archives_bytes", Help: "Size of the archives in the store.",
		}, func() float64 { _, b := u.total(); return float64(b) }))
	return m
}

func (m *metrics) call(what string, err error) {
	status := 200
	if err != nil {
		status = statusOf(err)
	}
	m.calls.WithLabelValues(what, strconv.Itoa(status)).Inc()
}
