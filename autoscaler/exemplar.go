package autoscaler

import (
	"encoding/hex"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"hotpod.dev/wire"
)

// exemplar is a request whose trace is recorded; the zero value is none.
type exemplar struct {
	trace   string
	seconds float64
	at      time.Time
}

// exemplify remembers the last request that a pod tells of whose trace is recorded. What a pod says is not trusted.
func (f *function) exemplify(calls *wire.Calls, now time.Time) {
	if calls == nil {
		return
	}
	for _, c := range calls.Calls {
		if id, err := hex.DecodeString(c.TraceID); c.Sampled && err == nil && len(id) == 16 && c.RunMicros > 0 {
			f.live.exemplar = exemplar{trace: c.TraceID, seconds: float64(c.RunMicros) / 1e6, at: now}
		}
	}
}

// on adds the exemplar to a histogram.
func (e exemplar) on(m prometheus.Metric) prometheus.Metric {
	if e.trace == "" {
		return m
	}
	with, err := prometheus.NewMetricWithExemplars(m, prometheus.Exemplar{
		Value: e.seconds, Labels: prometheus.Labels{"trace_id": e.trace}, Timestamp: e.at,
	})
	if err != nil {
		return m
	}
	return with
}
