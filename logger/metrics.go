package logger

import "github.com/prometheus/client_golang/prometheus"

// metrics of a Follower.
type metrics struct {
	lines, bytes, failedReads, failedWrites prometheus.Counter
	followed, polled                        prometheus.Gauge
}

func newMetrics(r prometheus.Registerer) *metrics {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Namespace: "hotpod", Subsystem: "logger", Name: name, Help: help})
	}
	failures := prometheus.NewCounterVec(prometheus.CounterOpts{
		Namespace: "hotpod", Subsystem: "logger", Name: "failures_total", Help: "Logs that could not be read and batches that could not be stored, which is tried again.",
	}, []string{"reason"})
	containers := prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Namespace: "hotpod", Subsystem: "logger", Name: "containers", Help: "Containers whose log is read, all the time (follow) or from time to time (poll).",
	}, []string{"mode"})
	m := &metrics{
		lines: counter("lines_total", "Lines and groups of lines that were stored."), bytes: counter("bytes_total", "Bytes of their texts."),
		failedReads: failures.WithLabelValues("read"), failedWrites: failures.WithLabelValues("write"),
		followed: containers.WithLabelValues("follow"), polled: containers.WithLabelValues("poll"),
	}
	if r != nil {
		r.MustRegister(m.lines, m.bytes, failures, containers)
	}
	return m
}
