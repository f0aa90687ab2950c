package pool

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/wire"
)

// specialize makes the claimed pod m hot for o, which waited for it. When ctx ends it returns, but the pod's way goes on.
func (p *Pool) specialize(ctx context.Context, m *member, o *order, waited time.Duration) (wire.HotPod, error) {
	type outcome struct {
		pod wire.HotPod
		err error
	}
	done := make(chan outcome, 1)
	go func() {
		pod, err := p.attempt(context.WithoutCancel(ctx), m, o, waited)
		done <- outcome{pod, err}
	}()
	select {
	case out := <-done:
		return out.pod, out.err
	case <-ctx.Done():
		return wire.HotPod{}, ctx.Err()
	}
}

// attempt calls the pod and draws every consequence of what it answers, so that nothing is left to a claimant who
// may have gone.
func (p *Pool) attempt(ctx context.Context, m *member, o *order, waited time.Duration) (wire.HotPod, error) {
	begun := time.Now()
	t, err := p.begin(m, o)
	if err != nil {
		return wire.HotPod{}, err
	}
	result, err := p.instruct(ctx, t, m.sealKey, o)
	took := time.Since(begun)
	p.metrics.phase("specialize", took)
	p.mu.Lock()
	defer p.mu.Unlock()
	if err == nil {
		p.metrics.phase("fetch", time.Duration(result.FetchMicros)*time.Microsecond)
		p.metrics.phase("load", time.Duration(result.LoadMicros)*time.Microsecond)
		m.started = &wire.Started{
			Pod: m.uid, ClaimMicros: waited.Microseconds(), SpecializeMicros: took.Microseconds(),
			FetchMicros: result.FetchMicros, LoadMicros: result.LoadMicros,
		}
		return p.finish(m, o)
	}
	p.deps.Log.Warn("pod was not made hot", "pod", m.name, "namespace", m.namespace, "function", o.held.Function.String(),
		"generation", o.held.Generation, "error", excerpt(err))
	return wire.HotPod{}, p.fail(m, o, err)
}

// begin moves the pod on, unless it or the function became hopeless since the claim.
func (p *Pool) begin(m *member, o *order) (Target, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if m.state != Claimed {
		return Target{}, fmt.Errorf("pod %s went away", m.name)
	}
	if m.unfit {
		p.discard(m, ReasonUnfit)
		return Target{}, fmt.Errorf("pod %s restarted", m.name)
	}
	if r := p.failures[o.held.Function.UID]; r != nil && r.generation == o.held.Generation && !r.trying {
		p.release(m)
		return Target{}, r.failure
	}
	p.move(m, Specializing)
	return m.target(), nil
}

// instruct tells fetcher and queue-proxy at the same time.
func (p *Pool) instruct(ctx context.Context, t Target, sealKey []byte, o *order) (wire.SpecializeResult, error) {
	if t.Bare {
		return wire.SpecializeResult{}, p.deps.Agent.Assign(ctx, t, o.assignment)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	assigned := make(chan error, 1)
	go func() {
		err := p.deps.Agent.Assign(ctx, t, o.assignment)
		if held := (*HeldError)(nil); err != nil && !errors.As(err, &held) {
			cancel() // the pod does not answer; one that holds another function will say so itself
		}
		assigned <- err
	}()
	result, err := p.deps.Agent.Specialize(ctx, t, sealKey, o.request)
	if err != nil {
		cancel()
	}
	if refused := <-assigned; refused != nil && (err == nil || errors.Is(err, context.Canceled)) {
		err = refused
	}
	return result, err
}

// finish makes the pod hot. Call it with mu held.
func (p *Pool) finish(m *member, o *order) (wire.HotPod, error) {
	if m.state != Specializing {
		return wire.HotPod{}, fmt.Errorf("pod %s went away while it was made hot", m.name)
	}
	if m.unfit {
		p.discard(m, ReasonUnfit)
		return wire.HotPod{}, fmt.Errorf("pod %s restarted while it was made hot", m.name)
	}
	delete(p.failures, o.held.Function.UID)
	m.held = &o.held
	p.heat(m)
	p.review(m)
	return m.hotPod(), nil
}

// fail draws the consequences of a failed call: the pod is spent, unless it turned out to be another function's.
// The error is a *wire.Failure if the function is at fault. Call it with mu held.
func (p *Pool) fail(m *member, o *order, err error) error {
	if m.state != Specializing {
		return err
	}
	if held := (*HeldError)(nil); errors.As(err, &held) && held.Identity.Held != nil {
		m.held = held.Identity.Held
		p.confirm(m)
		return err
	}
	p.discard(m, reasonFailed)
	load := (*LoadError)(nil)
	if !errors.As(err, &load) || !load.Theirs {
		return err
	}
	failure := &wire.Failure{Reason: v1.ReasonSpecializationFailed, Message: load.Failure.Message}
	p.remember(o, failure)
	return failure
}

// excerpt keeps stack traces out of the log: the function's owner gets them in full.
func excerpt(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line[:min(len(line), 500)]
}

// heat moves a pod to Hot, that holds m.held. Call it with mu held.
func (p *Pool) heat(m *member) {
	p.move(m, Hot)
	m.env.unrolled = m.env.unrolled || m.hash != m.env.hash || p.stale(m)
	if m.label != wire.StateHot {
		p.relabel(m, m.hotLabels(time.Now()), hotPause)
	}
	held, pod := *m.held, m.hotPod()
	m.announced = true
	p.tell(func(o Observer) { o.PodHot(held, pod) })
	if m.unready {
		p.tellReadiness(m)
	}
	p.deps.Log.Info("pod is hot", "pod", m.name, "namespace", m.namespace, "function", held.Function.String(), "generation", held.Generation)
}

func (m *member) hotPod() wire.HotPod {
	return wire.HotPod{UID: m.uid, Address: net.JoinHostPort(m.ip, strconv.Itoa(wire.PortRequests)), Started: m.started}
}
