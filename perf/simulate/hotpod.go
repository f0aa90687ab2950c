package simulate

import (
	"time"

	"hotpod.dev/autoscaler/law"
	"hotpod.dev/pool"
)

const (
	// maxStarting bounds the claims of one function, as the autoscaler does.
	maxStarting = 100
	// interest is how long activators are told of a function after their last word of it; then it is forgotten.
	interest = time.Minute
	// hash marks all pods as made from what the environment says.
	hash = "environment"
)

// hotpod is our rule: the law with demand from activators, and a pool of warm pods.
type hotpod struct {
	lawful
	stock stock
	// poolsize is what the environment asks for, most how many pods there may be.
	poolsize, most int
	supply         pool.Supply
	// planned is when the pool is planned for next, or was last.
	planned time.Duration
}

func newHotpod(e *engine, s Setting, spec law.Spec) *hotpod {
	h := &hotpod{lawful: lawful{e: e, spec: spec, every: 1}, poolsize: s.Pool, most: s.MaxPods}
	h.stock = stock{e: e, start: s.Start, specialize: s.Specialize, plan: h.plan}
	return h
}

func (h *hotpod) begin() { h.fillUp(false) }

func (h *hotpod) choose(f *function) *pod { return f.roomiest() }

// held is what the activator's demand does: it is looked at at once.
func (h *hotpod) held(f *function) {
	s, now := &f.law, h.e.now
	if f.hot == 0 && f.starting == 0 && f.waiting.len() == 1 && now > max(s.emptied, s.asked+interest) {
		s.windows, s.state = nil, law.State{}
	}
	s.asked, s.active = now, max(s.active, now)
	if !s.waits {
		s.waits, s.since = true, now
	}
	h.look(f, false)
	h.wake(f)
}

func (h *hotpod) changed(f *function, p *pod, before int) {
	f.law.active = max(f.law.active, p.said.change(h.e.now, before, p.busy))
	h.relax(f)
	h.wake(f)
}

// relax notes that nothing waits any more.
func (h *hotpod) relax(f *function) {
	if f.law.waits && f.waiting.len() == 0 {
		f.law.waits, f.law.asked = false, h.e.now
	}
}

func (h *hotpod) tick(f *function, second int64) {
	h.e.account(f)
	if f.inside > 0 {
		f.law.active = max(f.law.active, h.e.now)
	}
	h.sample(f, second, f.served)
	h.look(f, true)
	h.next(f, second)
}

func (h *hotpod) happened(ev event) {
	switch ev.kind {
	case ready:
		ev.function.law.active = max(ev.function.law.active, h.e.now)
		h.relax(ev.function)
		h.look(ev.function, false)
		h.wake(ev.function)
	case warmed:
		h.supply.Started(h.e.now - ev.pod.created)
		h.stock.becameWarm(ev.pod)
	case look:
		if ev.at == ev.function.law.again {
			h.look(ev.function, false)
			h.wake(ev.function)
		}
	case refill:
		if ev.at == h.planned {
			h.fillUp(false)
		}
	case ended:
	}
}

// look decides and carries it out. Only ticks take pods away.
func (h *hotpod) look(f *function, ticked bool) {
	seen := law.Observation{Waiting: f.waiting.len()}
	if seen.Waiting > 0 {
		seen.WaitingFor, seen.Free = h.e.now-f.law.since, h.free(f)
	}
	d := h.decide(f, seen)
	for range min(d.Wanted-f.hot-f.starting, maxStarting-f.starting) {
		h.supply.Claimed(h.e.now)
		h.stock.claim(f)
	}
	if ticked {
		h.shrink(f, d.Wanted)
	}
	if d.Recheck > 0 {
		f.law.again = h.e.now + d.Recheck
		h.e.agenda.add(event{at: f.law.again, kind: look, function: f})
	}
}

// free returns the places that reports say are free.
func (h *hotpod) free(f *function) (n int) {
	for _, level := range f.levels {
		for _, p := range level {
			p.said.until(h.e.now, p.busy)
			n += max(0, h.e.limit-p.said.busy)
		}
	}
	return n
}

// plan lets what waits have pods at once, and the pool be refilled a moment later.
func (h *hotpod) plan() {
	h.planAt(h.e.now + pool.RefillPause)
	if len(h.stock.waiting) > 0 {
		h.fillUp(true)
	}
}

// planAt has the pool planned for at a time, unless it is before.
func (h *hotpod) planAt(at time.Duration) {
	if h.planned <= h.e.now || at < h.planned {
		h.planned = at
		h.e.agenda.add(event{at: at, kind: refill})
	}
}

// fillUp carries out the pool's plan. A pool that follows claims is planned for again when these may be forgotten.
func (h *hotpod) fillUp(later bool) {
	s := &h.stock
	size := pool.SizeFor(pool.Need{
		Poolsize: h.poolsize, Rate: h.supply.Rate(h.e.now), Lead: h.supply.Lead(), Max: pool.DefaultMaxPoolSize, Have: len(s.all),
	})
	if size.Wanted > h.poolsize {
		h.planAt(h.e.now.Truncate(pool.SupplySlot) + pool.SupplySlot)
	}
	o := pool.Observed{Busy: h.e.out.Started - h.e.out.Ended - len(s.all), Waiting: len(s.waiting)}
	for _, p := range s.all {
		one := pool.Pod{UID: p.uid, Hash: hash, Created: h.clock(p.created)}
		if p.since > 0 {
			one.State = pool.Warm
		}
		o.Pods = append(o.Pods, one)
	}
	for _, a := range pool.Plan(o, pool.Wanted{Hash: hash, Size: size.Wanted, Max: h.most, MayCreate: true, Later: later}) {
		if a.Create > 0 {
			s.add(a.Create)
		} else {
			s.remove(a.Delete)
		}
	}
}

func (h *hotpod) unused() []*pod { return h.stock.unused() }
