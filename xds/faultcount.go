package xds

import (
	"net/http"
	"slices"
	"sync"

	dataaccesslogv3 "github.com/envoyproxy/go-control-plane/envoy/data/accesslog/v3"
	"github.com/prometheus/client_golang/prometheus"

	"hotpod.dev/wire"
)

// maxFaulty bounds the functions that are counted one by one; those beyond are counted together, without a name.
const maxFaulty = 1000

// viaUpstream is Envoy's word for an answer that it only passed on.
const viaUpstream = "via_upstream"

// faultCount counts requests of functions that Envoy itself answered with an error. It is safe for concurrent use.
type faultCount struct {
	total *prometheus.CounterVec

	mu        sync.Mutex // guards functions, and is held while their series change
	functions map[wire.FunctionID]bool
}

func newFaultCount() *faultCount {
	return &faultCount{functions: map[wire.FunctionID]bool{}, total: prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "hotpod_xds_function_failures_total",
		Help: "Requests of functions that Envoy itself answered with an error, since it could reach nobody or lost who it had reached.",
	}, []string{"function_namespace", "function", "reason"})}
}

// add counts what an entry of Envoy's log tells, if that is an error of its own.
func (f *faultCount) add(e *dataaccesslogv3.HTTPAccessLogEntry, t *wire.Timeline) {
	reason := ownFault(e)
	if reason == "" || t.Function.UID == "" {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	id := t.Function
	if !f.functions[id] {
		if len(f.functions) >= maxFaulty {
			id = wire.FunctionID{}
		} else {
			f.functions[id] = true
		}
	}
	f.total.WithLabelValues(id.Namespace, id.Name, reason).Inc()
}

// forget drops the series of a function that is deleted.
func (f *faultCount) forget(id wire.FunctionID) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.functions[id] {
		delete(f.functions, id)
		f.total.DeletePartialMatch(prometheus.Labels{"function_namespace": id.Namespace, "function": id.Name})
	}
}

// ownFault returns the reason that Envoy answered by itself, "" when it did not, or when the client was at fault.
func ownFault(e *dataaccesslogv3.HTTPAccessLogEntry) string {
	if e.GetResponse().GetResponseCode().GetValue() < http.StatusInternalServerError || e.GetResponse().GetResponseCodeDetails() == viaUpstream {
		return ""
	}
	flags := flagsOf(e.GetCommonProperties().GetResponseFlags())
	for _, f := range faults() {
		if slices.ContainsFunc(f.flags, func(flag string) bool { return slices.Contains(flags, flag) }) {
			return f.Reason
		}
	}
	return ""
}
