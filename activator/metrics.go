package activator

import (
	"strings"

	"github.com/prometheus/client_golang/prometheus"

	"hotpod.dev/proxy"
)

// metrics of an activator. Label values are resolved once, since counters are on the path of every request.
type metrics struct {
	requests   requestCounters
	attempts   map[proxy.Kind]prometheus.Counter
	hold       prometheus.Histogram
	placements prometheus.Counter
	// cold and spilled count requests by what they came for.
	cold, spilled prometheus.Counter
}

// requestCounters count requests by result.
type requestCounters struct {
	byResult map[result]prometheus.Counter
	invalid  prometheus.Counter
}

func (c requestCounters) of(r result) prometheus.Counter { return c.byResult[r] }

func newMetrics(r prometheus.Registerer, a *Activator) *metrics {
	requests := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "hotpod_activator_requests_total", Help: "Requests by how they ended.",
	}, []string{"result"})
	attempts := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "hotpod_activator_attempts_total", Help: "Requests sent to pods, by what the pod did.",
	}, []string{"result"})
	arrivals := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "hotpod_activator_arrivals_total", Help: "Requests by why they came: cold (no hot pod) or spill (the hot pods refused).",
	}, []string{"reason"})
	m := &metrics{
		requests: requestCounters{byResult: map[result]prometheus.Counter{}},
		attempts: map[proxy.Kind]prometheus.Counter{},
		cold:     arrivals.WithLabelValues("cold"), spilled: arrivals.WithLabelValues("spill"),
		hold: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "hotpod_activator_hold_duration_seconds", Help: "Time from a request's arrival to its sending to the pod that answered.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 120},
		}),
		placements: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "hotpod_activator_placements_total", Help: "Placements received from the autoscaler.",
		}),
	}
	for _, k := range []result{
		resultAnswered, resultGone, resultCapacity, resultHoldTimeout, resultUnavailable, resultBroken, resultInvalid,
	} {
		m.requests.byResult[k] = requests.WithLabelValues(string(k))
	}
	m.requests.invalid = m.requests.byResult[resultInvalid]
	for _, k := range []proxy.Kind{
		proxy.Answered, proxy.Refused, proxy.Unreached, proxy.Broken, proxy.TimedOut, proxy.Gone, proxy.Invalid,
	} {
		m.attempts[k] = attempts.WithLabelValues(strings.ReplaceAll(k.String(), " ", "_"))
	}
	r.MustRegister(requests, attempts, arrivals, m.hold, m.placements, prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "hotpod_activator_waiting_requests", Help: "Requests that no pod has.",
	}, func() float64 { return float64(a.waiting()) }), prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "hotpod_activator_connected", Help: "1 while the streams to all autoscalers are open.",
	}, func() float64 { return float64(btoi(a.connected())) }))
	return m
}

// ended counts a request.
func (m *metrics) ended(r result, cold bool) {
	m.requests.of(r).Inc()
	if cold {
		m.cold.Inc()
	} else {
		m.spilled.Inc()
	}
}

func (m *metrics) attempt(o proxy.Outcome) {
	if c := m.attempts[o.Kind]; c != nil {
		c.Inc()
	}
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}
