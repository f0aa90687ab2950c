package autoscaler

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"hotpod.dev/wire"
)

// keeper is a Timelines that keeps all.
type keeper struct {
	kept    []wire.Timeline
	dropped int
}

func (k *keeper) Keep(t wire.Timeline) { k.kept = append(k.kept, t) }
func (k *keeper) Dropped(n int)        { k.dropped += n }

func TestRunner_CallsOfPodsAreKeptAsTheirFunctions(t *testing.T) {
	inWorld(t, func(w *world) {
		k := &keeper{}
		w.config.Timelines = k
		f := hello()
		act := w.serving(f)
		act.waits(f, 1)
		w.pass(25 * time.Millisecond)
		calls := &wire.Calls{Omitted: 3, Calls: []wire.Call{{
			RequestID: "r-1", TraceID: "t", AgoMicros: 5000, QueueMicros: 1000, RunMicros: 4000, Status: 504, Reason: "function_timeout",
			Message: strings.Repeat("m", 5000),
		}}}
		for range 2 * wire.MaxCalls { // more than a pod may tell
			calls.Calls = append(calls.Calls, wire.Call{RequestID: "many", QueueMicros: -1})
		}
		w.reports.mu.Lock()
		r := w.reports.pod("pod-001")
		said := r.last
		said.Calls = calls
		r.out <- said
		w.reports.mu.Unlock()
		synctest.Wait()
		if len(k.kept) != wire.MaxCalls || k.dropped != 3+wire.MaxCalls+1 {
			t.Fatalf("%d kept, %d dropped", len(k.kept), k.dropped)
		}
		one := k.kept[0]
		if one.Function != idOf(f) || one.Pod != "pod-001" || one.Micros != 5000 || one.StartMicros != time.Now().UnixMicro()-5000 ||
			one.Part != wire.PartQueueProxy || one.Status != 504 || len(one.Message) != maxMessage ||
			one.Steps[1] != (wire.Step{Name: wire.StepFunction, Offset: 1000, Micros: 4000}) {
			t.Errorf("%+v", one)
		}
		if k.kept[1].Steps[0].Micros != 0 {
			t.Errorf("a negative time was kept: %+v", k.kept[1])
		}
	})
}

func TestRunner_ARecordedTraceIsTheExemplarOfTheTimes(t *testing.T) {
	inWorld(t, func(w *world) {
		f := hello()
		act := w.serving(f)
		act.waits(f, 1)
		w.pass(25 * time.Millisecond)
		const trace = "0af7651916cd43dd8448eb211c80319c"
		w.reports.mu.Lock()
		r := w.reports.pod("pod-001")
		said := r.last
		said.Calls = &wire.Calls{Calls: []wire.Call{
			{TraceID: trace, Sampled: true, RunMicros: 4000},
			{TraceID: "1af7651916cd43dd8448eb211c80319c", RunMicros: 5000},
			{TraceID: "no trace", Sampled: true, RunMicros: 6000},
		}}
		r.out <- said
		w.reports.mu.Unlock()
		synctest.Wait()
		families, err := w.registry.Gather()
		if err != nil {
			t.Fatal(err)
		}
		var found []string
		for _, family := range families {
			if family.GetName() != "hotpod_function_request_duration_seconds" {
				continue
			}
			for _, b := range family.GetMetric()[0].GetHistogram().GetBucket() {
				if e := b.GetExemplar(); e != nil {
					found = append(found, fmt.Sprint(b.GetUpperBound(), " ", e.GetValue(), " ", e.GetLabel()[0].GetValue()))
				}
			}
		}
		if len(found) != 1 || !strings.HasSuffix(found[0], " 0.004 "+trace) {
			t.Errorf("exemplars %q", found)
		}
	})
}

func TestRunner_PlacementsTellOnceHowPodsBecameHot(t *testing.T) {
	inWorld(t, func(w *world) {
		f := hello()
		act := w.serving(f)
		started := &wire.Started{Pod: "pod-x", ClaimMicros: 1, SpecializeMicros: 2}
		w.pool.start = time.Hour
		act.waits(f, 1)
		w.PodHot(wire.Held{Function: idOf(f), Generation: 1}, wire.HotPod{UID: "pod-x", Address: "127.1.1.9:8012", Started: started})
		synctest.Wait()
		if got := act.last().Started; len(got) != 1 || got[0] != *started {
			t.Errorf("started = %+v", got)
		}
		w.PodHot(wire.Held{Function: idOf(f), Generation: 1}, wire.HotPod{UID: "pod-y", Address: "127.1.1.8:8012"})
		synctest.Wait()
		if p := act.last(); len(p.Pods) != 2 || len(p.Started) != 0 {
			t.Errorf("the next placement is %+v", p)
		}
	})
}

func TestStream_KeepsWhatIsToldOnce(t *testing.T) {
	s, id := newStream(), wire.FunctionID{UID: "f"}
	s.put(wire.Placement{Function: id, Seq: 1, Started: []wire.Started{{Pod: "a"}}})
	s.put(wire.Placement{Function: id, Seq: 2, Started: []wire.Started{{Pod: "b"}}})
	s.put(wire.Placement{Function: id, Seq: 2}) // the same again, for one who asks
	p, _ := s.take()
	if p.Seq != 2 || len(p.Started) != 2 || p.Started[0].Pod != "a" || p.Started[1].Pod != "b" {
		t.Errorf("%+v", p)
	}
}
