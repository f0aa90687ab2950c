package activator

import (
	"context"
	"slices"
	"time"

	"hotpod.dev/wire"
)

// countEvery is how often the autoscaler is told what became of requests, unless something else is said before.
const countEvery = time.Second

// count has queues tell what they counted, until ctx ends.
func (a *Activator) count(ctx context.Context) error {
	t := time.NewTicker(countEvery)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-t.C:
			if !a.uncounted.Swap(false) {
				continue
			}
			for _, q := range a.all() {
				q.tell()
			}
		}
	}
}

// tell makes the queue say what it counted.
func (q *queue) tell() {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.ended != (tally{}) && !q.said.dirty {
		q.said.dirty = true
		q.link.changed(q)
	}
}

// take returns what was counted and begins anew; nil when that is nothing. The caller holds the queue's lock.
func (q *queue) take() *wire.Ended {
	if q.ended == (tally{}) {
		return nil
	}
	e := q.ended.Ended
	q.ended = tally{}
	return &e
}

// tally is what is counted of requests until the autoscaler was told.
type tally struct{ wire.Ended }

// count adds a request that was held for so long before a pod took it, if one did.
func (t *tally) count(r result, cold bool, held time.Duration) {
	if cold {
		t.Cold++
	} else {
		t.Spilled++
	}
	t.HoldMicros += uint64(max(0, held.Microseconds()))
	if i := slices.Index(wire.Failures[:], string(r)); i >= 0 {
		t.Failed[i]++
	}
}
