package pool

import (
	"math"

	"google.golang.org/grpc"

	"hotpod.dev/feed"
	"hotpod.dev/wire"
)

// Register serves the state of the pools to whoever watches environments.
func (p *Pool) Register(r grpc.ServiceRegistrar) { feed.RegisterPoolStatus(r, p.status) }

// The rest of this file is called with mu held.

// publish tells what changed of e, whose size follows from the need.
func (p *Pool) publish(e *environment, need Need) {
	if e.object == nil {
		p.status.Remove(e.key, wire.PoolStatus{Environment: e.key, Gone: true})
		e.tell(p, wire.PoolStatus{})
		return
	}
	s := e.status(need)
	if s == e.told {
		return
	}
	p.status.Publish(e.key, s)
	e.tell(p, s)
}

// tell keeps what was told, and tells the observer and the log of what they care about.
func (e *environment) tell(p *Pool, s wire.PoolStatus) {
	before := e.told
	e.told = s
	if s.Failure != before.Failure {
		p.logPool(e.key, s.Failure)
	}
	if s.Warm != before.Warm || s.Starting != before.Starting || s.Failure != before.Failure {
		p.tell(func(o Observer) { o.PoolChanged(e.key, s.Warm, s.Starting, s.Failure) })
	}
}

func (e *environment) status(need Need) wire.PoolStatus {
	s := wire.PoolStatus{
		Environment: e.key, UID: string(e.object.UID), Generation: e.object.Generation, Failure: e.failure,
		Wanted: e.size.Wanted, Reason: string(e.size.Reason), Maximum: need.Max,
		Warm: len(e.warm), Starting: len(e.creating), Busy: len(e.members) - len(e.idle),
		Rate: math.Round(need.Rate*100) / 100, LeadMillis: need.Lead.Milliseconds(),
		LastUsedMillis: e.used.UnixMilli() / 1000 * 1000,
	}
	for _, m := range e.idle {
		switch {
		case m.state != Starting || m.broken != "":
		case m.stuck != "":
			s.Unschedulable++
			s.Starting++
		default:
			s.Starting++
		}
	}
	return s
}

func (p *Pool) logPool(key string, f *wire.Failure) {
	if f == nil {
		p.deps.Log.Info("pool is available", "environment", key)
		return
	}
	p.deps.Log.Warn("pool is unavailable", "environment", key, "cause", f.Message)
}
