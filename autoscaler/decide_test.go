package autoscaler

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// settings returns the defaults for pods that take limit requests each.
func settings(limit int) Spec {
	return Spec{
		Max: 500, Limit: limit, Target: target(limit), Idle: 120 * time.Second,
		StableWindow: defaultStableWindow, PanicWindow: defaultPanicWindow, PanicThreshold: defaultPanicThreshold,
		MaxUpRate: defaultMaxUpRate, MaxDownRate: defaultMaxDownRate, Hold: 2 * time.Minute, Run: time.Minute,
	}
}

func with(s Spec, change func(*Spec)) Spec {
	change(&s)
	return s
}

var noon = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)

func TestDecide_OneRuleAtATime(t *testing.T) {
	const busy = 0 // a request was just seen
	for name, c := range map[string]struct {
		spec   Spec
		seen   Observation
		want   int
		reason Reason
	}{
		"nothing at all": {
			settings(1), Observation{Idle: time.Hour}, 0, ReasonIdle,
		},
		"no report yet keeps what there is": {
			settings(1), Observation{Ready: 3, Idle: busy}, 3, ReasonNoData,
		},
		"load over target, rounded up": {
			settings(10), Observation{Ready: 2, Data: true, Stable: 15, Panic: 15}, 3, ReasonStableWindow, // 15 / (10*0.7)
		},
		"exactly at target wants no more": {
			settings(10), Observation{Ready: 3, Data: true, Stable: 21, Panic: 21}, 3, ReasonStableWindow,
		},
		"a pod that takes one request has no utilisation": {
			settings(1), Observation{Ready: 1, Data: true, Stable: 1, Panic: 1}, 1, ReasonStableWindow,
		},
		"down to half at most": {
			settings(10), Observation{Ready: 9, Data: true, Stable: 1, Panic: 1}, 4, ReasonStableWindow,
		},
		"up to the rate at most": {
			with(settings(1), func(s *Spec) { s.MaxUpRate = 3; s.PanicThreshold = 100 }),
			Observation{Ready: 2, Data: true, Stable: 50, Panic: 50},
			6, ReasonStableWindow,
		},
		"twice the ready pods is panic": {
			settings(1), Observation{Ready: 2, Data: true, Stable: 1, Panic: 4}, 4, ReasonPanicWindow,
		},
		"less than twice is none": {
			settings(1), Observation{Ready: 3, Data: true, Stable: 1, Panic: 5}, 1, ReasonStableWindow,
		},
		"activation scale lifts what is wanted at all": {
			with(settings(1), func(s *Spec) { s.ActivationScale = 3 }),
			Observation{Ready: 2, Data: true, Stable: .1, Panic: .1},
			3, ReasonStableWindow,
		},
		"one waiting, no pod": {
			settings(1), Observation{Waiting: 1, Idle: busy}, 1, ReasonDemand,
		},
		"waiting share pods": {
			settings(10), Observation{Waiting: 21, Idle: busy}, 3, ReasonDemand,
		},
		"pods that start will take what waits": {
			settings(1), Observation{Waiting: 3, Starting: 3, Idle: busy}, 3, ReasonDemand,
		},
		"waiting beyond the pods that start": {
			settings(1), Observation{Waiting: 5, Ready: 2, Starting: 1, WaitingFor: time.Second, Idle: busy}, 7, ReasonDemand,
		},
		"a pod that just became hot takes some": {
			settings(4), Observation{Waiting: 4, Ready: 1, Fresh: 1, WaitingFor: time.Second}, 1, ReasonNoData,
		},
		"places reported free are tried first": {
			settings(4), Observation{Waiting: 3, Ready: 1, Free: 3}, 1, ReasonNoData,
		},
		"but not for long": {
			settings(4), Observation{Waiting: 3, Ready: 1, Free: 3, WaitingFor: settle}, 2, ReasonDemand,
		},
		"without a limit one pod takes all": {
			with(settings(1), func(s *Spec) { s.Limit = 0; s.Target = 70 }), Observation{Waiting: 1000}, 1, ReasonDemand,
		},
		"maximum bounds demand": {
			with(settings(1), func(s *Spec) { s.Max = 4 }), Observation{Waiting: 64}, 4, ReasonMaximum,
		},
		"maximum wins over minimum": {
			with(settings(1), func(s *Spec) { s.Max = 2; s.Min = 9 }), Observation{}, 2, ReasonMaximum,
		},
		"minimum without load": {
			with(settings(1), func(s *Spec) { s.Min = 2 }), Observation{Idle: time.Hour, Data: true}, 2, ReasonMinimum,
		},
		"no load, not idle yet": {
			settings(1), Observation{Ready: 1, Data: true, Idle: 119 * time.Second}, 1, ReasonNotIdle,
		},
		"idle": {
			settings(1), Observation{Ready: 1, Data: true, Idle: 120 * time.Second}, 0, ReasonIdle,
		},
		"idle before the stable window is empty": {
			with(settings(1), func(s *Spec) { s.Idle = 5 * time.Second }),
			Observation{Ready: 4, Data: true, Stable: 2, Idle: 5 * time.Second},
			0, ReasonIdle,
		},
		"a pod that says nothing is not idle": {
			settings(1), Observation{Ready: 1, Unknown: 1, Data: true, Idle: time.Hour}, 1, ReasonNotIdle,
		},
		"retained pods stay": {
			with(settings(1), func(s *Spec) { s.Retain = 2 }), Observation{Ready: 3, Data: true, Idle: time.Hour}, 2, ReasonRetain,
		},
		"retained pods are not started": {
			with(settings(1), func(s *Spec) { s.Retain = 2 }), Observation{Ready: 1, Data: true, Idle: time.Hour}, 1, ReasonRetain,
		},
	} {
		t.Run(name, func(t *testing.T) {
			d, _ := Decide(c.spec, State{}, c.seen, noon)
			if d.Wanted != c.want || d.Reason != c.reason {
				t.Errorf("Decide = %d because of %s, want %d because of %s", d.Wanted, d.Reason, c.want, c.reason)
			}
		})
	}
}

