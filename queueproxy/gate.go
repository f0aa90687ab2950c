package queueproxy

import (
	"sync"
	"time"

	"hotpod.dev/wire"
)

// gate lets requests into the function as its Breaker decides, and counts them. It is safe for concurrent use.
type gate struct {
	mu      sync.Mutex // guards what follows
	breaker *Breaker
	load    load
	// lingering is how many of those inside have nobody who waits for them any more.
	lingering int
	// watchers are told when anything changed, each at most once before it looks.
	watchers map[chan struct{}]struct{}
	// empty is closed when the pod drains and nothing is in it; nil until somebody asks.
	empty chan struct{}
	// arrived is when the last request came, whatever became of it.
	arrived time.Time
	// impatient runs at wake, when the first waiter's patience may end: one timer for all, and it runs on when that
	// waiter was served. Nearly all are.
	impatient *time.Timer
	wake      time.Time // zero when it does not run
}

func newGate(now time.Time) *gate {
	return &gate{
		breaker: NewBreaker(Bounds{}), watchers: map[chan struct{}]struct{}{},
		load: load{start: now, at: now},
	}
}

// waiters are kept for reuse: a full function queues often.
type waiters struct{ pool sync.Pool }

func (p *waiters) get() *Waiter {
	if w, ok := p.pool.Get().(*Waiter); ok {
		return w
	}
	return &Waiter{decided: make(chan Verdict, 1)}
}

func (p *waiters) put(w *Waiter) { p.pool.Put(w) }

// arrive decides about a request, at once or, when the verdict is Queued, by w.decided, after patience at the latest.
func (g *gate) arrive(a Arrival, w *Waiter, now time.Time, patience time.Duration) Verdict {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.advance(now)
	g.arrived = now
	w.until = now.Add(patience)
	v := g.breaker.Arrive(a, w)
	switch v {
	case Queued:
		g.awaken(w.until)
	case Limited:
		g.load.refused[refusedLimit]++
	case Drained:
		g.load.refused[refusedDraining]++
	default:
	}
	g.changed()
	return v
}

// roomy reports whether a request would go in at once now.
func (g *gate) roomy() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.breaker.Open()
}

// abandon takes a waiting request out; false means that its verdict has come meanwhile and is in w.decided.
func (g *gate) abandon(w *Waiter, status int) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.advance(time.Now())
	if !g.breaker.Abandon(w) {
		return false
	}
	g.load.finished(status, 0)
	g.settle()
	return true
}

// expire tells the waiters whose patience has ended.
func (g *gate) expire() {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := time.Now()
	g.advance(now)
	g.wake = time.Time{}
	for {
		w, first := g.breaker.Expire(now)
		if w == nil {
			if !first.IsZero() {
				g.awaken(first)
			}
			break
		}
		w.decided <- Expired
	}
	g.changed()
}

// leave takes a request out that was inside since start.
func (g *gate) leave(start time.Time, status int) {
	now := time.Now()
	g.mu.Lock()
	defer g.mu.Unlock()
	g.advance(now)
	g.breaker.Leave()
	g.load.finished(status, now.Sub(start))
	g.settle()
}

// linger counts a request as over that was inside since start, though the function is not done with it: its slot is taken
// until release.
func (g *gate) linger(start time.Time, status int) {
	now := time.Now()
	g.mu.Lock()
	defer g.mu.Unlock()
	g.advance(now)
	g.lingering++
	g.load.finished(status, now.Sub(start))
	g.changed()
}

// release frees the slot of a request that lingered.
func (g *gate) release() {
	now := time.Now()
	g.mu.Lock()
	defer g.mu.Unlock()
	g.advance(now)
	g.lingering--
	g.breaker.Leave()
	g.settle()
}

// turnAway counts what was refused without asking the breaker.
func (g *gate) turnAway(why refusal) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.load.refused[why]++
	g.arrived = time.Now()
	g.changed()
}

// poke lets the watchers look.
func (g *gate) poke() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.changed()
}

// quiet returns for how long no request has come.
func (g *gate) quiet() time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	return time.Since(g.arrived)
}

// answered counts a request that was answered though it never got in.
func (g *gate) answered(status int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.load.finished(status, 0)
	g.changed()
}

func (g *gate) setBounds(b Bounds) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.advance(time.Now())
	g.breaker.SetBounds(b)
	g.settle()
}

// drain begins to drain and returns a channel that is closed when nothing is left in the pod.
func (g *gate) drain() <-chan struct{} {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.advance(time.Now())
	g.breaker.Drain()
	g.settle()
	return g.drained()
}

// drainedChan returns drain's channel without draining, and whether the pod drains.
func (g *gate) drainedChan() (empty <-chan struct{}, draining bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.drained(), g.breaker.Draining()
}

// present returns the number of requests in the pod that somebody waits for, in the queue or inside.
func (g *gate) present() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.awaited()
}

// watch returns a channel that gets a value after each change, and a function that ends it.
func (g *gate) watch() (changes <-chan struct{}, stop func()) {
	ch := make(chan struct{}, 1)
	g.mu.Lock()
	defer g.mu.Unlock()
	g.watchers[ch] = struct{}{}
	return ch, func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		delete(g.watchers, ch)
	}
}

// report returns the load now, for a reader whose last report ended at last.
func (g *gate) report(last mark) (wire.Report, mark) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.advance(time.Now())
	return g.load.report(last, g.breaker.Inside(), g.breaker.Waiting(), g.breaker.Draining())
}

// snapshot returns a copy of the counters, and what is in the pod.
func (g *gate) snapshot() (l load, inside, waiting int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.load, g.breaker.Inside(), g.breaker.Waiting()
}

// What follows is called with the lock held.

func (g *gate) advance(now time.Time) { g.load.advance(now, g.breaker.Inside()+g.breaker.Waiting()) }

// awaken lets expire run at t at the latest.
func (g *gate) awaken(t time.Time) {
	if !g.wake.IsZero() && !t.Before(g.wake) {
		return
	}
	g.wake = t
	if g.impatient == nil {
		g.impatient = time.AfterFunc(time.Until(t), g.expire)
		return
	}
	g.impatient.Reset(time.Until(t))
}

// settle tells the waiters whose fate is decided.
func (g *gate) settle() {
	for {
		w, v := g.breaker.Settle()
		if w == nil {
			break
		}
		switch v {
		case Limited:
			g.load.refused[refusedLimit]++
		case Drained:
			g.load.refused[refusedDraining]++
		default:
		}
		w.decided <- v
	}
	g.changed()
}

func (g *gate) changed() {
	for ch := range g.watchers {
		select {
		case ch <- struct{}{}:
		default:
		}
	}
	if g.empty != nil && g.isEmpty() {
		closeOnce(g.empty)
	}
}

func (g *gate) awaited() int { return g.breaker.Inside() - g.lingering + g.breaker.Waiting() }

func (g *gate) isEmpty() bool { return g.breaker.Draining() && g.awaited() == 0 }

func (g *gate) drained() <-chan struct{} {
	if g.empty == nil {
		g.empty = make(chan struct{})
	}
	if g.isEmpty() {
		closeOnce(g.empty)
	}
	return g.empty
}

// closeOnce closes ch unless it is closed. Its callers hold one lock.
func closeOnce(ch chan struct{}) {
	select {
	case <-ch:
	default:
		close(ch)
	}
}
