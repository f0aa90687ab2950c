package law

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// observation draws anything that can be seen.
func observation(t *rapid.T) Observation {
	o := Observation{
		Ready:      rapid.IntRange(0, 600).Draw(t, "ready"),
		Starting:   rapid.IntRange(0, 100).Draw(t, "starting"),
		Waiting:    rapid.IntRange(0, 2000).Draw(t, "waiting"),
		WaitingFor: time.Duration(rapid.IntRange(0, 1000).Draw(t, "waiting_ms")) * time.Millisecond,
		Free:       rapid.IntRange(0, 50).Draw(t, "free"),
		Stable:     rapid.Float64Range(0, 5000).Draw(t, "stable"),
		Panic:      rapid.Float64Range(0, 5000).Draw(t, "panic"),
		Data:       rapid.Bool().Draw(t, "data"),
		Idle:       time.Duration(rapid.IntRange(0, 300).Draw(t, "idle")) * time.Second,
	}
	o.Unknown = rapid.IntRange(0, o.Ready).Draw(t, "unknown")
	o.Fresh = rapid.IntRange(0, o.Ready-o.Unknown).Draw(t, "fresh")
	return o
}

func spec(t *rapid.T) Spec {
	s := settings(rapid.IntRange(1, 20).Draw(t, "limit"))
	s.Max = rapid.IntRange(1, 500).Draw(t, "max")
	s.Min = rapid.IntRange(0, 20).Draw(t, "min")
	s.Retain = rapid.IntRange(0, 5).Draw(t, "retain")
	s.Provisioned = rapid.IntRange(0, 20).Draw(t, "provisioned")
	s.Initial = rapid.IntRange(0, 20).Draw(t, "initial")
	s.Activation = rapid.IntRange(0, 9).Draw(t, "activation")
	s.KeepLast = rapid.Bool().Draw(t, "keep_last")
	s.Target = rapid.Float64Range(.01, 200).Draw(t, "target")
	s.MaxUpRate = rapid.Float64Range(1.01, 1000).Draw(t, "up")
	s.MaxDownRate = rapid.Float64Range(1.01, 10).Draw(t, "down")
	s.PanicThreshold = rapid.Float64Range(1.1, 10).Draw(t, "threshold")
	s.LastPod = time.Duration(rapid.IntRange(0, 60).Draw(t, "last_pod")) * time.Second
	s.ScaleDownDelay = time.Duration(rapid.IntRange(0, 30).Draw(t, "delay")) * time.Second
	return s
}

func TestDecide_StaysWithinBoundsWhateverIsSeen(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, now := spec(t), noon
		var state State
		for range rapid.IntRange(1, 30).Draw(t, "steps") {
			var d Decision
			now = now.Add(time.Duration(rapid.IntRange(0, 40).Draw(t, "pause")) * time.Second)
			d, state = Decide(s, state, observation(t), now)
			if d.Wanted < s.Floor() || d.Wanted > s.Max {
				t.Fatalf("wanted %d is outside [%d, %d]", d.Wanted, s.Floor(), s.Max)
			}
			if d.Reason == "" {
				t.Fatal("a decision without a reason")
			}
		}
	})
}

func TestDecide_MoreLoadNeverWantsLess(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, less := spec(t), observation(t)
		more := less
		more.Stable += rapid.Float64Range(0, 100).Draw(t, "more_stable")
		more.Panic += rapid.Float64Range(0, 100).Draw(t, "more_panic")
		more.Waiting += rapid.IntRange(0, 100).Draw(t, "more_waiting")
		a, _ := Decide(s, State{}, less, noon)
		b, _ := Decide(s, State{}, more, noon)
		if b.Wanted < a.Wanted {
			t.Fatalf("%d pods for less load, %d for more (%s, %s)", a.Wanted, b.Wanted, a.Reason, b.Reason)
		}
	})
}

