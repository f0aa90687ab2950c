package queueproxy

import "time"

// Bounds are the rules that a Breaker keeps.
type Bounds struct {
	// Limit is the number of requests inside the function at a time; 0 means no limit.
	Limit int
	// Once admits a single request in the breaker's life.
	Once bool
	// MaxWaiting is the number of requests that may wait.
	MaxWaiting int
}

// Arrival is what can be done with a request that cannot be admitted at once.
type Arrival uint8

// Kinds of arrivals.
const (
	// Direct arrivals are refused: the client replays them elsewhere.
	Direct Arrival = iota
	// Patient arrivals asked to wait; they can still be refused later.
	Patient
	// Stuck arrivals cannot be replayed, so they wait, also while the pod drains.
	Stuck
)

// Verdict is what a Breaker decides about a request.
type Verdict uint8

// Verdicts.
const (
	// Admitted: the request goes in; Leave must follow.
	Admitted Verdict = iota + 1
	// Queued: the verdict comes by Settle.
	Queued
	// Limited: refused, because the limit is reached or others wait.
	Limited
	// Drained: refused, because the pod takes nothing new.
	Drained
	// Overflowed: there are too many waiting already.
	Overflowed
	// Expired: waited as long as it may.
	Expired
)

// Waiter is a request in a Breaker's queue. Its zero value is ready; it belongs to one request at a time.
type Waiter struct {
	arrival    Arrival
	prev, next *Waiter
	queued     bool
	// until is when its patience ends.
	until time.Time
	// decided is where a gate tells the request; the Breaker does not look at it.
	decided chan Verdict
}

// Breaker decides who goes into the function. Invariants: inside <= Limit when there is a limit; nobody waits while
// there is room, once Settle has returned nil; waiters are admitted in the order in which they came.
type Breaker struct {
	bounds   Bounds
	inside   int
	waiting  int
	used     bool // a request was admitted
	draining bool
	queue    Waiter // the list's root: queue.next waits longest
}

// NewBreaker returns a breaker with nothing inside.
func NewBreaker(b Bounds) *Breaker {
	k := &Breaker{bounds: b}
	k.queue.next, k.queue.prev = &k.queue, &k.queue
	return k
}

// Inside returns the number of requests inside the function.
func (k *Breaker) Inside() int { return k.inside }

// Waiting returns the number of requests in the queue.
func (k *Breaker) Waiting() int { return k.waiting }

// Draining reports whether Drain was called.
func (k *Breaker) Draining() bool { return k.draining }

// Open reports whether the next request would be admitted, were it to come now.
func (k *Breaker) Open() bool {
	return !k.draining && (!k.bounds.Once || !k.used) && k.waiting == 0 && k.room()
}

// Arrive decides about a request. w is used only when the verdict is Queued.
func (k *Breaker) Arrive(a Arrival, w *Waiter) Verdict {
	switch {
	case k.draining && a != Stuck:
		return Drained
	case k.bounds.Once && k.used:
		return Limited
	case k.waiting == 0 && k.room():
		k.admit()
		return Admitted
	case a == Direct:
		return Limited
	case k.waiting >= k.bounds.MaxWaiting:
		return Overflowed
	}
	k.push(w, a)
	return Queued
}

// Leave takes a request out of the function. Settle must follow.
func (k *Breaker) Leave() { k.inside-- }

// Abandon takes a request out of the queue; false means that it was decided already.
func (k *Breaker) Abandon(w *Waiter) bool {
	if !w.queued {
		return false
	}
	k.remove(w)
	return true
}

// Expire takes a waiter out of the queue whose patience has ended. When there is none it returns nil, and when the first
// of them ends, zero if nobody waits.
func (k *Breaker) Expire(now time.Time) (late *Waiter, first time.Time) {
	for w := k.queue.next; w != &k.queue; w = w.next {
		if !w.until.After(now) {
			k.remove(w)
			return w, time.Time{}
		}
		if first.IsZero() || w.until.Before(first) {
			first = w.until
		}
	}
	return nil, first
}

// Drain makes the breaker refuse what is new and can be refused. Settle must follow.
func (k *Breaker) Drain() { k.draining = true }

// SetBounds replaces the bounds. Settle must follow.
func (k *Breaker) SetBounds(b Bounds) { k.bounds = b }

// Settle takes a waiter out of the queue that can be decided about now: admitted, or refused because the pod drains
// or its one request was taken. It returns nil when there is none; the caller repeats it until then.
func (k *Breaker) Settle() (*Waiter, Verdict) {
	if k.bounds.Once && k.used {
		if w := k.first(nil); w != nil {
			k.remove(w)
			return w, Limited
		}
		return nil, 0
	}
	if k.draining {
		if w := k.first(func(w *Waiter) bool { return w.arrival != Stuck }); w != nil {
			k.remove(w)
			return w, Drained
		}
	}
	if w := k.first(nil); w != nil && k.room() {
		k.remove(w)
		k.admit()
		return w, Admitted
	}
	return nil, 0
}

func (k *Breaker) room() bool { return k.bounds.Limit <= 0 || k.inside < k.bounds.Limit }

func (k *Breaker) admit() {
	k.inside++
	k.used = true
}

func (k *Breaker) first(fits func(*Waiter) bool) *Waiter {
	for w := k.queue.next; w != &k.queue; w = w.next {
		if fits == nil || fits(w) {
			return w
		}
	}
	return nil
}

func (k *Breaker) push(w *Waiter, a Arrival) {
	w.arrival, w.queued = a, true
	w.prev, w.next = k.queue.prev, &k.queue
	w.prev.next, w.next.prev = w, w
	k.waiting++
}

func (k *Breaker) remove(w *Waiter) {
	w.prev.next, w.next.prev = w.next, w.prev
	w.prev, w.next, w.queued = nil, nil, false
	k.waiting--
}
