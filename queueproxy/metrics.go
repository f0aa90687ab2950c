package queueproxy

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"runtime/metrics"
	"strconv"

	"hotpod.dev/wire"
)

// serveMetrics writes the counters as Prometheus reads them. It is written by hand: the client library would take
// more memory than the rest of the queue-proxy.
func (q *Proxy) serveMetrics(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	out := bufio.NewWriter(w)
	defer out.Flush()
	l, inside, waiting := q.gate.snapshot()
	gauge(out, "hotpod_queueproxy_in_flight_requests", "Requests inside the function.", float64(inside))
	gauge(out, "hotpod_queueproxy_waiting_requests", "Requests queued for the function.", float64(waiting))
	broken := 0.0
	if q.broken.Load() {
		broken = 1
	}
	gauge(out, "hotpod_queueproxy_broken", "1 when the runtime is gone, so that the pod takes nothing any more.", broken)
	head(out, "hotpod_queueproxy_requests_total", "Finished requests by status class; none for clients that left.", "counter")
	for class, n := range l.requests {
		name := "none"
		if class > 0 {
			name = strconv.Itoa(class) + "xx"
		}
		fmt.Fprintf(out, "hotpod_queueproxy_requests_total{code_class=%q} %d\n", name, n)
	}
	head(out, "hotpod_queueproxy_refusals_total", "Requests refused before the function saw them.", "counter")
	for why, n := range l.refused {
		fmt.Fprintf(out, "hotpod_queueproxy_refusals_total{reason=%q} %d\n", refusal(why).busy(), n)
	}
	histogram(out, &l)
	head(out, "hotpod_queueproxy_load_seconds_total", "Integral of the requests in the pod over time.", "counter")
	fmt.Fprintf(out, "hotpod_queueproxy_load_seconds_total %g\n", l.integral)
	process(out)
}

func histogram(out io.Writer, l *load) {
	const name = "hotpod_queueproxy_request_duration_seconds"
	head(out, name, "Time inside the function.", "histogram")
	var sum uint64
	for i, upper := range wire.DurationBuckets {
		sum += l.buckets[i]
		fmt.Fprintf(out, "%s_bucket{le=\"%g\"} %d\n", name, upper, sum)
	}
	sum += l.buckets[len(wire.DurationBuckets)]
	fmt.Fprintf(out, "%s_bucket{le=\"+Inf\"} %d\n%s_sum %g\n%s_count %d\n", name, sum, name, float64(l.micros)/1e6, name, sum)
}

// process writes what the Go runtime says of itself.
func process(out io.Writer) {
	samples := []metrics.Sample{
		{Name: "/sched/goroutines:goroutines"},
		{Name: "/memory/classes/total:bytes"},
		{Name: "/gc/heap/allocs:bytes"},
		{Name: "/gc/cycles/total:gc-cycles"},
	}
	metrics.Read(samples)
	gauge(out, "hotpod_queueproxy_goroutines", "Goroutines of the queue-proxy.", float64(samples[0].Value.Uint64()))
	gauge(out, "hotpod_queueproxy_memory_bytes", "Memory that the Go runtime has mapped.", float64(samples[1].Value.Uint64()))
	head(out, "hotpod_queueproxy_allocated_bytes_total", "Memory allocated since the start.", "counter")
	fmt.Fprintf(out, "hotpod_queueproxy_allocated_bytes_total %d\n", samples[2].Value.Uint64())
	head(out, "hotpod_queueproxy_gc_cycles_total", "Garbage collections since the start.", "counter")
	fmt.Fprintf(out, "hotpod_queueproxy_gc_cycles_total %d\n", samples[3].Value.Uint64())
}

func gauge(out io.Writer, name, help string, v float64) {
	head(out, name, help, "gauge")
	fmt.Fprintf(out, "%s %g\n", name, v)
}

func head(out io.Writer, name, help, kind string) {
	fmt.Fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, kind)
}
