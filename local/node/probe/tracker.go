package probe

import (
	"cmp"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// Settings are a probe's times and thresholds, with defaults filled in.
type Settings struct {
	InitialDelay, Period, Timeout time.Duration
	// Success and Failure are how many answers in a row change the outcome.
	Success, Failure int
}

// SettingsOf returns p's settings with Kubernetes' defaults for what is zero.
func SettingsOf(p *corev1.Probe) Settings {
	return Settings{
		InitialDelay: time.Duration(p.InitialDelaySeconds) * time.Second,
		Period:       time.Duration(cmp.Or(p.PeriodSeconds, 10)) * time.Second,
		Timeout:      time.Duration(cmp.Or(p.TimeoutSeconds, 1)) * time.Second,
		Success:      int(cmp.Or(p.SuccessThreshold, 1)),
		Failure:      int(cmp.Or(p.FailureThreshold, 3)),
	}
}

// Outcome is what a probe's answers amount to.
type Outcome int

// The outcomes. Unknown is before enough answers in a row.
const (
	Unknown Outcome = iota
	Success
	Failure
)

// The times of asking before the first success.
const (
	eagerInterval = 25 * time.Millisecond
	eagerFor      = 10 * time.Second
	hopefulCap    = 250 * time.Millisecond
	hopefulFor    = time.Minute
)

// Tracker turns a probe's answers into an outcome. It is driven by its caller's clock.
type Tracker struct {
	settings Settings
	// eager asks often until the first success.
	eager   bool
	outcome Outcome
	began   time.Time
	// run is how many answers in a row were equal to last.
	run  int
	last bool
	// succeeded says that some answer was good.
	succeeded bool
	// counted is when a failure was last counted.
	counted time.Time
}

// NewTracker returns a tracker for a probe that begins now.
func NewTracker(s Settings, eager bool, now time.Time) *Tracker {
	return &Tracker{settings: s, eager: eager, began: now}
}

// Observe takes an answer and returns the outcome, and whether the answer
// counted: before the first success, failures count once per period.
func (t *Tracker) Observe(good bool, now time.Time) (outcome Outcome, counted bool) {
	if !good && t.eager && !t.succeeded {
		if !t.counted.IsZero() && now.Sub(t.counted) < t.settings.Period {
			return t.outcome, false
		}
		t.counted = now
	}
	t.succeeded = t.succeeded || good
	if t.run > 0 && t.last != good {
		t.run = 0
	}
	t.last = good
	t.run++
	switch {
	case good && t.run >= t.settings.Success:
		t.outcome = Success
	case !good && t.run >= t.settings.Failure:
		t.outcome = Failure
	}
	return t.outcome, true
}

// Wait returns how long to wait before asking again.
func (t *Tracker) Wait(now time.Time) time.Duration {
	if !t.eager || t.outcome == Success || (t.succeeded && t.outcome == Failure) {
		return t.settings.Period
	}
	switch age := now.Sub(t.began); {
	case age < eagerFor:
		return min(eagerInterval, t.settings.Period)
	case age < hopefulFor:
		return min(hopefulCap, t.settings.Period)
	default:
		return t.settings.Period
	}
}
