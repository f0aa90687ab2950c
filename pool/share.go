package pool

import "time"

const (
	// reserveFrom is the size from which a pool keeps its last warm pod for functions that have none.
	reserveFrom = 3
	// patience is how long after the start nothing is deleted for being too much: what it was made for may ask again.
	patience = 15 * time.Second
)

// holder is the function that has the pod, or is about to get it; "" when none does.
func (m *member) holder() string {
	switch m.state {
	case Claimed, Specializing:
		return m.claimant
	case Hot:
		if m.held != nil {
			return m.held.Function.UID
		}
	default:
	}
	return ""
}

// enter changes the pod's state, and counts what each function has.
func (m *member) enter(s State) {
	before := m.holder()
	m.state = s
	after := m.holder()
	if before == after {
		return
	}
	if shares := m.env.shares; before != "" {
		if shares[before]--; shares[before] == 0 {
			delete(shares, before)
		}
	}
	if after != "" {
		m.env.shares[after]++
	}
}

// grant claims the pod for a function.
func (p *Pool) grant(m *member, function string) *member {
	m.claimant = function
	p.move(m, Claimed)
	return m
}

// claimable returns the pod that has been warm for longest and is made of what the environment says now, or said before
// while no such pod was seen to start. The last one is for functions that have no pod: one function's burst shall not
// make another's first request wait for a pod's start.
func (p *Pool) claimable(e *environment, function string) *member {
	spare := 0
	if e.shares[function] > 0 {
		spare = p.reserved(e)
	}
	var first *member
	for _, m := range e.warm {
		if m.unfit || m.hash != e.hash && !p.former(e) {
			continue
		}
		if first == nil {
			first = m
		}
		if spare--; spare < 0 {
			return first
		}
	}
	return nil
}

// reserved is the number of warm pods that are kept for functions without a pod. A pool that cannot grow has none.
func (p *Pool) reserved(e *environment) int {
	if p.cfg.Own || e.object == nil || e.object.PoolSize() < reserveFrom || len(e.members)+len(e.creating) >= p.maxPods(e) {
		return 0
	}
	return 1
}

// touchAll has every environment planned for again.
func (p *Pool) touchAll() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, e := range p.environments {
		p.touch(e)
	}
}

// serve gives warm pods to the claims that wait, those of functions without a pod first.
func (p *Pool) serve(e *environment) {
	for e.queue.size > 0 {
		turn := e.queue.turn(func(function string) bool { return e.shares[function] == 0 })
		m := p.claimable(e, e.queue.turns[turn])
		if m == nil {
			return
		}
		p.grant(m, e.queue.turns[turn])
		e.queue.popTurn(turn).result <- claimResult{member: m}
	}
}
