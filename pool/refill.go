package pool

import "time"

const (
	// RefillPause is how long after a claim its pool is refilled: starting a pod takes the node's processors from
	// the function that is being loaded, and from the request that waits for it.
	RefillPause = 200 * time.Millisecond
	// refillLatest is how long claims that follow one another can put that off.
	refillLatest = time.Second
)

// refill is when a pool is refilled. Its zero value is at once.
type refill struct {
	// since is the first claim that put it off, at when it is due.
	since, at time.Time
}

// claimed notes that a claim goes on.
func (r *refill) claimed(now time.Time) {
	if r.due(now) {
		r.since = now
	}
	r.at = now.Add(RefillPause)
	if last := r.since.Add(refillLatest); r.at.After(last) {
		r.at = last
	}
}

func (r *refill) due(now time.Time) bool { return !now.Before(r.at) }
