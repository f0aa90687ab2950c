package pool

import "time"

const (
	// rollAtOnce bounds the functions that are told at a time to leave pods that are outdated, rollPause is the time until
	// the next: each needs pods of the pool.
	rollAtOnce = 8
	rollPause  = time.Second
)

// former reports whether warm pods made of what the environment said before are still good: until one was seen to start
// that is made of what it says now. Those of one function never are, it may have changed with them.
func (p *Pool) former(e *environment) bool {
	return !p.cfg.Own && e.object != nil && e.hash != "" && e.proven != e.hash
}

// roll tells the observer of hot pods that are outdated, all those of a function together and some functions at a time.
// Call it with mu held.
func (p *Pool) roll(e *environment, now time.Time) {
	if !e.unrolled || e.object == nil || e.hash == "" {
		return
	}
	former, outdated := p.former(e), map[string][]*member{}
	for _, m := range e.members {
		if m.state == Hot && !m.outdated && e.owns(m) && (m.hash != e.hash && !former || p.stale(m)) {
			outdated[m.held.Function.UID] = append(outdated[m.held.Function.UID], m)
		}
	}
	if len(outdated) == 0 {
		e.unrolled = former
		return
	}
	if next := e.rolled.Add(rollPause); now.Before(next) {
		p.touchAt(e, next)
		return
	}
	e.rolled = now
	told := 0
	for _, members := range outdated {
		if told++; told > rollAtOnce {
			p.touchAt(e, now.Add(rollPause))
			return
		}
		uids := make([]string, len(members))
		for i, m := range members {
			m.outdated, uids[i] = true, m.uid
		}
		p.tell(func(o Observer) { o.PodsOutdated(uids) })
		p.deps.Log.Info("function's pods are outdated", "environment", e.key, "function", members[0].held.Function.String(), "pods", len(members))
	}
}
