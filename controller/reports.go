package controller

import (
	"sync"
	"time"

	"hotpod.dev/wire"
)

// reports keeps what the other parts said last, by the UID of the object. It is safe for concurrent use.
type reports struct {
	mu        sync.Mutex // guards all below
	functions map[string]wire.FunctionStatus
	pools     map[string]wire.PoolStatus
	routes    map[string]routeReport
	// written is when the status of a function or an environment was written last because of its scale.
	written map[string]time.Time
}

type routeReport struct {
	status wire.RouteStatus
	since  time.Time // when it got its state
}

func newReports() *reports {
	return &reports{functions: map[string]wire.FunctionStatus{}, pools: map[string]wire.PoolStatus{}, routes: map[string]routeReport{}, written: map[string]time.Time{}}
}

func (r *reports) function(uid string) *wire.FunctionStatus {
	r.mu.Lock()
	defer r.mu.Unlock()
	if s, ok := r.functions[uid]; ok {
		return &s
	}
	return nil
}

func (r *reports) pool(uid string) *wire.PoolStatus {
	r.mu.Lock()
	defer r.mu.Unlock()
	if s, ok := r.pools[uid]; ok {
		return &s
	}
	return nil
}

// setPool keeps what a pool says.
func (r *reports) setPool(s wire.PoolStatus) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !s.Gone {
		r.pools[s.UID] = s
	}
}

func (r *reports) route(uid string) (*wire.RouteStatus, time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if s, ok := r.routes[uid]; ok {
		return &s.status, s.since
	}
	return nil, time.Time{}
}

// setFunction reports whether the change matters to Ready, and whether it does to the scale.
func (r *reports) setFunction(s wire.FunctionStatus) (matters, scales bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	uid := s.Function.UID
	before := r.functions[uid]
	if s.Gone {
		delete(r.functions, uid)
		return false, false
	}
	r.functions[uid] = s
	return verdictOf(before) != verdictOf(s), scaleOf(before) != scaleOf(s)
}

// scaleWait returns how long the status of a function must not be written for its scale yet; 0 counts as a write.
func (r *reports) scaleWait(uid string, now time.Time) time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	if wait := r.written[uid].Add(scaleDelay).Sub(now); wait > 0 {
		return wait
	}
	r.written[uid] = now
	return 0
}

// scaleOf leaves of a status what is worth a write to the API server: load and warm pods change all the time.
func scaleOf(s wire.FunctionStatus) wire.FunctionStatus {
	s.Failure, s.Stable, s.Panic, s.Warm, s.Function = nil, 0, 0, 0, wire.FunctionID{}
	return s
}

// verdict is what conditions are made from.
type verdict struct {
	generation, served int64
	reason, message    string
	warm               bool
}

func verdictOf(s wire.FunctionStatus) verdict {
	if s.Failure == nil {
		return verdict{}
	}
	return verdict{s.Generation, s.ServedGeneration, s.Failure.Reason, s.Failure.Message, s.Warm > 0}
}

// forgetFunctions drops all that the autoscaler of some functions said, by their UIDs, and returns those of which it said
// something bad: a new autoscaler does not know what the one before did.
func (r *reports) forgetFunctions(its func(uid string) bool) []wire.FunctionID {
	r.mu.Lock()
	defer r.mu.Unlock()
	var bad []wire.FunctionID
	for uid, s := range r.functions {
		if !its(uid) {
			continue
		}
		if s.Failure != nil {
			bad = append(bad, s.Function)
		}
		delete(r.functions, uid)
	}
	return bad
}

// setRoute reports whether the status changed.
func (r *reports) setRoute(s wire.RouteStatus, now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	before, ok := r.routes[s.UID]
	if s.Gone {
		delete(r.routes, s.UID)
		return false
	}
	if ok && before.status == s {
		return false
	}
	if !ok || before.status.State != s.State {
		before.since = now
	}
	r.routes[s.UID] = routeReport{status: s, since: before.since}
	return true
}

// drop forgets an object that was deleted.
func (r *reports) drop(uid string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.functions, uid)
	delete(r.pools, uid)
	delete(r.written, uid)
	delete(r.routes, uid)
}
