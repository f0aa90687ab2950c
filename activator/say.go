package activator

import (
	"time"

	"hotpod.dev/wire"
)

// said is what the autoscaler was last told.
type said struct {
	waiting int
	// again makes a message necessary although nothing changed.
	again bool
	// dirty says that the link knows that it has to look.
	dirty bool
}

// say returns what is to be said to the autoscaler, if anything.
func (q *queue) say() (d wire.Demand, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	waiting := q.unplaced(time.Now())
	ended := q.take()
	ok = q.said.again || waiting != q.said.waiting || ended != nil
	q.said = said{waiting: waiting}
	return wire.Demand{Function: q.id, Waiting: waiting, Seen: q.seen, Ended: ended}, ok
}

// repeat makes the queue say what waits, on a new stream or to keep the autoscaler's interest.
func (q *queue) repeat(fresh bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if fresh {
		q.said = said{}
	}
	if !fresh || q.waiters.n > 0 {
		q.said.again = true
		q.serve(time.Now())
	}
}
