package activator

import (
	"time"

	"hotpod.dev/proxy"
)

// waiter is one request, from enter to leave.
type waiter struct {
	arrived time.Time
	order   uint64
	// pinned requests cannot be sent twice, so they are queued at a pod rather than refused by it.
	pinned bool
	// placed says that the request was at a pod before; last is that pod.
	placed bool
	last   *pod
	// held requests had to wait for a place; cold ones came when their function had no hot pod.
	held, cold bool
	// took is how long the request was held before the pod that answered took it.
	took time.Duration

	story story

	verdict chan verdict // holds one
	// at is the place that the request has, while has is true.
	at      place
	has     bool
	queue   *queue
	options proxy.Options
	// guarded by the queue's lock
	queued     bool
	setOut     time.Time // for a pod, when it is on no connection yet
	prev, next *waiter
}

// newWaiter returns a waiter whose requests drop the named headers, and keep so many bytes of their bodies.
func newWaiter(drop []string, replayLimit int64) *waiter {
	w := &waiter{verdict: make(chan verdict, 1)}
	w.options = proxy.Options{
		DropRequest: drop, Refusals: true, ReplayLimit: replayLimit,
		Sent:     func() { w.queue.sent(w, w.at) },
		Answered: func(int) { w.done() }, // the pod is free before a slow client has read the answer
	}
	return w
}

// reset makes w ready for another request.
func (w *waiter) reset() {
	w.pinned, w.placed, w.has, w.held, w.cold = false, false, false, false, false
	w.last, w.queue, w.at, w.took, w.story = nil, nil, place{}, 0, story{}
}

// done gives back the place of a request that its pod has answered, or that ended there otherwise.
func (w *waiter) done() {
	if w.has {
		w.has = false
		w.queue.release(w, w.at, time.Now())
	}
}

// depart makes room for the next that sets out for the same pod. The caller holds the queue's lock.
func (w *waiter) depart(p place) {
	if !w.setOut.IsZero() {
		p.pod.sent(w.setOut)
		w.setOut = time.Time{}
	}
}

// tell ends the wait. It never blocks: a waiter gets one verdict each time it asks.
func (w *waiter) tell(v verdict) { w.verdict <- v }

// list keeps waiters in the order in which they came. Its zero value is empty.
type list struct {
	first, last *waiter
	n           int
}

// insert puts w at its position, which is nearly always the end, or the front for one that comes back.
func (l *list) insert(w *waiter) {
	w.queued = true
	l.n++
	if l.last == nil || l.last.order < w.order {
		l.link(w, l.last, nil)
		return
	}
	at := l.first
	for at.order < w.order {
		at = at.next
	}
	l.link(w, at.prev, at)
}

func (l *list) remove(w *waiter) {
	w.queued = false
	l.n--
	if w.prev == nil {
		l.first = w.next
	} else {
		w.prev.next = w.next
	}
	if w.next == nil {
		l.last = w.prev
	} else {
		w.next.prev = w.prev
	}
	w.prev, w.next = nil, nil
}

func (l *list) link(w, before, after *waiter) {
	w.prev, w.next = before, after
	if before == nil {
		l.first = w
	} else {
		before.next = w
	}
	if after == nil {
		l.last = w
	} else {
		after.prev = w
	}
}
