package controller

import (
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/wire"
)

// environmentPool returns what the status says of the pool, from what it said before and what the pool says.
func environmentPool(before *v1.EnvironmentPool, s *wire.PoolStatus) *v1.EnvironmentPool {
	if s == nil {
		return before
	}
	pool := &v1.EnvironmentPool{
		Wanted: s.Wanted, Reason: s.Reason, Warm: s.Warm, Starting: s.Starting, Busy: s.Busy, Unschedulable: s.Unschedulable,
		Maximum: s.Maximum, ClaimsPerSecond: decimal(s.Rate),
		LeadTime: (time.Duration(s.LeadMillis) * time.Millisecond).Round(100 * time.Millisecond).String(),
	}
	if s.LastUsedMillis > 0 {
		used := metav1.NewTime(time.UnixMilli(s.LastUsedMillis))
		pool.LastUsed = &used
	}
	return pool
}

// samePool reports whether nothing changed that is worth a write for itself.
func samePool(a, b *v1.EnvironmentPool) bool {
	if a == nil || b == nil {
		return a == b
	}
	x, y := *a, *b
	x.ClaimsPerSecond, x.LeadTime, x.LastUsed = y.ClaimsPerSecond, y.LeadTime, y.LastUsed
	return x == y
}

// poolSettings returns what there is to say of an environment's settings: nothing when all hold and have effect.
func poolSettings(e *v1.Environment) []metav1.Condition {
	_, err := e.PoolSettings()
	switch {
	case err == nil && e.Spec.AllowedFunctionsPerContainer == "infinite":
		return []metav1.Condition{truth(v1.ConditionSettingsValid, v1.ReasonSettingsUnused,
			"without effect: allowedFunctionsPerContainer infinite keeps one warm pod, but functions do not share it: each gets a pod of its own")}
	case err == nil:
		return nil
	}
	fault := strings.ReplaceAll(err.Error(), "\n", "; ")
	return []metav1.Condition{untruth(v1.ConditionSettingsValid, v1.ReasonSettingsInvalid, fault+". What is named does not hold, the rest does: mend it")}
}
