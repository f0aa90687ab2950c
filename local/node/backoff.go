package node

import "time"

// The delays between restarts. The kubelet's begin at ten seconds, which is long
// for somebody who waits for the effect of a change.
const (
	firstDelay = time.Second
	maxDelay   = 5 * time.Minute
	// calm is how long a container must run before its past is forgotten.
	calm = 10 * time.Minute
)

// backoff says how long to wait before trying again. The zero value is ready.
type backoff struct {
	delay time.Duration
}

// next returns the delay after a try that lasted for ran: none after the first
// failure, then a second, doubling up to five minutes.
func (b *backoff) next(ran time.Duration) time.Duration {
	if ran >= calm {
		b.delay = 0
	}
	delay := b.delay
	b.delay = min(max(2*b.delay, firstDelay), maxDelay)
	return delay
}
