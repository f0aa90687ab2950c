package autoscaler

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/types"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/wire"
)

// many returns an autoscaler with 10,000 functions, of which 1,000 have five hot pods each.
func many(b *testing.B) *Autoscaler {
	b.Helper()
	a := New(Config{Reports: &fakeReports{}, Log: slog.New(slog.DiscardHandler), Registerer: prometheus.NewRegistry()})
	for i := range 10_000 {
		f := hello(func(f *v1.Function) { f.Name = fmt.Sprint("f", i); f.UID = types.UID(fmt.Sprint("uid", i)) })
		a.SetFunction(f)
		if i >= 1000 {
			continue
		}
		for p := range 5 {
			a.PodHot(wire.Held{Function: idOf(f), Generation: 1}, wire.HotPod{UID: fmt.Sprint("pod", i, "-", p), Address: "127.0.0.1:8012"})
		}
	}
	a.Synced()
	a.spawn = func(func(context.Context)) context.CancelFunc { return func() {} }
	return a
}

func BenchmarkTick_TenThousandFunctionsAThousandActive(b *testing.B) {
	a := many(b)
	for b.Loop() {
		a.tick()
	}
}

func BenchmarkReport(b *testing.B) {
	a := many(b)
	f := a.functions["uid7"]
	p := f.live.pods["pod7-3"]
	line, _ := json.Marshal(wire.Report{
		UptimeMillis: 123456, Concurrency: 1.5, InFlight: 2, Requests: [6]uint64{2: 123456},
		DurationMicros: 123456789, Buckets: [14]uint64{1, 2, 3, 4000, 5000, 600},
	})
	body := string(line) + "\n"
	b.ReportAllocs()
	for b.Loop() {
		_ = read(p.hot, strings.NewReader(body), func(r wire.Report) { a.report(f, p, r) })
	}
}

func BenchmarkDemand_FromZero(b *testing.B) {
	a := many(b)
	s := newStream()
	f := a.functions["uid5000"]
	for b.Loop() {
		a.takeDemand(s, wire.Demand{Function: f.id, Waiting: 1})
		clear(f.live.claims)
		a.takeDemand(s, wire.Demand{Function: f.id, Waiting: 0})
	}
}

func TestTick_CostFollowsActiveFunctions(t *testing.T) {
	a := New(Config{Reports: &fakeReports{}, Log: slog.New(slog.DiscardHandler), Registerer: prometheus.NewRegistry()})
	for i := range 1000 {
		a.SetFunction(hello(func(f *v1.Function) { f.Name = fmt.Sprint("f", i); f.UID = types.UID(fmt.Sprint("uid", i)) }))
	}
	a.Synced()
	if len(a.active) != 0 {
		t.Errorf("%d of 1000 idle functions are looked at", len(a.active))
	}
	if n := testing.AllocsPerRun(10, a.tick); n > 5 {
		t.Errorf("a tick with nothing to do makes %v allocations", n)
	}
}
