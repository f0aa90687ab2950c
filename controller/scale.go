package controller

import (
	"fmt"
	"strconv"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/wire"
)

// scaleDelay gathers changes of a function's scale: for them its status is written once in so long at most.
const scaleDelay = 5 * time.Second

// functionScale returns what the status says of the scale, from what it said before and what the autoscaler says.
func functionScale(before *v1.FunctionScale, s *wire.FunctionStatus) *v1.FunctionScale {
	if s == nil || before == nil && s.Reason == "" && s.Begun == 0 {
		return before // nothing was ever decided
	}
	scale := &v1.FunctionScale{
		Wanted: s.Wanted, Ready: s.Hot, Starting: s.Starting, WarmAvailable: s.Warm, Reason: s.Reason,
		Metric: s.Metric, Target: decimal(s.Target), StableWindow: decimal(s.Stable), PanicWindow: decimal(s.Panic), Panicking: s.Panicking,
		Minimum: s.Min, Maximum: s.Max, Provisioned: s.Provisioned, Begun: s.Begun,
	}
	if s.ChangedMillis > 0 {
		changed := metav1.NewTime(time.UnixMilli(s.ChangedMillis).Truncate(time.Second))
		scale.LastChange = &changed
	} else if before != nil && before.Wanted == scale.Wanted { // an autoscaler that began anew has decided nothing yet
		scale.Reason, scale.LastChange = before.Reason, before.LastChange
	}
	return scale
}

// sameScale reports whether nothing changed but the load and the warm pods, which do all the time.
func sameScale(a, b *v1.FunctionScale) bool {
	if a == nil || b == nil {
		return a == b
	}
	x, y := *a, *b
	if !x.LastChange.Equal(y.LastChange) {
		return false
	}
	x.LastChange, y.LastChange = nil, nil
	x.StableWindow, x.PanicWindow, x.WarmAvailable = y.StableWindow, y.PanicWindow, y.WarmAvailable
	return x == y
}

func decimal(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }

// settings returns what there is to say of a function's settings: nothing when all hold and have effect.
func settings(s *wire.FunctionStatus) []metav1.Condition {
	const kind = v1.ConditionSettingsValid
	switch {
	case s == nil:
		return nil
	case s.Fault != "":
		return []metav1.Condition{untruth(kind, v1.ReasonSettingsInvalid, s.Fault+". What is named does not hold, the rest does: mend it")}
	case s.Unused != "":
		return []metav1.Condition{truth(kind, v1.ReasonSettingsUnused, "without effect: "+s.Unused)}
	}
	return nil
}

// provisioned returns whether the pods of a function's schedule are hot, where it has one.
func provisioned(f *v1.Function, s *wire.FunctionStatus) []metav1.Condition {
	const kind = v1.ConditionProvisioned
	if f.Spec.ProvisionedConcurrency == nil || s == nil {
		return nil
	}
	message := fmt.Sprintf("%d of %d pods are hot", min(s.Hot, s.Provisioned), s.Provisioned)
	if s.Hot < s.Provisioned {
		return []metav1.Condition{untruth(kind, v1.ReasonProvisioning, message)}
	}
	return []metav1.Condition{truth(kind, v1.ReasonProvisioned, message)}
}
