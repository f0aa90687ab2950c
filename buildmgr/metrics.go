package buildmgr

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics of builds.
type metrics struct {
	seconds *prometheus.HistogramVec
}

func newMetrics(r prometheus.Registerer) (*metrics, error) {
	m := &metrics{seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "hotpod_package_build_duration_seconds", Help: "Time that builds of packages took, by how they ended.",
		Buckets: []float64{.1, .5, 1, 2, 5, 10, 30, 60, 120, 300, 600},
	}, []string{"result"})}
	return m, r.Register(m.seconds)
}

func (m *metrics) ended(result string, start time.Time) {
	m.seconds.WithLabelValues(result).Observe(time.Since(start).Seconds())
}
