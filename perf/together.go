package perf

import (
	"context"
	"sync"
	"time"
)

// together prepares n actions and, when all are ready, runs them in parallel. It returns the times of those that
// succeeded in milliseconds, and the errors of the others by their number.
func together(n int, prepare func(i int) error, action func(i int) (time.Duration, error)) ([]float64, map[int]error) {
	took := make([]time.Duration, n)
	errs := make([]error, n)
	inParallel(n, func(i int) { errs[i] = prepare(i) })
	inParallel(n, func(i int) {
		if errs[i] == nil {
			took[i], errs[i] = action(i)
		}
	})
	var times []float64
	failed := map[int]error{}
	for i, err := range errs {
		if err != nil {
			failed[i] = err
			continue
		}
		times = append(times, milliseconds(took[i]))
	}
	return times, failed
}

// inParallel runs n actions, which begin together.
func inParallel(n int, action func(i int)) {
	var ready, done sync.WaitGroup
	ready.Add(n)
	for i := range n {
		done.Go(func() {
			ready.Done()
			ready.Wait()
			action(i)
		})
	}
	done.Wait()
}

// pause waits, or ends with ctx.
func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
