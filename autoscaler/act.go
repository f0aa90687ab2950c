package autoscaler

import (
	"context"
	"errors"
	"fmt"
	"time"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/autoscaler/law"
	"hotpod.dev/wire"
)

const (
	// firstRetry and lastRetry bound the pause after failed claims, which doubles.
	firstRetry = 500 * time.Millisecond
	lastRetry  = 15 * time.Second
	// drainRetry is the pause after a drain that failed.
	drainRetry = 2 * time.Second
)

// up claims what is missing of the newest generation.
func (a *Autoscaler) up(f *function, d law.Decision, serving []*pod, updating bool, now time.Time) {
	have := len(serving)
	wanted := d.Wanted
	if updating { // the pods that serve are to be replaced, by one at least
		have = 0
		if d.Reason != law.ReasonIdle {
			wanted = max(wanted, 1)
		}
	}
	starting := f.starting()
	n := min(wanted-have-starting, a.config.MaxStarting-len(f.live.claims))
	if n <= 0 || now.Before(f.live.failing.retry) {
		return
	}
	if wait := a.adoption(f, now); wait > 0 {
		a.recheck(f, wait)
		return
	}
	for range n {
		a.claim(f, now)
	}
}

// adoption returns for how long pods that serve may still be found, so that none is started in their place. Requests
// wait for that a short time only.
func (a *Autoscaler) adoption(f *function, now time.Time) time.Duration {
	if f.waiting(now) > 0 {
		return adoptingDemanded - now.Sub(a.synced)
	}
	return adopting - now.Sub(a.synced)
}

// claim starts one claim for the newest generation.
func (a *Autoscaler) claim(f *function, now time.Time) {
	c := &claim{generation: f.generation(), started: now}
	f.live.claims[c] = struct{}{}
	pool, object, bound := a.pool, f.object, f.spec.hold
	c.cancel = a.spawn(func(ctx context.Context) {
		ctx, cancel := context.WithTimeout(ctx, bound)
		defer cancel()
		hot, err := pool.Claim(ctx, object)
		a.claimed(f, c, hot, err)
	})
}

// claimed takes a claim's result.
func (a *Autoscaler) claimed(f *function, c *claim, hot wire.HotPod, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := time.Now()
	a.metrics.claim(err, now.Sub(c.started))
	if f.live == nil { // deleted meanwhile; the pool drains the pod
		return
	}
	delete(f.live.claims, c)
	f.counted().claim(err)
	switch {
	case err == nil:
		f.live.failing = failing{}
		if _, early := a.gone[hot.UID]; early {
			delete(a.gone, hot.UID)
		} else {
			a.addPod(f, c.generation, hot, false)
		}
	case c.generation == f.generation():
		a.failed(f, err, now)
	}
	a.look(f, now, false)
}

// failed remembers why no pod became hot, and pauses.
func (a *Autoscaler) failed(f *function, err error, now time.Time) {
	failure := f.failure(err)
	fail := &f.live.failing
	if fail.failure == nil || *fail.failure != *failure {
		a.config.Log.Warn("claim failed", "function", f.id.Name, "namespace", f.id.Namespace,
			"generation", f.generation(), "reason", failure.Reason, "error", err)
	}
	fail.failure = failure
	if now.Before(fail.retry) { // one of several that failed together
		return
	}
	fail.retry = now.Add(min(lastRetry, firstRetry<<min(fail.times, 8)))
	fail.times++
}

// failure returns err as the function's owner sees it.
func (f *function) failure(err error) *wire.Failure {
	if failure, ok := errors.AsType[*wire.Failure](err); ok {
		return failure
	}
	message := err.Error()
	if errors.Is(err, context.DeadlineExceeded) {
		message = fmt.Sprintf("no pod became ready within %s", f.spec.hold)
	}
	return &wire.Failure{Reason: v1.ReasonPoolUnavailable, Message: message}
}

// down drains what is too much, and what is older than the pods that serve.
func (a *Autoscaler) down(f *function, d law.Decision, serving, older []*pod, updating, ticked bool) {
	for _, p := range older {
		a.drain(f, p)
	}
	if !ticked || updating && d.Wanted > 0 || len(serving) <= d.Wanted {
		return
	}
	chosen := choose(serving, len(serving)-d.Wanted)
	for _, p := range chosen {
		a.drain(f, p)
	}
}

// drain makes the pod leave and lets the pool end it, trying again until the pool could. In doubt it does nothing: a
// later look at the function, or at orphans, comes back to the pod.
func (a *Autoscaler) drain(f *function, p *pod) {
	if p.leaving || a.spawn == nil || a.config.Sure != nil && !a.config.Sure() {
		return
	}
	p.leaving = true
	a.metrics.drains.Inc()
	pool, uid, bound := a.pool, p.hot.UID, f.drainBound()
	a.spawn(func(ctx context.Context) {
		for {
			err := pool.Drain(ctx, uid, bound)
			if err == nil || ctx.Err() != nil {
				return
			}
			a.config.Log.Warn("drain failed", "pod", uid, "error", err)
			if !sleep(ctx, drainRetry) {
				return
			}
		}
	})
}

func (f *function) drainBound() time.Duration {
	if f.spec.drain > 0 {
		return f.spec.drain
	}
	return v1.DefaultFunctionTimeout
}

// addPod begins to count a pod that became hot and to follow its reports. An adopted pod was hot before this
// autoscaler started.
func (a *Autoscaler) addPod(f *function, generation int64, hot wire.HotPod, adopted bool) {
	if _, ok := f.live.pods[hot.UID]; ok {
		return
	}
	now := time.Now()
	p := &pod{hot: hot, generation: generation, since: now, adopted: adopted}
	f.live.pods[hot.UID] = p
	f.live.active = now
	a.owners[hot.UID] = f
	if p.adopted {
		serving, _ := f.serving()
		f.live.state = law.Resumed(len(serving), now)
	}
	a.follow(f, p)
}

// starting says that pods may still be found that were hot before this autoscaler started.
func (a *Autoscaler) starting(now time.Time) bool {
	return a.synced.IsZero() || now.Sub(a.synced) < orphaned
}

// leave ends a pod that takes nothing new. Its report stream goes on until it breaks, so that the last requests are
// counted.
func (a *Autoscaler) leave(f *function, p *pod, now time.Time) {
	p.leaving, p.gone = true, now
	if !p.load.known {
		a.remove(f, p)
	}
}

// remove ends what is kept of a pod.
func (a *Autoscaler) remove(f *function, p *pod) {
	if p.stop != nil {
		p.stop()
	}
	delete(a.owners, p.hot.UID)
	if f.live != nil {
		delete(f.live.pods, p.hot.UID)
	}
}

// cancelOldClaims ends claims for generations that are not wanted any more.
func (f *function) cancelOldClaims() {
	for c := range f.live.claims {
		if c.generation != f.generation() {
			c.cancel()
		}
	}
}

// sleep waits for d and returns whether ctx let it.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
