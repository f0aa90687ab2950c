package pool

import (
	"testing"
	"time"

	"hotpod.dev/wire"
)

func TestPool_LabelsADrainingPodOnlyWhenItHasSomethingToFinish(t *testing.T) {
	for name, c := range map[string]struct {
		inFlight int
		label    wire.PodState
		deleted  bool
	}{
		"nothing":   {0, wire.StateHot, true},
		"a request": {1, wire.StateDraining, false},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(w *world) {
				w.ready(1)
				pod := w.claim("hello")
				w.settle(time.Second)
				w.edit(pod.UID, func(p *fakePod) { p.inFlight = c.inFlight })
				go func() { _ = w.pool.Drain(w.t.Context(), pod.UID, time.Minute) }()
				w.settle(time.Second)
				p := w.look(pod.UID)
				if got := wire.PodState(p.pod.Labels[wire.LabelState]); got != c.label || p.deleted != c.deleted {
					w.t.Errorf("label %s, deleted %v", got, p.deleted)
				}
				w.edit(pod.UID, func(p *fakePod) { p.inFlight = 0 })
				w.settle(2 * time.Minute)
			})
		})
	}
}
