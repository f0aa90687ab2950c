package contract

import (
	"context"
	"slices"
	"sync"
)

// RunAll runs checks, at most so many beside each other, and calls tell with each result, in the order of the checks.
// It stops early when ctx ends.
func RunAll(ctx context.Context, checks []Check, l Language, beside int, tell func(Result)) []Result {
	slots := make(chan struct{}, beside)
	results := make([]chan Result, len(checks))
	var running sync.WaitGroup
	for i := range checks {
		results[i] = make(chan Result, 1)
	}
	running.Go(func() { // In order: with one slot the checks build on each other.
		for i, c := range checks {
			slots <- struct{}{}
			running.Go(func() {
				defer func() { <-slots }()
				defer close(results[i])
				if ctx.Err() == nil {
					results[i] <- Run(ctx, c, l)
				}
			})
		}
	})
	all := make([]Result, 0, len(checks))
	for _, result := range results {
		if r, ok := <-result; ok {
			tell(r)
			all = append(all, r)
		}
	}
	running.Wait()
	return all
}

// Fulfilled reports whether nothing that the contract requires failed or is missing.
func Fulfilled(results []Result) bool {
	return !slices.ContainsFunc(results, func(r Result) bool {
		return r.Required && (r.Outcome == Failed || r.Outcome == Missing)
	})
}
