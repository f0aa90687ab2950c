package xds

import (
	"strings"

	"github.com/prometheus/client_golang/prometheus"

	"hotpod.dev/wire"
)

// metrics of the discovery server.
type metrics struct {
	envoys   prometheus.Gauge
	sent     *prometheus.CounterVec
	refusals *prometheus.CounterVec
	rebuild  prometheus.Histogram
	faults   *faultCount
}

func newMetrics(r prometheus.Registerer, routes func() map[wire.RouteState]int) (*metrics, error) {
	m := &metrics{
		faults: newFaultCount(),
		envoys: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "hotpod_xds_connected_envoys", Help: "Envoys that are connected.",
		}),
		sent: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "hotpod_xds_resources_sent_total", Help: "Resources sent to Envoys, removals included.",
		}, []string{"type"}),
		refusals: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "hotpod_xds_rejections_total", Help: "Answers that an Envoy refused. Each is a bug or a version of Envoy that is too old.",
		}, []string{"type"}),
		rebuild: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "hotpod_xds_rebuild_duration_seconds", Help: "Time to build the route tables.",
			Buckets: []float64{.001, .003, .01, .03, .1, .3, 1, 3},
		}),
	}
	if r == nil {
		return m, nil
	}
	for _, c := range []prometheus.Collector{m.envoys, m.sent, m.refusals, m.rebuild, m.faults.total, routeCount(routes)} {
		if err := r.Register(c); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// routeCount counts routes by their published state, when it is asked.
type routeCount func() map[wire.RouteState]int

func (routeCount) desc() *prometheus.Desc {
	return prometheus.NewDesc("hotpod_xds_routes", "Routes by state.", []string{"state"}, nil)
}

// Describe implements prometheus.Collector.
func (c routeCount) Describe(ch chan<- *prometheus.Desc) { ch <- c.desc() }

// Collect implements prometheus.Collector.
func (c routeCount) Collect(ch chan<- prometheus.Metric) {
	for state, n := range c() {
		if state == "" {
			state = wire.RoutePending
		}
		ch <- prometheus.MustNewConstMetric(c.desc(), prometheus.GaugeValue, float64(n), string(state))
	}
}

// short is the last word of a type's URL.
func short(kind string) string { return kind[strings.LastIndexByte(kind, '.')+1:] }