func TestDecide_IsPure(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := spec(t)
		_, state := Decide(s, State{}, observation(t), noon)
		seen := observation(t)
		later := noon.Add(3 * time.Second)
		a, _ := Decide(s, state, seen, later)
		Decide(s, state, observation(t), later)
		if b, _ := Decide(s, state, seen, later); a != b {
			t.Fatalf("the same input gave %+v and %+v", a, b)
		}
	})
}

// A load that does not change is served by a number of pods that does not change, wherever it begins.
func TestDecide_SettlesUnderConstantLoad(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := spec(t)
		s.MaxDownRate = max(s.MaxDownRate, 1.5) // else ten minutes are not enough
		load := rapid.Float64Range(.1, 300).Draw(t, "load")
		ready, changes := rapid.IntRange(0, 400).Draw(t, "ready"), 0
		state := State{}
		for i := range 900 {
			var d Decision
			d, state = Decide(s, state, Observation{Ready: ready, Data: true, Stable: load, Panic: load}, noon.Add(time.Duration(i)*time.Second))
			if d.Wanted != ready && i > 600 {
				changes++
			}
			ready = d.Wanted
		}
		if changes > 0 {
			t.Fatalf("%d changes after ten minutes of constant load", changes)
		}
		if need := min(s.Max, int(load/s.Target)); ready < need {
			t.Fatalf("settled at %d, the load needs %d", ready, need)
		}
	})
}

// Load that swings around a mean faster than the stable window must not make pods come and go.
func TestDecide_DoesNotFollowSwingsWithinTheWindow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, w, state := settings(10), NewWindows(time.Minute), State{}
		period := rapid.IntRange(2, 20).Draw(t, "period")
		ready, changes := 3, 0
		for i := range 900 {
			now := noon.Add(time.Duration(i) * time.Second)
			load := 10.0
			if i%period < period/2 {
				load = 25
			}
			w.Record(now, load)
			seen := Observation{Ready: ready}
			seen.Stable, seen.Data = w.Average(now, s.StableWindow, Linear)
			seen.Panic, _ = w.Average(now, s.PanicWindow, Linear)
			var d Decision
			d, state = Decide(s, state, seen, now)
			if d.Wanted != ready && i > 300 {
				changes++
			}
			ready = d.Wanted
		}
		if changes > 10 { // the mean of a window that is no multiple of the period swings a little
			t.Fatalf("%d changes in ten minutes", changes)
		}
	})
}

// In panic nothing is taken away, whatever the load does.
func TestDecide_PanicNeverScalesDown(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := spec(t)
		ready, state := rapid.IntRange(0, 50).Draw(t, "ready"), State{}
		for i := range 120 {
			before := ready
			seen := Observation{Ready: ready, Data: true}
			seen.Stable = rapid.Float64Range(0, 300).Draw(t, "stable")
			seen.Panic = rapid.Float64Range(0, 300).Draw(t, "panic")
			panicking := state.Panicking
			var d Decision
			d, state = Decide(s, state, seen, noon.Add(time.Duration(i)*time.Second))
			if ready = d.Wanted; panicking && state.Panicking && ready < min(before, s.Max) {
				t.Fatalf("from %d to %d in panic, because of %s", before, ready, d.Reason)
			}
		}
	})
}

// Without load everything goes that nothing keeps.
func TestDecide_EndsAtWhatIsKept(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := spec(t)
		ready, state := rapid.IntRange(0, 400).Draw(t, "ready"), State{}
		for i := range 300 {
			var d Decision
			age := time.Duration(i) * time.Second
			d, state = Decide(s, state, Observation{Ready: ready, Data: true, Idle: age}, noon.Add(age))
			ready = d.Wanted
		}
		most := max(s.Floor(), min(s.Retain, s.Max))
		if s.KeepLast {
			most = max(most, 1)
		}
		if ready < s.Floor() || ready > most {
			t.Fatalf("%d pods are left, want %d to %d", ready, s.Floor(), most)
		}
	})
}
