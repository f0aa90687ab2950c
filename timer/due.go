package timer

import (
	"slices"
	"time"

	v1 "hotpod.dev/api/v1"
)

const (
	// OnTime is how late a run may be and still counts as made on time: failing over to another replica takes less.
	OnTime = 10 * time.Second
	// MaxMissed bounds the missed runs that are made up for.
	MaxMissed = 1000
	// LookBack bounds how long ago a run may be that is made up for.
	LookBack = 7 * 24 * time.Hour
)

// Runs are the times at which a function should have been called.
type Runs struct {
	// Times of the runs to make now, in order.
	Times []time.Time
	// Late of these were missed and are made up for.
	Late int
	// Skipped is how many were missed and are not made up for.
	Skipped int64
	// Next is when the next run is due, zero when there is none.
	Next time.Time
}

// Due returns what is to be run, where every run up to after is done and it is now. policy is one of v1.MissedSkip, -Once
// and -All; what @every counts from is origin.
func Due(s v1.Schedule, policy string, origin, after, now time.Time) Runs {
	var r Runs
	if oldest := now.Add(-LookBack); after.Before(oldest) {
		after = oldest
	}
	late := now.Add(-OnTime)
	var missed, onTime []time.Time
	next := s.Next(origin, after)
	for ; !next.IsZero() && !next.After(now); next = s.Next(origin, next) {
		if !next.Before(late) {
			onTime = append(onTime, next)
			continue
		}
		if missed = append(missed, next); len(missed) > 2*MaxMissed {
			r.Skipped += int64(len(missed) - MaxMissed)
			missed = append(missed[:0], missed[len(missed)-MaxMissed:]...)
		}
	}
	r.Next = next
	keep := 0
	switch policy {
	case v1.MissedAll:
		keep = min(len(missed), MaxMissed)
	case v1.MissedOnce:
		if len(onTime) == 0 { // else the last of them is among those
			keep = min(len(missed), 1)
		}
	}
	r.Skipped += int64(len(missed) - keep)
	r.Late = keep
	r.Times = slices.Concat(missed[len(missed)-keep:], onTime)
	return r
}
