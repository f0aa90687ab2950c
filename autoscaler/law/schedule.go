package law

import (
	"errors"
	"time"

	v1 "hotpod.dev/api/v1"
)

// Schedule is what a function's provisioned concurrency wants over time: a pure function of the wall clock, so that
// a restart forgets nothing. Its zero value wants nothing.
type Schedule struct {
	base    int
	windows []window
}

// window wants another number of pods for a while after each opening.
type window struct {
	opens  func(after time.Time) time.Time
	length time.Duration
	pods   int
}

// NewSchedule returns the schedule of p, nil for nil. A window whose start cannot be read is left out and named in
// the error.
func NewSchedule(p *v1.ProvisionedConcurrency) (*Schedule, error) {
	if p == nil {
		return nil, nil
	}
	var faults []error
	s := &Schedule{base: p.Target}
	for i := range p.Windows {
		w := &p.Windows[i]
		opens, err := w.Opens()
		if err != nil {
			faults = append(faults, err)
			continue
		}
		s.windows = append(s.windows, window{opens: opens, length: w.Duration.Duration, pods: w.Target})
	}
	return s, errors.Join(faults...)
}

// At returns how many pods are provisioned at now, and when to ask again. Open windows replace the base; of several
// the one that wants most holds.
func (s *Schedule) At(now time.Time) (pods int, until time.Time) {
	until = now.Add(time.Minute) // so that a clock that is set comes through
	open, most := false, 0
	sooner := func(t time.Time) {
		if t.After(now) && t.Before(until) {
			until = t
		}
	}
	for _, w := range s.windows {
		sooner(w.opens(now))
		if began := w.opens(now.Add(-w.length)); !began.IsZero() && !began.After(now) {
			open, most = true, max(most, w.pods)
			sooner(began.Add(w.length))
		}
	}
	if open {
		return most, until
	}
	return s.base, until
}
