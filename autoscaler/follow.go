package autoscaler

import (
	"context"
	"math/rand/v2"
	"time"

	"hotpod.dev/wire"
)

const (
	// firstFollow and lastFollow bound the pause before a broken report stream is opened again, which doubles.
	firstFollow = 100 * time.Millisecond
	lastFollow  = 2 * time.Second
	// gathering is how long reports of a rising load are gathered before it is looked at.
	gathering = 100 * time.Millisecond
)

// follow reads a pod's reports until the pod is gone.
func (a *Autoscaler) follow(f *function, p *pod) {
	if a.spawn == nil {
		return // Run follows every pod that it finds
	}
	p.stop = a.spawn(func(ctx context.Context) {
		pause := firstFollow
		for {
			got := false
			err := a.config.Reports.Watch(ctx, p.hot, func(r wire.Report) {
				got = true
				a.report(f, p, r)
			})
			if ctx.Err() != nil || a.lost(f, p, err) {
				return
			}
			if got {
				pause = firstFollow
			}
			if !sleep(ctx, pause/2+rand.N(pause)) { //nolint:gosec // spreads calls, guards nothing
				return
			}
			pause = min(2*pause, lastFollow)
		}
	})
}

// report takes what a pod says.
func (a *Autoscaler) report(f *function, p *pod, r wire.Report) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.metrics.reports.Inc()
	if f.live == nil || f.live.pods[p.hot.UID] != p {
		return
	}
	if p.adopted && !p.load.counted {
		p.load.baseline(r)
	}
	now := time.Now()
	a.keepCalls(f, p, r.Calls, now)
	f.exemplify(r.Calls, now)
	r.Calls = nil
	took, before := p.takes(f.spec.once), p.load.in(f.spec.Metric, now)
	if p.load.take(r, now, f.counted()) {
		f.live.active = now
	}
	f.live.rose += p.load.in(f.spec.Metric, now) - before
	if f.live.rose >= f.spec.Target && f.live.sampled {
		a.sampleSoon(f)
	}
	if took == p.takes(f.spec.once) {
		return
	}
	if r.Broken {
		a.config.Log.Warn("the runtime of a pod is gone, the pod is replaced", "function", f.id.Name, "namespace", f.id.Namespace, "pod", p.hot.UID)
	}
	a.look(f, now, false) // it drains, has lost its runtime, or has had its one request
}

// lost notes that a pod's stream broke and returns whether that was its last.
func (a *Autoscaler) lost(f *function, p *pod, err error) (last bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if f.live == nil || f.live.pods[p.hot.UID] != p {
		return true
	}
	if !p.gone.IsZero() {
		a.remove(f, p)
		return true
	}
	if p.load.known {
		a.config.Log.Debug("report stream broke", "pod", p.hot.UID, "error", err)
	}
	p.load.known = false
	return false
}

// sampleSoon looks at a function before the tick whose load has risen by what a pod takes: up at once. Other pods of it
// most likely have as much more to say, which a moment gathers.
func (a *Autoscaler) sampleSoon(f *function) {
	if f.live.sooner != nil || a.spawn == nil {
		return
	}
	l := f.live
	l.sooner = time.AfterFunc(gathering, func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		l.sooner = nil
		if f.live != l || f.object == nil {
			return
		}
		now := time.Now()
		f.sample(now)
		a.look(f, now, false)
	})
}
