package xds

import (
	"strings"
	"sync"
	"time"

	"hotpod.dev/feed"
	"hotpod.dev/wire"
)

// tracker publishes what became of each route: what the table says, and whether every Envoy that serves has
// acknowledged it. An Envoy counts from its first acknowledgement on; before, it serves nobody. States that are
// likely to pass are published only when they last, so that a restart here changes nobody's status.
type tracker struct {
	topic    *feed.Topic[wire.RouteStatus]
	patience time.Duration
	changed  chan struct{} // has one element when publish has something to do

	mu     sync.Mutex // guards all below
	routes map[Key]*tracked
	acked  map[*stream]uint64 // number of the public table that each Envoy serves
	reason string             // of the last refusal of the public table, "" after an acknowledgement
}

// tracked is one route.
type tracked struct {
	status wire.RouteStatus // as published; State "" before
	fate   fate
	serves *served   // what the table has of it: another needs an acknowledgement
	since  uint64    // number of the first public table that has it
	late   time.Time // since when it is not acknowledged
	uid    string
	gen    int64
}

func newTracker(patience time.Duration) *tracker {
	return &tracker{
		topic: feed.NewTopic[wire.RouteStatus](), patience: patience, changed: make(chan struct{}, 1),
		routes: map[Key]*tracked{}, acked: map[*stream]uint64{},
	}
}

// built tells of a new table: number is that of the resource that holds it.
func (t *tracker) built(v view, table *table, number uint64, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for k, d := range v.declared {
		f := table.fates[k]
		if d.err != nil {
			f = fate{wire.RouteInvalid, strings.ReplaceAll(d.err.Error(), "\n", "; ")}
		}
		r := t.routes[k]
		if r == nil || r.uid != d.uid {
			r = &tracked{uid: d.uid, late: now}
			t.routes[k] = r
		}
		if serves := table.served[k]; r.serves != serves || r.fate.state != f.state || r.gen != d.generation {
			r.serves, r.since, r.late = serves, number, now
		}
		r.fate, r.gen = f, d.generation
	}
	for k, r := range t.routes {
		if _, exists := v.declared[k]; !exists {
			delete(t.routes, k)
			gone := r.status
			gone.Gone = true
			t.topic.Remove(k.String(), gone)
		}
	}
	t.rouse()
}

func (t *tracker) rouse() {
	select {
	case t.changed <- struct{}{}:
	default:
	}
}

func (t *tracker) acknowledge(s *stream, number uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if number != t.acked[s] {
		t.acked[s], t.reason = number, ""
		t.rouse()
	}
}

func (t *tracker) refuse(reason string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.reason = reason
	t.rouse()
}

func (t *tracker) forget(s *stream) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.acked, s)
	t.rouse()
}

// publish tells of every status that changed and returns after how long to call it again, 0 for when changed says so.
func (t *tracker) publish(now time.Time) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	again := time.Duration(0)
	for k, r := range t.routes {
		state, message := t.state(r)
		passing := state == wire.RoutePending || state == wire.RouteNoEnvoy
		if !passing {
			r.late = time.Time{}
		} else if r.late.IsZero() {
			r.late = now
		}
		if wait := r.late.Add(t.patience).Sub(now); passing && wait > 0 {
			if again == 0 || wait < again {
				again = wait
			}
			continue
		}
		status := wire.RouteStatus{Namespace: k.Namespace, Name: k.Name, UID: r.uid, Generation: r.gen, State: state, Message: message}
		if r.status != status {
			r.status = status
			t.topic.Publish(k.String(), status)
		}
	}
	return again
}

// state is called with mu held.
func (t *tracker) state(r *tracked) (wire.RouteState, string) {
	if r.fate.state != wire.RoutePending {
		return r.fate.state, r.fate.message
	}
	if len(t.acked) == 0 {
		return wire.RouteNoEnvoy, ""
	}
	for _, number := range t.acked {
		if number < r.since {
			return wire.RoutePending, t.reason
		}
	}
	return wire.RouteAcknowledged, ""
}

// count returns the number of routes in each state that was published.
func (t *tracker) count() map[wire.RouteState]int {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := map[wire.RouteState]int{}
	for _, r := range t.routes {
		n[r.status.State]++
	}
	return n
}
