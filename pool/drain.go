package pool

import (
	"context"
	"time"

	"hotpod.dev/wire"
)

// drainPause is how long after a drain began the pod's label says so: one that has nothing to finish is deleted by then,
// which says it too and spares the API server a request.
const drainPause = 20 * time.Millisecond

// Drain takes a hot pod out of use: it refuses what is new, finishes what it has within deadline, and is deleted.
// It returns when the pod is deleted, also if it was not known, or ctx's error when that ends first; the drain
// goes on then. Of several deadlines for one pod the first holds.
func (p *Pool) Drain(ctx context.Context, podUID string, deadline time.Duration) error {
	p.mu.Lock()
	m := p.members[podUID]
	if m == nil || (m.state != Hot && m.state != Draining) {
		p.mu.Unlock()
		return nil
	}
	p.drain(m, deadline, "autoscaler")
	p.mu.Unlock()
	select {
	case <-m.deleted:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// drain starts draining a hot pod. Call it with mu held.
func (p *Pool) drain(m *member, deadline time.Duration, reason string) {
	if m.state != Hot {
		return
	}
	if deadline <= 0 {
		deadline = drainDefault
	}
	p.deps.Log.Info("pod drains", "pod", m.name, "namespace", m.namespace, "function", m.held.Function.String(), "reason", reason)
	p.retract(m)
	p.move(m, Draining)
	p.relabel(m, map[string]string{wire.LabelState: string(wire.StateDraining)}, drainPause)
	t := m.target()
	p.enqueue(func(ctx context.Context) {
		result, err := p.deps.Agent.Drain(ctx, t, deadline)
		if ctx.Err() != nil {
			return // whoever runs the pool next resumes, by the label
		}
		if err != nil || result.InFlight > 0 {
			p.deps.Log.Warn("pod did not finish its requests", "pod", m.name, "namespace", m.namespace,
				"in_flight", result.InFlight, "error", err)
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		p.discard(m, reasonDrained)
	})
}

// Why pods that had a function are deleted.
const (
	reasonDrained = "drained"
	reasonFailed  = "failed" // it could not be made hot
)
