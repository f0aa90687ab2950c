package pool

import (
	"context"
	"errors"
	"fmt"
	"time"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/wire"
)

// claimTries is how many pods a claim uses up when pods, not the function, are at fault.
const claimTries = 3

// Claim makes a warm pod hot for f and returns it. It blocks until then, or until ctx ends; a pod whose
// specialization has begun becomes hot all the same, and the observer is told. The error is a *wire.Failure when
// the cause is known.
func (p *Pool) Claim(ctx context.Context, f *v1.Function) (wire.HotPod, error) {
	begun := time.Now()
	pod, err := p.claim(ctx, f)
	p.metrics.claimed(err, time.Since(begun))
	return pod, err
}

func (p *Pool) claim(ctx context.Context, f *v1.Function) (wire.HotPod, error) {
	select {
	case <-p.synced:
	case <-ctx.Done():
		return wire.HotPod{}, ctx.Err()
	}
	o, err := p.prepare(ctx, f)
	if err != nil {
		return wire.HotPod{}, err
	}
	begun := time.Now()
	for try := 1; ; try++ {
		m, err := p.take(ctx, o)
		if err != nil {
			return wire.HotPod{}, err
		}
		pod, err := p.specialize(ctx, m, o, time.Since(begun))
		if err == nil || final(ctx, err) {
			return pod, err
		}
		if try == claimTries {
			return wire.HotPod{}, p.exhausted(o, err)
		}
	}
}

// final reports whether another pod would not help.
func final(ctx context.Context, err error) bool {
	var failure *wire.Failure
	return ctx.Err() != nil || errors.As(err, &failure)
}

// exhausted is the failure of a claim that used up its pods.
func (p *Pool) exhausted(o *order, err error) error {
	failure := &wire.Failure{Reason: v1.ReasonPoolUnavailable, Message: fmt.Sprintf(
		"%d pods of %s could not be made hot, the last one: %v", claimTries, called(o.environment), err)}
	if load := (*LoadError)(nil); errors.As(err, &load) {
		failure = &load.Failure
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.remember(o, failure)
	return failure
}

// take returns a pod for o: a warm one, or the next that becomes warm when it is o's turn.
func (p *Pool) take(ctx context.Context, o *order) (*member, error) {
	begun := time.Now()
	defer func() { p.metrics.phase("wait", time.Since(begun)) }()
	m, w, failure := p.takeOrQueue(o)
	switch {
	case failure != nil:
		return nil, failure
	case m != nil:
		return m, nil
	}
	select {
	case r := <-w.result:
		if r.failure != nil {
			return nil, r.failure
		}
		return r.member, nil
	case <-ctx.Done():
		return nil, p.leaveQueue(ctx, o, w)
	}
}

// takeOrQueue returns one of: a warm pod, a place in the queue, why there is neither.
func (p *Pool) takeOrQueue(o *order) (*member, *waiter, *wire.Failure) {
	p.mu.Lock()
	defer p.mu.Unlock()
	e := p.environments[o.environment]
	if e == nil || e.object == nil {
		return nil, nil, NotFound(o.environment)
	}
	p.wanted(e)
	if m := p.claimable(e, o.held.Function.UID); m != nil {
		return p.grant(m, o.held.Function.UID), nil, nil
	}
	if f := p.hopeless(e, time.Now()); f != nil {
		return nil, nil, f
	}
	w := &waiter{function: o.held.Function.UID, generation: o.held.Generation, result: make(chan claimResult, 1)}
	if e.queue.push(w); e.queue.size == 1 {
		e.hurry()
	}
	p.touch(e)
	return nil, w, nil
}

// leaveQueue ends the wait of a claim whose ctx ended, and says why it was in vain if that is known.
func (p *Pool) leaveQueue(ctx context.Context, o *order, w *waiter) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	e := p.environments[o.environment]
	if e == nil || !e.queue.remove(w) {
		if r := <-w.result; r.member != nil {
			p.release(r.member)
		} else if r.failure != nil {
			return r.failure
		}
		return ctx.Err()
	}
	p.touch(e)
	if !errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return ctx.Err()
	}
	return e.delayed(p.maxPods(e))
}

// delayed says why no pod became ready for a claim in time.
func (e *environment) delayed(most int) *wire.Failure {
	why, starting, silence := "none was made yet", len(e.creating), ""
	for _, m := range e.idle {
		if m.state == Starting {
			starting++
		}
		if m.state == Starting && m.silence != "" {
			silence = "; " + m.name + ": " + m.silence
		}
		if m.stuck != "" {
			return unavailable(e.key, "the cluster has no room for pod "+m.name+": "+m.stuck)
		}
	}
	switch {
	case e.failure != nil:
		return e.failure
	case len(e.members) >= most:
		why = fmt.Sprintf("it has its maximum of %d pods", most)
	case starting > 0:
		why = fmt.Sprintf("%d pods are still starting", starting) + silence
	case !e.api.over(time.Now()):
		why = "the API server does not take new pods at the moment"
	}
	return unavailable(e.key, why)
}

func unavailable(environment, why string) *wire.Failure {
	return &wire.Failure{
		Reason:  v1.ReasonPoolUnavailable,
		Message: fmt.Sprintf("no pod of %s became ready in time: %s", called(environment), why),
	}
}

// release gives a claimed pod back that was not called. Call it with mu held.
func (p *Pool) release(m *member) {
	switch {
	case m.state != Claimed:
	case m.unfit:
		p.discard(m, ReasonUnfit)
	default:
		p.move(m, Warm)
		p.serve(m.env)
	}
}
