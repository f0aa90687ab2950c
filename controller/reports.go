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
	routes    map[string]map[string]routeReport // by the replica of xds that said it, too
	// written is when the status of a function or an environment was written last because of its scale.
	written map[string]time.Time
}

type routeReport struct {
	status wire.RouteStatus
	since  time.Time // when it got its state
}

func newReports() *reports {
	return &reports{functions: map[string]wire.FunctionStatus{}, pools: map[string]wire.PoolStatus{}, routes: map[string]map[string]routeReport{}, written: map[string]time.Time{}}
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

// route returns what the replicas of xds say together, and since when the one that decides says it. Each knows of its own Envoys
// only: a replica without any decides nothing as long as another has some, and the least advanced one decides among the others.
func (r *reports) route(uid string) (*wire.RouteStatus, time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var decides *routeReport
	for _, said := range r.routes[uid] {
		if decides == nil || said.before(*decides) {
			decides = &said
		}
	}
	if decides == nil {
		return nil, time.Time{}
	}
	return &decides.status, decides.since
}

// before reports whether r decides rather than other.
func (r routeReport) before(other routeReport) bool {
	rank := func(s wire.RouteStatus) int {
		switch s.State {
		case wire.RouteNoEnvoy:
			return 3
		case wire.RouteAcknowledged:
			return 2
		case wire.RoutePending:
			return 1
		default:
			return 0
		}
	}
	a, b := r.status, other.status
	if (rank(a) == 3) != (rank(b) == 3) {
		return rank(b) == 3
	}
	if a.Generation != b.Generation {
		return a.Generation < b.Generation
	}
	if rank(a) != rank(b) {
		return rank(a) < rank(b)
	}
	return r.since.After(other.since)
}

// forgetReplica drops all that a replica of xds said, and returns the routes of which it said something.
func (r *reports) forgetReplica(replica string) []wire.RouteStatus {
	r.mu.Lock()
	defer r.mu.Unlock()
	var of []wire.RouteStatus
	for uid, said := range r.routes {
		if s, ok := said[replica]; ok {
			of = append(of, s.status)
			delete(said, replica)
		}
		if len(said) == 0 {
			delete(r.routes, uid)
		}
	}
	return of
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

// setRoute reports whether what a replica of xds says of the route changed.
func (r *reports) setRoute(replica string, s wire.RouteStatus, now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	before, ok := r.routes[s.UID][replica]
	if s.Gone {
		delete(r.routes[s.UID], replica)
		return false
	}
	if ok && before.status == s {
		return false
	}
	if !ok || before.status.State != s.State {
		before.since = now
	}
	if r.routes[s.UID] == nil {
		r.routes[s.UID] = map[string]routeReport{}
	}
	r.routes[s.UID][replica] = routeReport{status: s, since: before.since}
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
