package pool

import (
	"cmp"
	"time"

	v1 "hotpod.dev/api/v1"
)

// clock is the time of Supply.
func (p *Pool) clock() time.Duration { return time.Since(p.begun) }

// wanted notes that a function wants a pod of e.
func (p *Pool) wanted(e *environment) {
	e.supply.Claimed(p.clock())
	e.used = time.Now()
}

// resize decides how many warm pods e shall have, and returns what that follows from.
func (p *Pool) resize(e *environment, o Observed, now time.Time) Need {
	if e.object == nil {
		e.size = Size{}
		return Need{}
	}
	n := p.need(e, o, now)
	s := SizeFor(n)
	if s != e.size && e.size.Reason != "" {
		p.deps.Log.Info("pool size changed", "environment", e.key, "from", e.size.Wanted, "to", s.Wanted, "reason", string(s.Reason),
			"poolsize", n.Poolsize, "claims_per_second", n.Rate, "lead", n.Lead.String(), "maximum", n.Max, "unschedulable", n.Stuck)
	}
	e.size = s
	if s.Wanted > n.Poolsize {
		p.touchAt(e, p.begun.Add(p.clock().Truncate(SupplySlot)+SupplySlot))
	}
	if n.IdleTimeout > 0 && s.Reason != SizeIdle && !o.used() {
		p.touchAt(e, e.used.Add(n.IdleTimeout))
	}
	return n
}

func (p *Pool) need(e *environment, o Observed, now time.Time) Need {
	n := Need{
		Poolsize: p.poolsize(e), Rate: e.supply.Rate(p.clock()), Lead: e.supply.Lead(), Max: p.maxPoolSize(e),
		Have: o.Creating, IdleTimeout: e.settings.IdleTimeout,
	}
	for _, m := range e.idle {
		switch {
		case m.broken != "" || m.unfit || m.hash != e.hash:
		case m.stuck != "":
			n.Stuck++
			n.Have++
		default:
			n.Have++
		}
	}
	if o.used() {
		e.used = now
	}
	n.Idle = max(0, now.Sub(e.used))
	return n
}

// used reports whether functions have pods, or want some.
func (o Observed) used() bool { return o.Busy > 0 || o.Waiting > 0 }

// poolsize is what e asks for of this shard. Pools of one function ask for nothing.
func (p *Pool) poolsize(e *environment) int {
	if p.cfg.Own {
		return 0
	}
	return p.part(e.object.PoolSize())
}

// maxPods bounds all pods of e.
func (p *Pool) maxPods(e *environment) int {
	return p.part(cmp.Or(e.settings.MaxPods, p.cfg.MaxPods))
}

// maxPoolSize bounds the warm pods of e that are made ahead of need.
func (p *Pool) maxPoolSize(e *environment) int {
	return max(p.part(cmp.Or(e.settings.MaxPoolSize, p.cfg.MaxPoolSize)), p.poolsize(e))
}

// lastUsed returns when an environment was used that the pool hears of for the first time: as its status says, so that
// a restart does not fill pools that nobody uses.
func lastUsed(e *v1.Environment, now time.Time) time.Time {
	if s := e.Status.Pool; s != nil && s.LastUsed != nil {
		return now.Add(-max(0, now.Round(0).Sub(s.LastUsed.Time))) // not by the clock on the wall any more
	}
	return now
}
