package activator

import (
	"sync"
	"time"

	"hotpod.dev/proxy"
	"hotpod.dev/wire"
)

const (
	// patience is how long a request waits for a new pod before it also waits at the busy ones.
	patience = 30 * time.Millisecond
	// shortWait and longWait bound one wait at a queue-proxy: at the maximum no new pod can come. Afterwards the
	// request is placed anew, so none is stuck behind the slowest pod.
	shortWait = 250 * time.Millisecond
	longWait  = time.Second
	// waitersPerPod is how many requests one activator queues at one pod beyond its limit.
	waitersPerPod = 2
)

// queue is what one function has in this activator: requests that wait, and places at pods.
type queue struct {
	id    wire.FunctionID
	depth int
	// link is told, with mu held, when what is to be said to the autoscaler may have changed.
	link *link

	mu      sync.Mutex // guards all below
	waiters list
	next    uint64 // order of the next request
	pods    pods
	limit   int
	hold    time.Duration
	// atMaximum says that no more pods will come.
	atMaximum bool
	// seen is the number of the last placement.
	seen uint64
	// told says that a placement came: before, it is not known whether there are hot pods.
	told  bool
	timer *time.Timer
	// used is when a request last came; entered is the number of requests between enter and leave.
	used    time.Time
	entered int
	// dropped queues take no new requests: another has their name.
	dropped bool
	said    said
	// ended is what the autoscaler was not told yet.
	ended tally
}

// place is a permission to send one request to one pod. It must be given back once.
type place struct {
	pod *pod
	// wait asks the queue-proxy to queue the request for so long; 0 asks for an immediate refusal.
	wait time.Duration
}

// verdict ends a wait: a place, or an error to answer with.
type verdict struct {
	place place
	err   *wire.Error
}

// newQueue returns an empty queue. hold is the bound of a wait until a placement says another.
func newQueue(id wire.FunctionID, depth int, hold time.Duration, link *link) *queue {
	return &queue{id: id, depth: depth, hold: hold, link: link}
}

// enter begins a request; false means that the queue was dropped.
func (q *queue) enter(w *waiter, now time.Time) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.dropped {
		return false
	}
	q.used = now
	q.entered++
	w.arrived, w.order, w.cold = now, q.next, q.told && len(q.pods.all) == 0
	q.next++
	return true
}

// leave ends a request that entered, and says whether it was cold.
func (q *queue) leave(w *waiter, r result) (cold bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.entered--
	cold = w.cold || !q.told // nobody said that there is a pod
	q.ended.count(r, cold, w.took)
	return cold
}

// ask queues w at its position and gives places to those in front. The verdict comes on w.verdict, often at once.
func (q *queue) ask(w *waiter, now time.Time) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.waiters.n >= q.depth && !w.placed {
		w.tell(verdict{err: wire.ErrCapacity("too many requests wait for function " + q.id.Namespace + "/" + q.id.Name)})
		return
	}
	w.story.maximum = q.atMaximum && len(q.pods.all) > 0
	q.waiters.insert(w)
	q.serve(now)
}

// withdraw takes w out of the queue because its client is gone; false means that its verdict is already there.
func (q *queue) withdraw(w *waiter, now time.Time) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !w.queued {
		return false
	}
	q.waiters.remove(w)
	q.serve(now)
	return true
}

// sent notes that a request is on its way to its pod, so that the next can set out.
func (q *queue) sent(w *waiter, p place) {
	q.mu.Lock()
	defer q.mu.Unlock()
	w.depart(p)
	if q.waiters.n > 0 {
		q.serve(time.Now())
	}
}

// release gives a place back after its pod has done its part.
func (q *queue) release(w *waiter, p place, now time.Time) {
	q.mu.Lock()
	defer q.mu.Unlock()
	w.depart(p)
	q.free(p.pod)
	p.pod.rest = time.Time{} // a place is free again
	p.pod.faults = 0
	q.serve(now)
}

// refused gives a place back whose pod did not take the request.
func (q *queue) refused(w *waiter, p place, why refusal, now time.Time) {
	q.mu.Lock()
	defer q.mu.Unlock()
	w.depart(p)
	q.free(p.pod)
	p.pod.refused(why, now)
	q.serve(now)
}

// saturated notes that several pods refused in a row: the others are taken to be as full.
func (q *queue) saturated(now time.Time) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, p := range q.pods.all {
		p.refused(refusedFull, now)
	}
}

