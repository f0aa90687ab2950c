package law

import (
	"bufio"
	"bytes"
	_ "embed"
	"encoding/json"
	"math"
	"testing"
	"time"
)

// knative holds what Knative's own autoscaler decided over random loads; perf/peers/knativekpa has recorded it.
//
//go:embed testdata/knative.jsonl
var knative []byte

// recorded is one load with its settings and Knative's decisions every two seconds.
type recorded struct {
	Target, UpRate, DownRate, PanicThreshold float64
	StableSeconds, PanicSeconds              int
	DelaySeconds, Activation                 int
	Weighted                                 bool
	Loads                                    []float64
	Ticks                                    [][4]float64 // ready, stable, panic, wanted
}

// Where only Knative's rules speak, each decision is Knative's.
func TestKPA_DecidesAsKnativeDid(t *testing.T) {
	lines := bufio.NewScanner(bytes.NewReader(knative))
	lines.Buffer(nil, 1<<20)
	decisions := 0
	for n := 0; lines.Scan(); n++ {
		var r recorded
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			t.Fatal(err)
		}
		decisions += r.compare(t, n)
	}
	if decisions < 1000 {
		t.Errorf("%d decisions were compared", decisions)
	}
}

func (r *recorded) compare(t *testing.T, n int) (decisions int) {
	t.Helper()
	second := func(s int) time.Duration { return time.Duration(s) * time.Second }
	spec := Spec{
		Max: math.MaxInt, Target: r.Target, Activation: r.Activation, Aggregation: Linear, Idle: time.Minute,
		StableWindow: second(r.StableSeconds), PanicWindow: second(r.PanicSeconds), PanicThreshold: r.PanicThreshold,
		MaxUpRate: r.UpRate, MaxDownRate: r.DownRate, ScaleDownDelay: second(r.DelaySeconds),
	}
	if r.Weighted {
		spec.Aggregation = WeightedExponential
	}
	w, state := NewWindows(spec.StableWindow), State{}
	for s, load := range r.Loads {
		now := noon.Add(second(s))
		w.Record(now, load)
		if s%2 != 0 {
			continue
		}
		was := r.Ticks[s/2]
		seen := Observation{Ready: int(was[0])}
		seen.Stable, seen.Data = w.Average(now, spec.StableWindow, spec.Aggregation)
		seen.Panic, _ = w.Average(now, spec.PanicWindow, spec.Aggregation)
		if math.Abs(seen.Stable-was[1]) > 1e-6 || math.Abs(seen.Panic-was[2]) > 1e-6 {
			t.Fatalf("scenario %d, second %d: windows %v and %v, Knative's %v and %v", n, s, seen.Stable, seen.Panic, was[1], was[2])
		}
		c := &choice{spec: spec, state: state, seen: seen, now: now}
		c.windows()
		c.scaleDownDelay()
		state = c.state
		if c.decision.Wanted != int(was[3]) {
			t.Fatalf("scenario %d, second %d: %d pods because of %s, Knative wanted %v", n, s, c.decision.Wanted, c.decision.Reason, was[3])
		}
		decisions++
	}
	return decisions
}
