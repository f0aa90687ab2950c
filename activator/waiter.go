package activator

import "time"

// waiter is one request, from enter to leave.
type waiter struct {
	arrived time.Time
	order   uint64
	// pinned requests cannot be sent twice, so they are queued at a pod rather than refused by it.
	pinned bool
	// placed says that the request was at a pod before; last is that pod.
	placed bool
	last   *pod

	verdict chan verdict // holds one
	// guarded by the queue's lock
	queued     bool
	prev, next *waiter
}

func newWaiter() *waiter { return &waiter{verdict: make(chan verdict, 1)} }

// reset makes w ready for another request.
func (w *waiter) reset() { *w = waiter{verdict: w.verdict} }

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
