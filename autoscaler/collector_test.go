package autoscaler

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"hotpod.dev/autoscaler/law"
	"hotpod.dev/wire"
)

func TestCollector_CountsWhatActivatorsTell(t *testing.T) {
	inWorld(t, func(w *world) {
		f := hello()
		act := w.serving(f)
		act.up <- wire.Demand{Function: idOf(f), Ended: &wire.Ended{Cold: 2, HoldMicros: 1_500_000, Failed: [...]uint64{1, 0, 2, 0}}}
		act.up <- wire.Demand{Function: idOf(f), Ended: &wire.Ended{Cold: 1, Spilled: 5}}
		act.up <- wire.Demand{Function: wire.FunctionID{Namespace: "no", Name: "body", UID: "unknown"}, Ended: &wire.Ended{Cold: 9}}
		w.pass(time.Second)
		want := `
# HELP hotpod_function_cold_requests_total Requests that came when the function had no hot pod.
# TYPE hotpod_function_cold_requests_total counter
hotpod_function_cold_requests_total{function="hello",function_namespace="default"} 3
# HELP hotpod_function_failures_total Requests that the platform answered with an error in place of the function.
# TYPE hotpod_function_failures_total counter
hotpod_function_failures_total{function="hello",function_namespace="default",reason="capacity_exceeded"} 1
hotpod_function_failures_total{function="hello",function_namespace="default",reason="unavailable"} 2
`
		if err := testutil.GatherAndCompare(w.registry, strings.NewReader(want),
			"hotpod_function_cold_requests_total", "hotpod_function_failures_total"); err != nil {
			t.Error(err)
		}
	})
}

func TestFissionNames_SayTheSameInFissionsWords(t *testing.T) {
	r := prometheus.NewRegistry()
	a := New(Config{Registerer: r, FissionNames: true})
	f := a.record(idOf(hello()))
	f.object = hello()
	f.counted().requests = [6]uint64{1, 0, 10, 0, 2, 3}
	f.counted().end(wire.Ended{Failed: [...]uint64{4, 5, 0, 0}})
	f.counted().claim(nil)
	f.counted().claim(errors.New("no pod"))
	want := `
# HELP fission_function_calls_total Calls of functions, those that the platform failed included.
# TYPE fission_function_calls_total counter
fission_function_calls_total{code="2xx",function_name="hello",function_namespace="default"} 10
fission_function_calls_total{code="4xx",function_name="hello",function_namespace="default"} 6
fission_function_calls_total{code="5xx",function_name="hello",function_namespace="default"} 8
fission_function_calls_total{code="none",function_name="hello",function_namespace="default"} 1
# HELP fission_function_cold_start_errors_total Pods that could not be made hot for the function.
# TYPE fission_function_cold_start_errors_total counter
fission_function_cold_start_errors_total{function_name="hello",function_namespace="default"} 1
# HELP fission_function_cold_starts_total Pods that were made hot for the function.
# TYPE fission_function_cold_starts_total counter
fission_function_cold_starts_total{function_name="hello",function_namespace="default"} 1
# HELP fission_function_errors_total Calls that were answered with 4xx or 5xx.
# TYPE fission_function_errors_total counter
fission_function_errors_total{code="4xx",function_name="hello",function_namespace="default"} 6
fission_function_errors_total{code="5xx",function_name="hello",function_namespace="default"} 8
`
	if err := testutil.GatherAndCompare(r, strings.NewReader(want), "fission_function_calls_total", "fission_function_errors_total",
		"fission_function_cold_starts_total", "fission_function_cold_start_errors_total"); err != nil {
		t.Error(err)
	}
}

func TestCollector_SeriesFollowTheFunctionsInUse(t *testing.T) {
	const all, called, live = 10_000, 2_000, 100
	r := prometheus.NewRegistry()
	a := New(Config{Registerer: r, FissionNames: true})
	count := func() int {
		families, err := r.Gather()
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, f := range families {
			for _, m := range f.GetMetric() {
				n++
				if h := m.GetHistogram(); h != nil {
					n += len(h.GetBucket()) + 2 // +Inf, and sum or count
				}
				if m.GetSummary() != nil {
					n++
				}
			}
		}
		return n
	}
	own := count()
	for i := range all {
		o := hello()
		o.ObjectMeta = metav1.ObjectMeta{Namespace: "default", Name: fmt.Sprint("f", i), UID: types.UID(fmt.Sprint("uid-", i))}
		f := a.record(idOf(o))
		f.object = o
		f.spec = specOf(o, law.BuiltIn())
		if i < called {
			f.counted().requests[2], f.counted().claimed, f.counted().ended.Cold = 3, 1, 1
		}
		if i < live {
			a.activate(f)
			f.changed = time.Unix(1, 0)
		}
	}
	total := count() - own
	t.Logf("%d series of %d functions, of which %d were called and %d are live; %d of the autoscaler's own", total, all, called, live, own)
	if bound := called*5 + live*47; total > bound {
		t.Errorf("%d series, want at most %d: five of a function that was called, 47 more of a live one", total, bound)
	}
	for i := range all {
		a.forget(fmt.Sprint("uid-", i))
	}
	if left := count(); left != own {
		t.Errorf("%d series are left of functions that are gone", left-own)
	}
}
