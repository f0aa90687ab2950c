package simulate

import (
	"math/rand/v2"
	"time"
)

// reapEvery is how often Fission looks for idle pods, in seconds.
const reapEvery = 5

// fission is Fission's rule: a pod from the pool for each request that finds none free, any free pod for the next one,
// and every pod goes after it was idle for so long. The pool is a Deployment of a fixed size.
type fission struct {
	e      *engine
	idle   time.Duration
	stock  stock
	size   int
	most   int
	random *rand.Rand
}

func newFission(e *engine, s Setting) *fission {
	f := &fission{e: e, idle: s.Idle, size: s.FixedPool, most: s.PerFunction, random: rand.New(rand.NewPCG(1, 1))} //nolint:gosec // the same each time
	f.stock = stock{e: e, start: s.Start, specialize: s.Specialize, plan: f.replicas}
	return f
}

func (x *fission) begin() { x.replicas() }

// replicas makes up for every pod that was taken.
func (x *fission) replicas() { x.stock.add(x.size - len(x.stock.all)) }

// choose takes any pod that has room: Fission iterates over a map.
func (x *fission) choose(f *function) *pod {
	levels := f.levels[:x.e.limit]
	n := 0
	for _, level := range levels {
		n += len(level)
	}
	if n == 0 {
		return nil
	}
	n = x.random.IntN(n)
	for _, level := range levels {
		if n < len(level) {
			return level[n]
		}
		n -= len(level)
	}
	return nil
}

// held specializes a pod unless those that are being specialized will have room.
func (x *fission) held(f *function) {
	if f.waiting.len() > f.starting*x.e.limit && f.hot+f.starting < x.most {
		x.stock.claim(f)
	}
	x.e.want(f, f.hot+f.starting)
}

func (x *fission) changed(f *function, p *pod, _ int) {
	if p.busy == 0 {
		x.reapAt(f, p)
	}
}

// reapAt has the pod looked at when it may have been idle for too long.
func (x *fission) reapAt(f *function, p *pod) {
	second := int64((p.idle+x.idle)/time.Second) + 1
	x.e.ticks.at(f, (second+reapEvery-1)/reapEvery*reapEvery)
}

// tick reaps.
func (x *fission) tick(f *function, _ int64) {
	idle := append([]*pod(nil), f.levels[0]...)
	for _, p := range idle {
		if x.e.now-p.idle > x.idle {
			x.e.drain(p)
		} else {
			x.reapAt(f, p)
		}
	}
	x.e.want(f, f.hot+f.starting)
}

func (x *fission) happened(ev event) {
	switch ev.kind {
	case ready:
		if ev.pod.busy == 0 { // who waited has found another
			x.reapAt(ev.function, ev.pod)
		}
	case warmed:
		x.stock.becameWarm(ev.pod)
	case ended, look, refill:
	}
}

func (x *fission) unused() []*pod { return x.stock.unused() }
