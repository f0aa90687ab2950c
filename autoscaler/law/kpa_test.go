package law

import (
	"testing"
	"time"
)

// Each case is computed by hand from Knative's rules; its name says the setting that it exercises.
func TestKPA_CasesComputedByHand(t *testing.T) {
	busy := func(ready int, stable, panicked float64) Observation {
		return Observation{Ready: ready, Data: true, Stable: stable, Panic: panicked}
	}
	for name, c := range map[string]struct {
		spec   Spec
		seen   Observation
		want   int
		reason Reason
	}{
		"container-concurrency-target-percentage: ceil(15 / (10 * 0.7)) = ceil(2.14) = 3": {
			settings(10), busy(2, 15, 15), 3, ReasonStableWindow,
		},
		"container-concurrency-target-percentage: ceil(21 / 7) = 3, not one more": {
			settings(10), busy(3, 21, 21), 3, ReasonStableWindow,
		},
		"container-concurrency-target-default: no limit aims at 100 * 0.7; ceil(141 / 70) = 3": {
			settings(0), busy(2, 141, 141), 3, ReasonStableWindow,
		},
		"target: ceil(31 / 10) = 4": {
			with(settings(0), func(s *Spec) { s.Target = 10 }), busy(3, 31, 31), 4, ReasonStableWindow,
		},
		"max-scale-up-rate: ceil(3 * 2) = 6 of 50": {
			with(settings(1), func(s *Spec) { s.MaxUpRate = 3; s.PanicThreshold = 100 }), busy(2, 50, 50), 6, ReasonStableWindow,
		},
		"max-scale-up-rate: of 1.1 and 2 pods, ceil(2.2) = 3 so that one can be added": {
			with(settings(1), func(s *Spec) { s.MaxUpRate = 1.1; s.PanicThreshold = 100 }), busy(2, 3, 3), 3, ReasonStableWindow,
		},
		"max-scale-up-rate: zero ready pods count as one; ceil(10 * 1) = 10": {
			with(settings(1), func(s *Spec) { s.MaxUpRate = 10; s.PanicThreshold = 1000 }), busy(0, 50, 50), 10, ReasonStableWindow,
		},
		"max-scale-down-rate: floor(9 / 2) = 4 of 1": {
			settings(10), busy(9, 1, 1), 4, ReasonStableWindow,
		},
		"max-scale-down-rate: floor(10 / 1.5) = 6 of 0": {
			with(settings(10), func(s *Spec) { s.MaxDownRate = 1.5 }), busy(10, 0, 0), 6, ReasonStableWindow,
		},
		"panic-threshold-percentage: 4 / 2 >= 200 % is panic": {
			settings(1), busy(2, 1, 4), 4, ReasonPanicWindow,
		},
		"panic-threshold-percentage: 5 / 3 < 200 % is none": {
			settings(1), busy(3, 1, 5), 1, ReasonStableWindow,
		},
		"panic-threshold-percentage: of 150, 5 / 3 >= 150 % is panic": {
			with(settings(1), func(s *Spec) { s.PanicThreshold = 1.5 }), busy(3, 1, 5), 5, ReasonPanicWindow,
		},
		"panic: the stable window wins when it wants more": {
			settings(1), busy(2, 9, 4), 9, ReasonStableWindow,
		},
		"panic: bounded by max-scale-up-rate too; ceil(2 * 2) = 4 of 8": {
			with(settings(1), func(s *Spec) { s.MaxUpRate = 2 }), busy(2, 1, 8), 4, ReasonPanicWindow,
		},
		"activation-scale: 3 where the load wants 1": {
			with(settings(1), func(s *Spec) { s.Activation = 3 }), busy(2, .1, .1), 3, ReasonActivationScale,
		},
		"activation-scale: nothing where the load wants nothing": {
			with(settings(1), func(s *Spec) { s.Activation = 3 }), busy(1, 0, 0), 1, ReasonNotIdle,
		},
		"activation-scale: beyond max-scale-up-rate": {
			with(settings(1), func(s *Spec) { s.Activation = 9; s.MaxUpRate = 2; s.PanicThreshold = 100 }), busy(2, 3, 3), 9, ReasonActivationScale,
		},
		"activation-scale: is not what panic is judged by": {
			with(settings(1), func(s *Spec) { s.Activation = 9 }), busy(2, .1, .1), 9, ReasonActivationScale,
		},
		"metric: 350 requests per second over 200 * 0.7 = ceil(2.5) = 3": {
			with(settings(1), func(s *Spec) { s.Metric = RPS; s.Target = 140 }), busy(2, 350, 350), 3, ReasonStableWindow,
		},
		"max-scale": {
			with(settings(1), func(s *Spec) { s.Max = 5 }), busy(5, 9, 9), 5, ReasonMaximum,
		},
		"min-scale": {
			with(settings(1), func(s *Spec) { s.Min = 5 }), busy(5, 1, 1), 5, ReasonMinimum,
		},
		"no data keeps what there is": {
			settings(1), Observation{Ready: 3}, 3, ReasonNoData,
		},
	} {
		t.Run(name, func(t *testing.T) {
			d, state := Decide(c.spec, State{}, c.seen, noon)
			if d.Wanted != c.want || d.Reason != c.reason {
				t.Errorf("Decide = %d because of %s, want %d because of %s", d.Wanted, d.Reason, c.want, c.reason)
			}
			if c.reason == ReasonActivationScale && state.Panicking {
				t.Error("it panics")
			}
		})
	}
}

func TestKPA_PanicNeverGoesDownAndEndsAfterAStableWindow(t *testing.T) {
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

func TestKPA_ScaleDownDelayKeepsTheGreatestOfItsTime(t *testing.T) {
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

func TestKPA_ResumedPodsStayForAStableWindow(t *testing.T) {
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

func TestKPA_ScaleDownDelayHoldsTheLastPodToo(t *testing.T) {
	spec := with(settings(1), func(s *Spec) { s.ScaleDownDelay = 10 * time.Second; s.Idle = 5 * time.Second })
	var state State
	for second := range 20 {
		var d Decision
		age := time.Duration(second) * time.Second
		d, state = Decide(spec, state, Observation{Ready: 1, Data: true, Idle: age}, noon.Add(age))
		if want := map[bool]int{true: 1, false: 0}[second <= 13]; d.Wanted != want { // wanted last at 4 s
			t.Errorf("%d s after the last request: %d because of %s, want %d", second, d.Wanted, d.Reason, want)
		}
	}
}
