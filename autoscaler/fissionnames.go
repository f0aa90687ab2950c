package autoscaler

import (
	"github.com/prometheus/client_golang/prometheus"
)

// fissionNames makes the functions' series under the names that Fission's router and executor give them, so that
// dashboards and alerts of Fission's users go on. The code is the status class (2xx), there is no path and no method:
// nothing here counts requests one by one.
type fissionNames struct {
	a *Autoscaler

	calls, failed, duration, overhead, started, unstarted *prometheus.Desc
}

func newFissionNames(a *Autoscaler) *fissionNames {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc(name, help, append([]string{"function_namespace", "function_name"}, labels...), nil)
	}
	return &fissionNames{
		a:         a,
		calls:     desc("fission_function_calls_total", "Calls of functions, those that the platform failed included.", "code"),
		failed:    desc("fission_function_errors_total", "Calls that were answered with 4xx or 5xx.", "code"),
		duration:  desc("fission_function_duration_seconds", "Time of finished calls inside the function."),
		overhead:  desc("fission_function_overhead_seconds", "Time that calls waited for a pod; those that did not wait count as nothing."),
		started:   desc("fission_function_cold_starts_total", "Pods that were made hot for the function."),
		unstarted: desc("fission_function_cold_start_errors_total", "Pods that could not be made hot for the function."),
	}
}

// Describe implements prometheus.Collector.
func (n *fissionNames) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{n.calls, n.failed, n.duration, n.overhead, n.started, n.unstarted} {
		out <- d
	}
}

// Collect implements prometheus.Collector.
func (n *fissionNames) Collect(out chan<- prometheus.Metric) {
	for _, s := range n.a.samples() {
		e := emitter{out: out, labels: []string{s.id.Namespace, s.id.Name}}
		t := s.totals
		for class, calls := range t.answered() {
			e.count(n.calls, calls, className(class))
			if class >= 4 {
				e.count(n.failed, calls, className(class))
			}
		}
		e.count(n.started, t.claimed)
		e.count(n.unstarted, t.unclaimed)
		if s.live {
			out <- t.histogram(n.duration, e.labels)
			out <- prometheus.MustNewConstSummary(n.overhead, sum(t.requests[:]), float64(t.ended.HoldMicros)/1e6, nil, e.labels...)
		}
	}
}

// answered returns the requests by the class of status that clients got, index 0 for those that went away.
func (t *totals) answered() [6]uint64 {
	all := t.requests
	for i, n := range t.ended.Failed {
		all[failureClass(i)] += n
	}
	return all
}

// failureClass is the class of status of a failure in wire.Failures: too many requests is the client's, the others are not.
func failureClass(i int) int {
	if i == 0 {
		return 4
	}
	return 5
}
