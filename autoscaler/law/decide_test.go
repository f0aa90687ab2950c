package law

import (
	"strconv"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	v1 "hotpod.dev/api/v1"
)

// settings returns the defaults for pods that take limit requests each; 0 is no limit.
func settings(limit int) Spec {
	f := function()
	f.Annotations = map[string]string{v1.AnnotationContainerConcurrency: strconv.Itoa(limit)}
	return Settle(f, BuiltIn()).Spec
}

// function returns one that says nothing.
func function() *v1.Function {
	return &v1.Function{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "hello"},
		Spec:       v1.FunctionSpec{Environment: v1.EnvironmentReference{Name: "nodejs"}},
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
		"a pod that takes one request has no utilisation": {
			settings(1), Observation{Ready: 1, Data: true, Stable: 1, Panic: 1}, 1, ReasonStableWindow,
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
			settings(0), Observation{Waiting: 1000}, 1, ReasonDemand,
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
		"activation scale lifts what waits": {
			with(settings(1), func(s *Spec) { s.Activation = 3 }), Observation{Waiting: 1}, 3, ReasonActivationScale,
		},
		"a generation begins with its initial scale": {
			with(settings(1), func(s *Spec) { s.Initial = 3; s.Min = 1 }), Observation{Idle: time.Hour}, 3, ReasonInitialScale,
		},
		"provisioned pods are kept": {
			with(settings(1), func(s *Spec) { s.Provisioned = 4; s.Min = 2 }), Observation{Idle: time.Hour}, 4, ReasonProvisioned,
		},
		"the last pod stays for its retention": {
			with(settings(1), func(s *Spec) { s.LastPod = 30 * time.Second }),
			Observation{Ready: 3, Data: true, Idle: 149 * time.Second},
			1, ReasonLastPod,
		},
		"and goes after it": {
			with(settings(1), func(s *Spec) { s.LastPod = 30 * time.Second }),
			Observation{Ready: 1, Data: true, Idle: 150 * time.Second},
			0, ReasonIdle,
		},
		"retention starts no pod": {
			with(settings(1), func(s *Spec) { s.LastPod = 30 * time.Second }), Observation{Idle: 121 * time.Second}, 0, ReasonIdle,
		},
		"without scale to zero the last pod stays": {
			with(settings(1), func(s *Spec) { s.KeepLast = true }), Observation{Ready: 2, Data: true, Idle: time.Hour}, 1, ReasonKeepLast,
		},
		"without scale to zero no pod is started": {
			with(settings(1), func(s *Spec) { s.KeepLast = true }), Observation{Idle: time.Hour}, 0, ReasonIdle,
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
