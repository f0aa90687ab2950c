package pool

import (
	"time"

	"hotpod.dev/wire"
)

const (
	failureFirst = time.Second
	failureLast  = 30 * time.Second
)

// remembered is a function's failure that is answered again without trying: each try costs a pod.
type remembered struct {
	generation int64
	failure    *wire.Failure
	// trying says that a claim was let through whose outcome is not known.
	trying bool
	backoff
}

// recall returns the failure of a function that failed a short while ago. When the delay is over it returns nil
// to one caller, who tries; others are answered with the failure for one delay more. Call it with mu held.
func (p *Pool) recall(uid string, generation int64, now time.Time) *wire.Failure {
	r := p.failures[uid]
	if r == nil || r.generation != generation {
		return nil
	}
	if r.over(now) {
		r.until, r.trying = now.Add(r.delay), true
		return nil
	}
	return r.failure
}

// remember notes a failure and answers the function's waiting claims with it. Call it with mu held.
func (p *Pool) remember(o *order, f *wire.Failure) {
	uid, now := o.held.Function.UID, time.Now()
	r := p.failures[uid]
	if r == nil || r.generation != o.held.Generation {
		r = &remembered{generation: o.held.Generation}
		p.failures[uid] = r
	}
	if r.trying {
		r.until, r.trying = time.Time{}, false // the try counts, though it ran within a delay
	}
	r.failure = f
	r.fail(now, failureFirst, failureLast)
	if e := p.environments[o.environment]; e != nil {
		p.reject(e.queue.take(uid, o.held.Generation), f)
		p.touch(e)
	}
}
