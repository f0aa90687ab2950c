package pool

import (
	"context"
	"errors"
	"time"

	"hotpod.dev/wire"
)

const (
	greetFirst = 20 * time.Millisecond
	greetLast  = time.Second
	// greetUrgent bounds the pause while claims wait.
	greetUrgent = 40 * time.Millisecond
	// drainDefault bounds the drain of a pod whose function is not known any more.
	drainDefault = time.Minute
)

// startGreeting greets a pod as soon as it answers: earlier than the kubelet's probes and the API server's events
// would say that it is ready. Call it with mu held.
func (p *Pool) startGreeting(m *member) {
	if m.greeting {
		signal(m.nudge)
		return
	}
	m.greeting = true
	p.enqueue(func(ctx context.Context) { p.greetUntilKnown(ctx, m) })
}

// greetUntilKnown asks the pod who it is until it says so. The pauses grow with the time that it takes, unless claims
// wait for pods.
func (p *Pool) greetUntilKnown(ctx context.Context, m *member) {
	for begun := time.Now(); ; {
		t, wanted, urgent := p.greetable(m)
		if !wanted {
			return
		}
		id, err := p.greetOnce(ctx, t)
		if err == nil || errors.Is(err, ErrUsed) {
			p.welcome(ctx, m, id, err)
			return
		}
		p.deps.Log.Debug("pod is not ready yet", "pod", m.name, "namespace", m.namespace, "error", err)
		p.silent(m, err)
		pause := min(max(greetFirst, time.Since(begun)/10), greetLast)
		if urgent {
			pause = min(pause, greetUrgent)
		}
		select {
		case <-time.After(pause):
		case <-m.nudge:
		case <-m.deleted:
			return
		case <-ctx.Done():
			return
		}
	}
}

// silent keeps why a pod is not ready, for those who wait for it in vain.
func (p *Pool) silent(m *member, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	m.silence = err.Error()
}

// greetable returns where to greet the pod, whether somebody still wants that, and whether claims wait for it.
func (p *Pool) greetable(m *member) (t Target, wanted, urgent bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return m.target(), m.state == Starting, m.env.queue.size > 0
}

// hurry has the pods that start greeted at once. Call it with mu held.
func (e *environment) hurry() {
	for _, m := range e.idle {
		if m.greeting && m.state == Starting {
			signal(m.nudge)
		}
	}
}

func (p *Pool) greetOnce(ctx context.Context, t Target) (wire.Identity, error) {
	select {
	case p.greet <- struct{}{}:
	case <-ctx.Done():
		return wire.Identity{}, ctx.Err()
	}
	defer func() { <-p.greet }()
	return p.deps.Agent.Greet(ctx, t)
}

// welcome gives the pod the state that its fetcher's answer means. It waits for Synced, since before it is not
// known which functions exist.
func (p *Pool) welcome(ctx context.Context, m *member, id wire.Identity, err error) {
	select {
	case <-p.synced:
	case <-ctx.Done():
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if m.state != Starting {
		return
	}
	m.sealKey, m.held = id.SealKey, id.Held
	switch {
	case err != nil:
		p.letGo(m, "used, and its fetcher forgot for what")
	case id.Held == nil && m.label == wire.StateWarm:
		p.warm(m)
	case id.Held == nil:
		p.letGo(m, "labelled hot, but its fetcher was restarted, or never was told")
	default:
		p.found(m)
	}
}

// warm makes a greeted pod available: to the claim that waits longest, or to come. Call it with mu held.
func (p *Pool) warm(m *member) {
	e := m.env
	m.broken, m.since = "", time.Now()
	if m.hash == e.hash && e.invalid == nil {
		e.failure, e.start.until, e.proven = nil, time.Time{}, e.hash
		if e.sound.IsZero() {
			e.sound = m.since
		}
	}
	if !m.asked.IsZero() {
		took := time.Since(m.asked)
		p.metrics.start.Observe(took.Seconds())
		if !m.delayed {
			e.supply.Started(took)
		}
	}
	p.move(m, Warm)
	p.serve(e)
}

// found takes in a pod that already holds a function. Call it with mu held.
func (p *Pool) found(m *member) {
	switch m.label {
	case wire.StateWarm:
		p.confirm(m)
	case wire.StateDraining:
		p.letGo(m, "drain is resumed")
	default:
		p.heat(m)
		p.review(m)
		p.checkInputs(m.held.Function.UID)
	}
}

// letGo ends a pod that was in use before this pool knew it, and may have requests. Call it with mu held.
func (p *Pool) letGo(m *member, reason string) {
	if m.held == nil {
		m.held = &wire.Held{}
	}
	p.move(m, Hot)
	p.drain(m, p.functions[m.held.Function.UID].runTimeout, reason)
}

// confirm makes a pod hot whose fetcher holds a function while its label says warm: whoever claimed it did not get
// as far as the label, and perhaps not to the queue-proxy, which therefore is told again. If that has been told of
// another function, the pod is of no use. Call it with mu held.
func (p *Pool) confirm(m *member) {
	f, ok := p.functions[m.held.Function.UID]
	if !ok || f.generation != m.held.Generation {
		p.letGo(m, "its function has changed") // whoever claimed it may have sent requests there
		return
	}
	t, again := m.target(), *f.assignment
	again.Held = *m.held
	p.enqueue(func(ctx context.Context) {
		err := p.deps.Agent.Assign(ctx, t, &again)
		p.mu.Lock()
		defer p.mu.Unlock()
		switch {
		case m.state == Gone || ctx.Err() != nil:
		case err != nil:
			p.deps.Log.Warn("pod holds a function that its queue-proxy does not take", "pod", m.name, "namespace", m.namespace, "error", err)
			p.discard(m, reasonFailed)
		default:
			p.heat(m)
			p.review(m)
			p.checkInputs(m.held.Function.UID)
		}
	})
}

// review drains a hot pod that nobody should call any more. Call it with mu held.
func (p *Pool) review(m *member) {
	f, ok := p.functions[m.held.Function.UID]
	switch {
	case !ok:
		p.drain(m, f.runTimeout, "function was deleted")
	case !m.env.owns(m):
		p.drain(m, f.runTimeout, "environment was deleted")
	case m.unfit:
		p.drain(m, f.runTimeout, "a container restarted")
	}
}
