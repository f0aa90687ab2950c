package activator

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"hotpod.dev/wire"
)

// keeper is a Timelines that keeps all.
type keeper struct {
	mu   sync.Mutex
	kept []wire.Timeline
}

func (k *keeper) Keep(t wire.Timeline) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.kept = append(k.kept, t)
}

func keeping(k *keeper) func(*Config) { return func(c *Config) { c.Timelines = k } }

// cold serves a request whose pod becomes hot after 30 ms, which began 10 ms before the request came.
func cold(a *Activator, c *cluster) {
	a.add(helloID)
	a.placed(placement(1))
	done := start(a, request(c))
	time.Sleep(30 * time.Millisecond)
	p := placement(1, c.add("a", 1, lasting(5*time.Millisecond)))
	p.Started = []wire.Started{{Pod: "a", ClaimMicros: 25_000, SpecializeMicros: 15_000, FetchMicros: 4_000, LoadMicros: 10_000}}
	a.placed(p)
	<-done
}

func TestKeep_AColdRequestTellsHowItsPodBecameHot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := &keeper{}
		a, c := newTest(t, keeping(k)), newCluster()
		cold(a, c)
		if len(k.kept) != 1 {
			t.Fatalf("%d kept", len(k.kept))
		}
		one := k.kept[0]
		want := []wire.Step{
			{Name: wire.StepHold, Micros: 30_000},
			{Name: wire.StepClaim, Offset: -10_000, Micros: 25_000},
			{Name: wire.StepSpecialize, Offset: 15_000, Micros: 15_000},
			{Name: wire.StepFetch, Offset: 15_000, Micros: 4_000},
			{Name: wire.StepLoad, Offset: 19_000, Micros: 10_000},
		}
		if len(one.Steps) != len(want) {
			t.Fatalf("steps %+v", one.Steps)
		}
		for i, s := range want {
			if one.Steps[i] != s {
				t.Errorf("step %+v, want %+v", one.Steps[i], s)
			}
		}
		if !one.Cold || one.Full || one.Pod != "a" || one.Micros != 35_000 || one.Attempts != 1 || one.Status != 200 || one.Function != helloID {
			t.Errorf("%+v", one)
		}
	})
}

func TestKeep_OnlyWhatIsWorthIt(t *testing.T) {
	for name, c := range map[string]struct {
		service time.Duration
		kept    int
	}{"a quick request": {time.Millisecond, 0}, "a slow one": {2 * time.Second, 1}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				k := &keeper{}
				a, cl := newTest(t, keeping(k)), newCluster()
				a.add(helloID)
				a.placed(placement(1, cl.add("a", 1, lasting(c.service))))
				<-start(a, request(cl))
				if len(k.kept) != c.kept {
					t.Errorf("%+v", k.kept)
				}
			})
		})
	}
}

func TestKeep_FailuresTellTheirReason(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := &keeper{}
		a, c := newTest(t, keeping(k)), newCluster()
		done := start(a, request(c))
		time.Sleep(time.Second)
		a.placed(wire.Placement{Function: helloID, Failure: &wire.Failure{Reason: "SpecializationFailed", Message: "it does not compile"}})
		<-done
		one := k.kept[0]
		if one.Status != 500 || one.Reason != "specialization_failed" || one.Cause != "SpecializationFailed" || one.Message != "it does not compile" ||
			one.Micros != 1_000_000 || one.Steps[0].Micros != 1_000_000 || one.Component != "executor" {
			t.Errorf("%+v", one)
		}
	})
}

func TestKeep_WhoLeavesIsKeptAsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := &keeper{}
		a, c := newTest(t, keeping(k)), newCluster()
		x := request(c)
		done := start(a, x)
		time.Sleep(3 * time.Second)
		close(x.gone)
		<-done
		if one := k.kept[0]; one.Status != wire.StatusClientGone || one.Reason != "client_gone" || one.Micros != 3_000_000 {
			t.Errorf("%+v", one)
		}
	})
}

func TestKeep_ARequestThatWaitsForBusyPodsIsFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := &keeper{}
		a, c := newTest(t, keeping(k)), newCluster()
		a.add(helloID)
		p := placement(1, c.add("a", 1, lasting(4*time.Second)))
		p.AtMaximum = true
		a.placed(p)
		first := start(a, request(c))
		synctest.Wait()
		second := start(a, request(c))
		<-first
		<-second
		one := k.kept[len(k.kept)-1]
		if !one.Full || one.Cold || !one.Maximum {
			t.Errorf("%+v", one)
		}
	})
}

func TestTrace_AColdStartHasASpanForEachStep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		spans, k := tracetest.NewInMemoryExporter(), &keeper{}
		provider := sdktrace.NewTracerProvider(sdktrace.WithSyncer(spans))
		a, c := newTest(t, keeping(k), func(c *Config) { c.Tracer = provider.Tracer("test") }), newCluster()
		cold(a, c)
		byName := map[string]tracetest.SpanStub{}
		for _, s := range spans.GetSpans() {
			byName[s.Name] = s
		}
		for child, parent := range map[string]string{
			"hold": "activator", "claim": "hold", "specialize": "hold", "fetch": "specialize", "load": "specialize",
		} {
			if got, want := byName[child].Parent.SpanID(), byName[parent].SpanContext.SpanID(); got != want || !want.IsValid() {
				t.Errorf("the parent of %s is %s, not %s (%s)", child, got, parent, want)
			}
		}
		if s := byName["load"]; s.EndTime.Sub(s.StartTime) != 10*time.Millisecond {
			t.Errorf("load took %s", s.EndTime.Sub(s.StartTime))
		}
		if k.kept[0].TraceID != byName["hold"].SpanContext.TraceID().String() {
			t.Errorf("the timeline is of trace %s", k.kept[0].TraceID)
		}
	})
}
