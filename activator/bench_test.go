package activator

import (
	"fmt"
	"log/slog"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"hotpod.dev/proxy"
	"hotpod.dev/wire"
)

// instant is a request that its pod answers at once.
type instant struct{ fakeExchange }

func (*instant) Forward(_ *proxy.Target, o *proxy.Options) proxy.Outcome {
	o.Answered(200)
	return proxy.Outcome{Kind: proxy.Answered, Status: 200, Final: true}
}

// BenchmarkServe_Hot is what the activator adds to a request that needs no wait.
func BenchmarkServe_Hot(b *testing.B) {
	for _, n := range []int{1, 10, 500} {
		b.Run(fmt.Sprint(n, " pods"), func(b *testing.B) {
			a := New(Config{Log: slog.New(slog.DiscardHandler), Registerer: prometheus.NewRegistry()})
			p := wire.Placement{Function: helloID, Limit: 10, HoldMillis: 60_000}
			for i := range n {
				p.Pods = append(p.Pods, wire.HotPod{UID: fmt.Sprint("pod-", i), Address: "127.0.0.1:1"})
			}
			x := &instant{fakeExchange{id: helloID, gone: make(chan struct{})}}
			a.add(helloID)
			a.placed(p)
			b.ReportAllocs()
			for b.Loop() {
				a.Serve(x)
			}
		})
	}
}

func TestServe_HotRequestUsesItsWaiterAgain(t *testing.T) {
	a := newTest(t)
	x := &instant{fakeExchange{id: helloID, gone: make(chan struct{})}}
	a.add(helloID)
	a.placed(wire.Placement{Function: helloID, Limit: 1, HoldMillis: 60_000, Pods: []wire.HotPod{{UID: "a", Address: "127.0.0.1:1"}}})
	a.Serve(x)
	// The race detector throws away a quarter of what is pooled, so some waiters are made anew under it.
	if n := testing.AllocsPerRun(1000, func() { a.Serve(x) }); n > 2 {
		t.Errorf("%v allocations a request", n)
	}
}
