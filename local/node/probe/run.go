package probe

import (
	"context"
	"time"
)

// Check asks once; nil is a good answer, an error says what is wrong.
type Check func(ctx context.Context) error

// Report is told of every answer that counts: the outcome so far and, for a bad
// answer, what was wrong.
type Report func(outcome Outcome, err error)

// Run asks until ctx ends. Eager probes ask often until the first success.
func Run(ctx context.Context, s Settings, eager bool, check Check, report Report) {
	if !sleep(ctx, s.InitialDelay) {
		return
	}
	tracker := NewTracker(s, eager, time.Now())
	for {
		err := ask(ctx, s.Timeout, check)
		if ctx.Err() != nil {
			return
		}
		if outcome, counted := tracker.Observe(err == nil, time.Now()); counted {
			report(outcome, err)
		}
		if !sleep(ctx, tracker.Wait(time.Now())) {
			return
		}
	}
}

func ask(ctx context.Context, timeout time.Duration, check Check) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	return check(ctx)
}

// sleep waits and says whether ctx still goes on.
func sleep(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
