package pool

import (
	"context"
	"maps"
	"strconv"
	"time"

	"hotpod.dev/wire"
)

// hotLabels are the labels of a pod that holds a function, and became hot just now.
func (m *member) hotLabels(now time.Time) map[string]string {
	h := m.held
	labels := map[string]string{
		wire.LabelState:              string(wire.StateHot),
		wire.LabelManaged:            "false",
		wire.LabelFunctionName:       LabelValue(h.Function.Name),
		wire.LabelFunctionNamespace:  LabelValue(h.Function.Namespace),
		wire.LabelFunctionUID:        h.Function.UID,
		wire.LabelFunctionGeneration: strconv.FormatInt(h.Generation, 10),
		labelServed:                  "true",
	}
	if m.started != nil {
		claimed := now.Add(-time.Duration(m.started.SpecializeMicros) * time.Microsecond)
		labels[wire.LabelClaimed] = strconv.FormatInt(claimed.UnixMilli(), 10)
	}
	return labels
}

// hotPause is how long after a pod became hot its labels say so. Writing them takes processors from the requests that
// waited for the pod; until the labels are seen, the activators, who know the pod already, have its requests.
const hotPause = 200 * time.Millisecond

// relabel patches the pod's labels soon, after the pause. Labels that were not patched yet go in the same call. Call it
// with mu held.
func (p *Pool) relabel(m *member, labels map[string]string, pause time.Duration) {
	if m.labels == nil {
		m.labels = map[string]string{}
	}
	maps.Copy(m.labels, labels)
	if !m.patching {
		m.patching = true
		p.enqueue(func(ctx context.Context) {
			sleep(ctx, pause) // when ctx ends nothing is lost: who finds the pod asks its fetcher
			p.patch(ctx, m)
		})
	}
}

// patch writes labels until there are none to write, or the pod is gone.
func (p *Pool) patch(ctx context.Context, m *member) {
	for {
		var sent map[string]string
		// What is sent is read at each try, so that a newer label is not overtaken by an older one.
		p.persist(ctx, m.exists, func(ctx context.Context) error {
			sent = p.pending(m)
			return p.deps.Cluster.PatchPodLabels(ctx, m.namespace, m.name, m.uid, sent)
		})
		if p.patched(ctx, m, sent) {
			return
		}
	}
}

func (p *Pool) pending(m *member) map[string]string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return maps.Clone(m.labels)
}

// patched removes what was sent from what is to be sent and reports whether nothing is left to do.
func (p *Pool) patched(ctx context.Context, m *member, sent map[string]string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for k, v := range sent {
		if m.labels[k] == v {
			delete(m.labels, k)
		}
	}
	if len(m.labels) > 0 && m.exists() && ctx.Err() == nil {
		return false
	}
	m.patching = false
	return true
}
