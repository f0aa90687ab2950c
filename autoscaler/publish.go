package autoscaler

import (
	"fmt"
	"math"
	"slices"
	"time"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/autoscaler/law"
	"hotpod.dev/wire"
)

// unknownGrace is how long requests wait for a function that was not told of: Envoy may have heard of it first.
const unknownGrace = 3 * time.Second

// place tells interested activators of a changed placement.
func (a *Autoscaler) place(f *function, now time.Time) {
	if len(f.live.demand) == 0 {
		return
	}
	serving, _ := f.serving()
	p := a.placementOf(f, serving, now)
	if samePlacement(p, f.live.placed) {
		return
	}
	a.placement++
	p.Seq = a.placement
	var started []wire.Started
	for _, s := range serving {
		if s.placed == 0 {
			s.placed = p.Seq
			if s.hot.Started != nil && now.Sub(s.since) < aheadFor {
				started = append(started, *s.hot.Started)
			}
		}
	}
	f.live.placed = p // who asks later did not wait for those that became hot now
	p.Started = started
	if f.object == nil && p.Failure == nil {
		return
	}
	for s := range f.live.demand {
		s.put(p)
	}
}

// placementOf returns where the function's requests can go now.
func (a *Autoscaler) placementOf(f *function, serving []*pod, now time.Time) wire.Placement {
	p := wire.Placement{
		Function: f.id, Generation: f.generation(), Limit: f.spec.Limit,
		HoldMillis: f.spec.hold.Milliseconds(), RunMillis: f.spec.run.Milliseconds(),
	}
	if f.object == nil {
		if !a.synced.IsZero() && !f.live.waiting.IsZero() && now.Sub(f.live.waiting) >= unknownGrace {
			p.Failure = unknownFunction(f.id)
		}
		return p
	}
	if len(serving) > 0 {
		p.Generation = serving[0].generation
		p.Pods = make([]wire.HotPod, 0, len(serving))
		for _, s := range serving {
			if !s.unready {
				p.Pods = append(p.Pods, s.hot)
			}
		}
	}
	stuck := f.starting() == 0 && now.Before(f.live.failing.retry)
	p.AtMaximum = len(serving) >= f.spec.Max || stuck
	if len(serving) == 0 {
		p.Failure = a.vain(f, stuck)
	}
	return p
}

// vain returns why waiting for a first pod is in vain, nil when it is not.
func (a *Autoscaler) vain(f *function, stuck bool) *wire.Failure {
	if e := a.pools[f.object.PoolKey()]; e != nil && e.warm == 0 && e.failure != nil {
		return e.failure
	}
	if stuck {
		return f.live.failing.failure
	}
	return nil
}

func samePlacement(a, b wire.Placement) bool {
	return a.Function == b.Function && a.Generation == b.Generation && a.Limit == b.Limit &&
		a.HoldMillis == b.HoldMillis && a.RunMillis == b.RunMillis && a.AtMaximum == b.AtMaximum &&
		sameFailure(a.Failure, b.Failure) && slices.Equal(a.Pods, b.Pods)
}

func sameFailure(a, b *wire.Failure) bool {
	return a == b || a != nil && b != nil && *a == *b
}

func unknownFunction(id wire.FunctionID) *wire.Failure {
	return &wire.Failure{
		Reason:  v1.ReasonFunctionNotFound,
		Message: fmt.Sprintf("function %s in namespace %s does not exist (any more)", id.Name, id.Namespace),
	}
}

// retell is how long a status may stand though the load it names has changed.
const retell = 5 * time.Second

// publish tells of a changed status.
func (a *Autoscaler) publish(f *function, now time.Time) {
	if f.object == nil {
		return
	}
	s := a.statusOf(f, now)
	if f.live != nil {
		before := f.live.status
		if sameFailure(before.Failure, s.Failure) {
			before.Failure = s.Failure
		}
		if now.Sub(f.live.published) < retell {
			before.Stable, before.Panic = s.Stable, s.Panic
		}
		if before == s {
			return
		}
		f.live.status, f.live.published = s, now
	}
	a.status.Publish(f.id.UID, s)
}

func (a *Autoscaler) statusOf(f *function, now time.Time) wire.FunctionStatus {
	s := wire.FunctionStatus{
		Function: f.id, Generation: f.generation(), Begun: f.begun, Fault: f.spec.Fault, Unused: f.spec.Unused,
		Metric: string(f.spec.Metric), Target: f.spec.Target, Min: f.spec.Floor(), Max: f.spec.Max, Provisioned: f.spec.Provisioned,
		Wanted: f.decision.Wanted, Reason: string(f.decision.Reason),
	}
	if !f.changed.IsZero() {
		s.ChangedMillis = f.changed.UnixMilli()
	}
	if e := a.pools[f.object.PoolKey()]; e != nil {
		s.Warm, s.Failure = e.warm, e.failure
	}
	if f.live == nil {
		return s
	}
	serving, _ := f.serving()
	s.Hot, s.Starting, s.Panicking = len(serving), f.starting(), f.live.state.Panicking
	if len(serving) > 0 {
		s.ServedGeneration = serving[0].generation
	}
	s.Stable, s.Panic = f.averages(now)
	if f.live.failing.failure != nil {
		s.Failure = f.live.failing.failure
	}
	return s
}

// averages returns the load over the two windows, as people read it.
func (f *function) averages(now time.Time) (stable, panicked float64) {
	if f.live.windows == nil {
		return 0, 0
	}
	stable, _ = f.live.windows.Average(now, f.spec.StableWindow, f.spec.Aggregation)
	panicked, _ = f.live.windows.Average(now, f.spec.PanicWindow, f.spec.Aggregation)
	return math.Round(stable*100) / 100, math.Round(panicked*100) / 100
}

// note keeps a decision and logs it when it wants another number of pods. In a burst many decisions follow one
// another; those between the first and the tick are left out.
func (a *Autoscaler) note(f *function, d law.Decision, seen law.Observation, now time.Time, ticked bool) {
	l := f.live
	if d.Wanted != f.decision.Wanted {
		f.changed = now
		a.metrics.decisions.WithLabelValues(string(d.Reason)).Inc()
	}
	f.decision = d
	if d.Wanted == l.logged || !ticked && d.Wanted > 0 && l.logged > 0 {
		return
	}
	log := a.config.Log.With("function", f.id.Name, "namespace", f.id.Namespace, "from", l.logged, "to", d.Wanted,
		"reason", string(d.Reason), "ready", seen.Ready, "starting", seen.Starting, "waiting", seen.Waiting,
		"metric", string(f.spec.Metric), "target", f.spec.Target, "stable", seen.Stable, "panic", seen.Panic, "panicking", l.state.Panicking)
	l.logged = d.Wanted
	if d.Wanted == 0 && d.Reason == law.ReasonIdle {
		log.Info("function went to zero", "idle_for", seen.Idle.Round(time.Millisecond).String(), "idle_timeout", f.spec.Idle.String())
		return
	}
	log.Info("wanted pods changed")
}
