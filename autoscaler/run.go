package autoscaler

import (
	"context"
	"sync"
	"time"

	"hotpod.dev/autoscaler/law"
)

const (
	// tick is how often active functions are looked at.
	tick = time.Second
	// adopting is how long after Synced pods may still be found that serve; adoptingDemanded is how much of it
	// waiting requests wait before new ones are started for them.
	adopting         = 2 * time.Second
	adoptingDemanded = 250 * time.Millisecond
	// orphaned is how long after Synced pods of a function that nobody knows are kept.
	orphaned = 10 * time.Second
	// remembered is how long a pod that went early is remembered for its claim's return.
	remembered = time.Minute
)

// Run carries decisions out through pool until ctx ends; then it waits for the calls that it started.
func (a *Autoscaler) Run(ctx context.Context, pool Pool) error {
	var calls sync.WaitGroup
	defer calls.Wait()
	a.mu.Lock()
	a.pool = pool
	a.spawn = func(call func(context.Context)) context.CancelFunc {
		ctx, cancel := context.WithCancel(ctx)
		calls.Go(func() {
			defer cancel()
			call(ctx)
		})
		return cancel
	}
	for _, f := range a.active {
		for _, p := range f.live.pods {
			a.follow(f, p)
		}
	}
	a.lookAtAll(time.Now())
	a.mu.Unlock()

	t := time.NewTicker(tick)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			a.stop()
			return nil
		case <-t.C:
			a.tick()
		}
	}
}

// stop keeps events that come after Run from starting anything.
func (a *Autoscaler) stop() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.spawn = nil
	for _, f := range a.active {
		if f.live.recheck != nil {
			f.live.recheck.Stop()
		}
	}
}

// tick samples and looks at every active function. The lock is given back between functions, so that a request
// waits for one of them at most.
func (a *Autoscaler) tick() {
	began := time.Now()
	a.mu.Lock()
	uids := make([]string, 0, len(a.active))
	for uid := range a.active {
		uids = append(uids, uid)
	}
	for uid, at := range a.gone {
		if began.Sub(at) > remembered {
			delete(a.gone, uid)
		}
	}
	a.mu.Unlock()
	for _, uid := range uids {
		a.mu.Lock()
		if f, ok := a.active[uid]; ok {
			a.tickFunction(f, time.Now())
		}
		a.mu.Unlock()
	}
	a.metrics.tick.Observe(time.Since(began).Seconds())
}

func (a *Autoscaler) tickFunction(f *function, now time.Time) {
	for _, p := range f.live.pods {
		if !p.gone.IsZero() && now.Sub(p.gone) > f.drainBound() {
			a.remove(f, p)
		}
	}
	for s, d := range f.live.demand {
		if d.waiting == 0 && now.After(d.until) {
			delete(f.live.demand, s)
		}
	}
	if !f.expects(now) && !f.live.ahead.IsZero() {
		f.live.ahead = time.Time{}
		f.waits(now)
	}
	if f.object != nil {
		f.spec.provision(now)
		f.sample(now)
	}
	a.look(f, now, true)
	if f.over() {
		a.publish(f, now)
		a.retire(f)
	}
}

// lookAtAll looks at every active function.
func (a *Autoscaler) lookAtAll(now time.Time) {
	for _, f := range a.active {
		a.look(f, now, false)
	}
}

// look decides about a function and carries it out. Only the tick goes down.
func (a *Autoscaler) look(f *function, now time.Time, ticked bool) {
	if f.live == nil {
		return
	}
	if f.object == nil {
		a.lookAtUnknown(f, now)
		return
	}
	serving, older := f.serving()
	seen := f.observe(serving, now)
	decision, state := law.Decide(f.spec.Spec, f.live.state, seen, now)
	f.live.state = state
	f.begin(serving, now)
	a.note(f, decision, seen, now, ticked)
	if a.spawn != nil && !a.synced.IsZero() {
		updating := len(serving) > 0 && (serving[0].generation < f.generation() || serving[0].outdated)
		a.up(f, decision, serving, updating, now)
		a.down(f, decision, serving, older, updating, ticked)
	}
	a.recheck(f, decision.Recheck)
	a.place(f, now)
	a.publish(f, now)
}

// begin notes that the newest generation has reached its initial scale, which then counts no more; its pods stay for a
// stable window.
func (f *function) begin(serving []*pod, now time.Time) {
	if f.spec.Initial > 0 && len(serving) >= min(f.spec.Initial, f.spec.Max) && serving[0].generation == f.generation() {
		f.begun, f.spec.Initial = f.generation(), 0
		f.live.state = law.Resumed(len(serving), now)
	}
}

// lookAtUnknown keeps what belongs to a function that was not told yet, and ends it when nobody tells.
func (a *Autoscaler) lookAtUnknown(f *function, now time.Time) {
	a.place(f, now)
	if a.spawn == nil || a.synced.IsZero() || now.Sub(a.synced) < orphaned {
		return
	}
	for _, p := range f.live.pods {
		if !p.leaving {
			a.config.Log.Info("drain pod of unknown function", "function", f.id.Name, "namespace", f.id.Namespace, "pod", p.hot.UID)
			a.drain(f, p)
		}
	}
}

// recheck looks at the function again after d.
func (a *Autoscaler) recheck(f *function, d time.Duration) {
	if d <= 0 || a.spawn == nil {
		return
	}
	if f.live.recheck != nil && !f.live.recheck.Stop() {
		f.live.recheck = nil
	}
	uid := f.id.UID
	f.live.recheck = time.AfterFunc(d, func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		if f, ok := a.active[uid]; ok {
			a.look(f, time.Now(), false)
		}
	})
}
