package autoscaler

import (
	"time"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/autoscaler/law"
)

const (
	// drainSlack is given to a draining pod beyond the longest run of a request.
	drainSlack = 5 * time.Second
	// streamDrain bounds the drain of streams that have no bound of their own.
	streamDrain = 5 * time.Minute
)

// spec is how one function scales, and which bounds its requests and pods have.
type spec struct {
	law.Settings
	// hold bounds the wait of a request, and of a claim, for a pod; run a request inside the function; drain the
	// drain of a pod.
	hold, run, drain time.Duration
	// once says that a pod takes a single request in its life.
	once bool
	// asked is when the schedule is to be asked again.
	asked time.Time
}

// specOf returns the spec of a function's fields and annotations.
func specOf(f *v1.Function, d law.Defaults) spec {
	return spec{
		Settings: law.Settle(f, d), hold: f.HoldTimeout(), run: f.RunTimeout(), drain: drainBound(f), once: f.Spec.OnceOnly,
	}
}

// provision sets what the schedule wants at now.
func (s *spec) provision(now time.Time) {
	if s.Schedule == nil || now.Before(s.asked) && s.asked.Sub(now) <= time.Minute {
		return
	}
	now = now.Round(0) // a schedule is about the clock on the wall
	s.Provisioned, s.asked = s.Schedule.At(now)
}

// lasting says that the function wants pods, or may want some soon, though nobody calls it.
func (s *spec) lasting() bool { return s.Floor() > 0 || s.Schedule != nil }

func drainBound(f *v1.Function) time.Duration {
	bound := f.RunTimeout()
	if s := f.Spec.Streaming; s != nil {
		if s.MaxDurationSeconds > 0 {
			bound = max(bound, time.Duration(s.MaxDurationSeconds)*time.Second)
		} else {
			bound = max(bound, streamDrain)
		}
	}
	return bound + drainSlack
}
