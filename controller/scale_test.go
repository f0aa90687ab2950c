package controller

import (
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/wire"
)

func TestFunctionScale_SaysWhatTheAutoscalerSays(t *testing.T) {
	then := metav1.NewTime(time.Unix(1700000000, 0))
	said := wire.FunctionStatus{
		Wanted: 3, Hot: 2, Starting: 1, Warm: 4, Reason: "StableWindow", ChangedMillis: 1700000000900,
		Metric: "concurrency", Target: 7, Stable: 15.25, Panic: 20, Panicking: true, Min: 1, Max: 9, Provisioned: 1, Begun: 2,
	}
	want := v1.FunctionScale{
		Wanted: 3, Ready: 2, Starting: 1, WarmAvailable: 4, Reason: "StableWindow", LastChange: &then,
		Metric: "concurrency", Target: "7", StableWindow: "15.25", PanicWindow: "20", Panicking: true, Minimum: 1, Maximum: 9, Provisioned: 1, Begun: 2,
	}
	got := functionScale(nil, &said)
	if got == nil || !got.LastChange.Equal(&then) {
		t.Fatalf("scale %+v", got)
	}
	got.LastChange = want.LastChange
	if *got != want {
		t.Errorf("scale %+v, want %+v", *got, want)
	}
}

func TestFunctionScale_KeepsWhatNobodySaysAnew(t *testing.T) {
	then := metav1.NewTime(time.Unix(1700000000, 0))
	before := &v1.FunctionScale{Reason: "IdleTimeout", LastChange: &then, Maximum: 500, Target: "0"}
	for name, c := range map[string]struct {
		before *v1.FunctionScale
		said   *wire.FunctionStatus
		want   *v1.FunctionScale
	}{
		"a function that was never called":     {nil, &wire.FunctionStatus{Max: 500}, nil},
		"no autoscaler":                        {before, nil, before},
		"an autoscaler that began anew":        {before, &wire.FunctionStatus{Max: 500}, before},
		"which found pods that were not there": {before, &wire.FunctionStatus{Max: 500, Wanted: 1}, &v1.FunctionScale{Wanted: 1, Maximum: 500, Target: "0"}},
	} {
		if got := functionScale(c.before, c.said); !sameScale(got, c.want) {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}

func TestSameScale_TakesNoNoticeOfLoadAndWarmPods(t *testing.T) {
	a := &v1.FunctionScale{Wanted: 1, StableWindow: "1", PanicWindow: "2", WarmAvailable: 3}
	if b := (&v1.FunctionScale{Wanted: 1, StableWindow: "4", PanicWindow: "5", WarmAvailable: 6}); !sameScale(a, b) {
		t.Error("load is taken for a change")
	}
	if sameScale(a, &v1.FunctionScale{Wanted: 2}) || sameScale(a, nil) || sameScale(nil, a) || !sameScale(nil, nil) {
		t.Error("changes are not seen, or seen where there is none")
	}
}

func TestFunctionConditions_TellOfSettings(t *testing.T) {
	f := &v1.Function{}
	for name, c := range map[string]struct {
		said   *wire.FunctionStatus
		target int
		kind   string
		want   string // status, reason and the beginning of the message
	}{
		"nothing to say":    {&wire.FunctionStatus{}, 0, v1.ConditionSettingsValid, ""},
		"nobody says":       {nil, 0, v1.ConditionSettingsValid, ""},
		"a fault":           {&wire.FunctionStatus{Fault: "x is y", Unused: "z"}, 0, v1.ConditionSettingsValid, "False InvalidSettings x is y. What is named does not hold"},
		"without effect":    {&wire.FunctionStatus{Unused: "z"}, 0, v1.ConditionSettingsValid, "True SettingsWithoutEffect without effect: z"},
		"not provisioned":   {&wire.FunctionStatus{Hot: 1}, 0, v1.ConditionProvisioned, ""},
		"being provisioned": {&wire.FunctionStatus{Hot: 1, Provisioned: 3}, 2, v1.ConditionProvisioned, "False Provisioning 1 of 3 pods are hot"},
		"provisioned":       {&wire.FunctionStatus{Hot: 4, Provisioned: 3}, 2, v1.ConditionProvisioned, "True Provisioned 3 of 3 pods are hot"},
	} {
		f.Spec.ProvisionedConcurrency = nil
		if c.target > 0 {
			f.Spec.ProvisionedConcurrency = &v1.ProvisionedConcurrency{Target: c.target}
		}
		got := ""
		if condition := find(functionConditions(functionFacts{function: f, status: c.said}), c.kind); condition != nil {
			got = string(condition.Status) + " " + condition.Reason + " " + condition.Message
		}
		if (got == "") != (c.want == "") || !strings.HasPrefix(got, c.want) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestOutlived_NamesOurConditionsOnly(t *testing.T) {
	there := []metav1.Condition{{Type: "Theirs"}, {Type: v1.ConditionReady}}
	if outlived(there, nil) {
		t.Error("a condition that is not ours is to go")
	}
	if there = append(there, metav1.Condition{Type: v1.ConditionSettingsValid}); !outlived(there, nil) || outlived(there, there) {
		t.Error("a condition that is over stays, or one that is not goes")
	}
}

func TestReports_BoundWritesOfTheScale(t *testing.T) {
	r, now := newReports(), time.Now()
	if wait := r.scaleWait("u", now); wait != 0 {
		t.Errorf("the first waits %s", wait)
	}
	if wait := r.scaleWait("u", now.Add(time.Second)); wait != scaleDelay-time.Second {
		t.Errorf("the second waits %s", wait)
	}
	if wait := r.scaleWait("other", now.Add(time.Second)); wait != 0 {
		t.Errorf("another function waits %s", wait)
	}
	if wait := r.scaleWait("u", now.Add(scaleDelay)); wait != 0 {
		t.Errorf("a later one waits %s", wait)
	}
}