func TestDecide_PanicNeverGoesDownAndEndsAfterAStableWindow(t *testing.T) {
	spec := settings(1)
	_, state := Decide(spec, State{}, Observation{Ready: 2, Data: true, Stable: 2, Panic: 10}, noon)
	calm := Observation{Ready: 10, Data: true, Stable: 1, Panic: 1}
	for _, c := range []struct {
		after time.Duration
		want  int
	}{{time.Second, 10}, {30 * time.Second, 10}, {60 * time.Second, 10}, {61 * time.Second, 5}} {
		var d Decision
		d, state = Decide(spec, state, calm, noon.Add(c.after))
		if d.Wanted != c.want {
			t.Errorf("%s after panic began: wanted %d, want %d (%s)", c.after, d.Wanted, c.want, d.Reason)
		}
	}
}

func TestDecide_KeepsPodsThatWereWaitedForLately(t *testing.T) {
	spec := settings(1)
	d, state := Decide(spec, State{}, Observation{Waiting: 8}, noon)
	if d.Wanted != 8 {
		t.Fatalf("wanted %d at first", d.Wanted)
	}
	quiet := Observation{Ready: 8, Data: true, Stable: 1, Panic: 1}
	if d, state = Decide(spec, state, quiet, noon.Add(59*time.Second)); d.Wanted != 8 || d.Reason != ReasonRecentDemand {
		t.Errorf("after 59 s: %+v", d)
	}
	if d, _ := Decide(spec, state, Observation{Ready: 3, Data: true}, noon.Add(59*time.Second)); d.Wanted != 3 {
		t.Errorf("what waited is gone, but pods are started for it: %+v", d)
	}
	if d, _ = Decide(spec, state, quiet, noon.Add(61*time.Second)); d.Wanted != 4 {
		t.Errorf("after 61 s: %+v", d)
	}
}

func TestDecide_ScaleDownDelayKeepsTheGreatestOfItsTime(t *testing.T) {
	spec := with(settings(1), func(s *Spec) { s.ScaleDownDelay = 10 * time.Second; s.MaxDownRate = 100 })
	var state State
	for i, c := range []struct {
		load float64
		want int
	}{{5, 5}, {3, 5}, {4, 5}, {1, 5}, {1, 4}, {1, 4}} { // one every 3 s
		var d Decision
		now := noon.Add(time.Duration(i) * 3 * time.Second)
		d, state = Decide(spec, state, Observation{Ready: 5, Data: true, Stable: c.load, Panic: c.load}, now)
		if d.Wanted != c.want {
			t.Errorf("at %d s: wanted %d, want %d", 3*i, d.Wanted, c.want)
		}
	}
}

func TestDecide_ResumedPodsStayForAStableWindow(t *testing.T) {
	state := Resumed(6, noon)
	idleLoad := Observation{Ready: 6, Data: true, Stable: 0, Panic: 0, Idle: 10 * time.Second}
	d, state := Decide(settings(1), state, idleLoad, noon.Add(time.Second))
	if d.Wanted != 6 {
		t.Errorf("a second after the start: %+v", d)
	}
	if d, _ := Decide(settings(1), state, idleLoad, noon.Add(61*time.Second)); d.Wanted >= 6 {
		t.Errorf("after a stable window: %+v", d)
	}
}

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
			if low := min(s.Min, s.Max); d.Wanted < low || d.Wanted > s.Max {
				t.Fatalf("wanted %d is outside [%d, %d]", d.Wanted, low, s.Max)
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

func TestDecide_SettlesUnderConstantLoad(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := settings(rapid.IntRange(1, 20).Draw(t, "limit"))
		load := rapid.Float64Range(.1, 300).Draw(t, "load")
		ready, changes := rapid.IntRange(0, 400).Draw(t, "ready"), 0
		state := State{}
		for i := range 600 {
			var d Decision
			d, state = Decide(s, state, Observation{Ready: ready, Data: true, Stable: load, Panic: load}, noon.Add(time.Duration(i)*time.Second))
			if d.Wanted != ready && i > 300 {
				changes++
			}
			ready = d.Wanted
		}
		if changes > 0 {
			t.Fatalf("%d changes after five minutes of constant load", changes)
		}
		if need := int(load / s.Target); ready < need {
			t.Fatalf("settled at %d, the load needs %d", ready, need)
		}
	})
}
