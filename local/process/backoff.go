package process

import "time"

const (
	backoffFirst = 100 * time.Millisecond
	backoffMost  = 10 * time.Second
	// A process that ran so long is taken for healthy, and its next death waits the first pause again.
	healthyAfter = 30 * time.Second
)

// backoff returns the pause before the next start: none of the deaths in a row is waited for longer than backoffMost.
func backoff(last time.Duration, ran time.Duration) time.Duration {
	if last == 0 || ran >= healthyAfter {
		return backoffFirst
	}
	return min(last*2, backoffMost)
}
