package autoscaler

import (
	"context"
	"fmt"
	"time"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/feed"
	"hotpod.dev/wire"
)

// interest is how long an activator is told of a function after its last request was placed: the next spill then
// finds the pods without asking.
const interest = time.Minute

// serveDemand serves one activator.
func (a *Autoscaler) serveDemand(conn feed.DemandServer) error {
	ctx, cancel := context.WithCancel(conn.Context())
	defer cancel()
	s := newStream()
	a.metrics.streams.Inc()
	defer a.metrics.streams.Dec()
	defer a.closeStream(s)
	go func() {
		defer cancel()
		for {
			p, err := s.next(ctx)
			if err != nil || conn.Send(&p) != nil {
				return
			}
		}
	}()
	received := make(chan error, 1)
	go func() {
		for {
			d, err := conn.Recv()
			if err != nil {
				received <- err
				return
			}
			a.takeDemand(s, *d)
		}
	}()
	select { // a stream that cannot be sent to is over, even when the activator still talks
	case <-ctx.Done():
		return ctx.Err()
	case err := <-received:
		return err
	}
}

// takeDemand takes what an activator says and answers with a placement when it needs one.
func (a *Autoscaler) takeDemand(s *stream, d wire.Demand) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if s.closed {
		return
	}
	if !a.config.Shard.Has(d.Function.UID) {
		if d.Waiting > 0 {
			s.put(wire.Placement{Function: d.Function, Failure: a.misdirected(d.Function)})
		}
		return
	}
	now := time.Now()
	if d.Ahead {
		a.expect(d.Function.UID, now)
		return
	}
	f := a.record(d.Function)
	if d.Ended != nil && f.object != nil {
		f.counted().end(*d.Ended)
	}
	if f.live == nil && d.Waiting <= 0 {
		if f.object == nil {
			delete(a.functions, d.Function.UID)
		}
		return
	}
	a.activate(f)
	mine, known := f.live.demand[s]
	if !known {
		mine = &demand{}
		f.live.demand[s] = mine
	}
	asks := d.Waiting > 0 && mine.waiting == 0
	if d.Waiting > 0 {
		f.live.ahead = time.Time{} // here it is
	}
	mine.waiting, mine.seen, mine.until = max(0, d.Waiting), d.Seen, now.Add(interest)
	f.waits(now)
	a.look(f, now, false)
	if f.object != nil && (asks || d.Waiting > 0 && f.live.placed.Failure != nil) {
		s.put(f.live.placed)
	}
}

// aheadFor is how long a request is expected that is on its way to an activator.
const aheadFor = time.Second

// expect has a pod claimed for the first request of a function, which an Envoy cannot send yet. Where pods are, or are
// on their way, the request is told of early enough by its activator.
func (a *Autoscaler) expect(uid string, now time.Time) {
	f := a.functions[uid]
	if f == nil || f.object == nil {
		return
	}
	a.activate(f)
	if len(f.live.pods)+len(f.live.claims) > 0 || f.waiting(now) > 0 {
		return
	}
	f.live.ahead = now.Add(aheadFor)
	f.waits(now)
	a.look(f, now, false)
}

// misdirected is what an activator is told that takes this autoscaler for the one of another shard: nobody serves a
// function twice, and no request waits for somebody who does not know it.
func (a *Autoscaler) misdirected(id wire.FunctionID) *wire.Failure {
	return &wire.Failure{Reason: v1.ReasonPoolUnavailable, Message: fmt.Sprintf(
		"the activator asked the autoscaler of shard %s for function %s/%s, which another serves: their numbers of shards differ",
		a.config.Shard, id.Namespace, id.Name)}
}

// closeStream ends the interest of an activator. It says again what waits when it comes back.
func (a *Autoscaler) closeStream(s *stream) {
	a.mu.Lock()
	defer a.mu.Unlock()
	s.closed = true
	now := time.Now()
	for _, f := range a.active {
		if _, ok := f.live.demand[s]; ok {
			delete(f.live.demand, s)
			f.waits(now)
		}
	}
}

// waits keeps since when requests wait.
func (f *function) waits(now time.Time) {
	switch {
	case f.waiting(now) == 0:
		f.live.waiting = time.Time{}
	case f.live.waiting.IsZero():
		f.live.waiting = now
		f.live.active = now
	default:
		f.live.active = now
	}
}