// free gives up one of a pod's places, and the pod when it was its last.
func (q *queue) free(p *pod) {
	p.outstanding--
	if p.removed && p.outstanding == 0 {
		p.target.Close()
	}
}

// place takes what the autoscaler says, and answers or places what waits.
func (q *queue) place(p wire.Placement, dial func(address string) *proxy.Target, now time.Time) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.learn(len(p.Pods) == 0 || len(p.Started) >= len(p.Pods)) // all of which became hot while the request was on its way
	q.seen = p.Seq
	q.pods.set(p.Pods, births(p, now), dial)
	q.limit, q.atMaximum = p.Limit, p.AtMaximum
	if p.HoldMillis > 0 {
		q.hold = time.Duration(p.HoldMillis) * time.Millisecond
	}
	if p.Failure != nil && len(p.Pods) == 0 {
		err := wire.ErrUnavailable(*p.Failure)
		for w := q.waiters.first; w != nil; w = q.waiters.first {
			q.waiters.remove(w)
			w.tell(verdict{err: err})
		}
	}
	// What still waits is said again, so that the autoscaler knows that it counts without these pods' places.
	q.said.again = q.waiters.n > 0 || p.Failure != nil
	q.serve(now)
}

// learn takes from the first placement whether the requests that came before it found no hot pod.
func (q *queue) learn(cold bool) {
	if !q.told {
		q.told = true
		for w := q.waiters.first; w != nil; w = w.next {
			w.cold = cold
		}
	}
}

// serve gives places to the requests in front, ends those that waited too long, and sets the timer for the rest.
func (q *queue) serve(now time.Time) {
	for w := q.waiters.first; w != nil; w = q.waiters.first {
		v, ok := q.judge(w, now)
		if !ok {
			break
		}
		q.waiters.remove(w)
		w.tell(v)
	}
	q.arm(now)
	if (q.said.again || q.unplaced(now) != q.said.waiting) && !q.said.dirty {
		q.said.dirty = true
		q.link.changed(q)
	}
}

// unplaced returns how many requests have to wait for a place. Those that only let others set out first do not.
func (q *queue) unplaced(now time.Time) int {
	if q.waiters.n == 0 {
		return 0
	}
	return max(0, q.waiters.n-q.pods.room(q.limit, now))
}

// judge returns the verdict over the request in front, if there is one now.
func (q *queue) judge(w *waiter, now time.Time) (verdict, bool) {
	left := q.hold - now.Sub(w.arrived)
	if left <= 0 {
		return verdict{err: q.late()}, true
	}
	p, wait := q.pods.free(q.limit, now), time.Duration(0)
	if p == nil && q.patient(w, now) {
		p, wait = q.pods.waiting(q.limit, w.last, now), q.slice()
	}
	if p == nil {
		return verdict{}, false
	}
	if w.pinned {
		wait = left
	}
	p.setsOut(now)
	w.placed, w.last, w.setOut = true, p, now
	return verdict{place: place{pod: p, wait: min(wait, left)}}, true
}

// patient says that the request has waited for a new pod for long enough to wait at a busy one.
func (q *queue) patient(w *waiter, now time.Time) bool {
	return q.atMaximum || now.Sub(w.arrived) >= patience
}

func (q *queue) slice() time.Duration {
	if q.atMaximum {
		return longWait
	}
	return shortWait
}

// arm sets the timer for the next moment at which the request in front may get a verdict without any event.
func (q *queue) arm(now time.Time) {
	w := q.waiters.first
	if w == nil {
		if q.timer != nil {
			q.timer.Stop()
		}
		return
	}
	next := w.arrived.Add(q.hold)
	if t := w.arrived.Add(patience); t.After(now) && t.Before(next) {
		next = t
	}
	if t := q.pods.wakes(now); !t.IsZero() && t.Before(next) {
		next = t
	}
	d := max(next.Sub(now), 0)
	if q.timer == nil {
		q.timer = time.AfterFunc(d, q.wake)
		return
	}
	q.timer.Reset(d)
}

// drop ends a queue that no request has used for a while; false means that it is in use.
func (q *queue) drop(before time.Time) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.entered > 0 || q.used.After(before) {
		return false
	}
	q.dropped = true
	q.pods.set(nil, nil, nil)
	return true
}

func (q *queue) isDropped() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.dropped
}

// waiting returns the number of requests that no pod has.
func (q *queue) waiting() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.waiters.n
}

// usedSince says whether a request came after t.
func (q *queue) usedSince(t time.Time) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.used.After(t)
}

func (q *queue) wake() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.serve(time.Now())
}
