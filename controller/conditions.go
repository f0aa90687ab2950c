package controller

import (
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/kube"
)

// maxMessage bounds a condition's message, which the API server limits to 32 KiB; nobody reads that much.
const maxMessage = 1024

// truth makes a condition with status True, false with False, unknown with Unknown.
func truth(kind, reason, message string) metav1.Condition {
	return metav1.Condition{Type: kind, Status: metav1.ConditionTrue, Reason: reason, Message: message}
}

func untruth(kind, reason, message string) metav1.Condition {
	return metav1.Condition{Type: kind, Status: metav1.ConditionFalse, Reason: reason, Message: message}
}

func unknown(kind, reason, message string) metav1.Condition {
	return metav1.Condition{Type: kind, Status: metav1.ConditionUnknown, Reason: reason, Message: message}
}

// date completes wanted conditions: the generation that they speak of, and the time of their last transition, which
// is that of the condition before when the status is the same.
func date(before, wanted []metav1.Condition, generation int64, now metav1.Time) []metav1.Condition {
	out := slices.Clone(wanted)
	for i := range out {
		c := &out[i]
		c.ObservedGeneration, c.LastTransitionTime = generation, now
		if len(c.Message) > maxMessage {
			c.Message = c.Message[:maxMessage-3] + "..."
		}
		if b := find(before, c.Type); b != nil && b.Status == c.Status {
			c.LastTransitionTime = b.LastTransitionTime
		}
	}
	return out
}

func find(conditions []metav1.Condition, kind string) *metav1.Condition {
	i := slices.IndexFunc(conditions, func(c metav1.Condition) bool { return c.Type == kind })
	if i < 0 {
		return nil
	}
	return &conditions[i]
}

// same reports whether every wanted condition is there already; others may be there too, they are not ours.
func same(there, wanted []metav1.Condition) bool {
	for i := range wanted {
		w, t := &wanted[i], find(there, wanted[i].Type)
		if t == nil || t.Status != w.Status || t.Reason != w.Reason || t.Message != w.Message || t.ObservedGeneration != w.ObservedGeneration {
			return false
		}
	}
	return true
}

// outlived reports whether a condition of ours is there that is not wanted any more.
func outlived(there, wanted []metav1.Condition) bool {
	return slices.ContainsFunc([]string{v1.ConditionSettingsValid, v1.ConditionProvisioned, v1.ConditionServiceReady, v1.ConditionPublished}, func(kind string) bool {
		return find(there, kind) != nil && find(wanted, kind) == nil
	})
}

// worsened returns the condition of that kind when it is False and was not so for the same reason before.
func worsened(before, after []metav1.Condition, kind string) *metav1.Condition {
	a, b := find(after, kind), find(before, kind)
	if a == nil || a.Status != metav1.ConditionFalse || b != nil && b.Status == a.Status && b.Reason == a.Reason {
		return nil
	}
	return a
}

// due reports whether a status is to be written, and warns of what got worse. When only its scale has changed, which it
// does all the time, it says how long that must wait.
func (c *Controller) due(o kube.Object, observed int64, before, after []metav1.Condition, sameScale bool) (write bool, wait time.Duration) {
	if observed == o.GetGeneration() && same(before, after) && !outlived(before, after) {
		if sameScale {
			return false, 0
		}
		if wait := c.reports.scaleWait(string(o.GetUID()), time.Now()); wait > 0 {
			return false, wait
		}
	}
	for _, kind := range []string{v1.ConditionReady, v1.ConditionSettingsValid, v1.ConditionServiceReady} {
		if bad := worsened(before, after, kind); bad != nil {
			c.events.Warning(o, bad.Reason, bad.Message)
		}
	}
	return true, 0
}
