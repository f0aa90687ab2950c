package pool

import (
	"context"
	"time"
)

const (
	apiRetryFirst = 500 * time.Millisecond
	apiRetryLast  = 5 * time.Second
	apiTimeout    = 15 * time.Second
)

// backoff keeps a time before which something is not tried again. Its zero value allows everything.
type backoff struct {
	delay time.Duration
	until time.Time
}

// fail doubles the delay between first and last, and starts it now. Failures within a delay do not count again:
// they were caused before it.
func (b *backoff) fail(now time.Time, first, last time.Duration) {
	if now.Before(b.until) {
		return
	}
	b.delay = min(max(2*b.delay, first), last)
	b.until = now.Add(b.delay)
}

// over reports whether the delay is over.
func (b *backoff) over(now time.Time) bool { return !now.Before(b.until) }

// persist calls the API server until it succeeded or is no longer wanted. Each failure waits longer.
func (p *Pool) persist(ctx context.Context, wanted func() bool, call func(context.Context) error) {
	for delay := apiRetryFirst; wanted(); delay = min(2*delay, apiRetryLast) {
		err := p.callAPI(ctx, call)
		if err == nil || ctx.Err() != nil {
			return
		}
		p.deps.Log.Warn("call to the API server is tried again", "error", err, "delay", delay.String())
		if !sleep(ctx, delay) {
			return
		}
	}
}

// callAPI makes one call, bounded in time and in how many go on at once.
func (p *Pool) callAPI(ctx context.Context, call func(context.Context) error) error {
	select {
	case p.api <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-p.api }()
	ctx, cancel := context.WithTimeout(ctx, apiTimeout)
	defer cancel()
	return call(ctx)
}
