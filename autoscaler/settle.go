package autoscaler

import (
	"maps"
	"slices"
	"time"

	"hotpod.dev/autoscaler/law"
)

// SetDefaults changes the platform's settings for every function.
func (a *Autoscaler) SetDefaults(d law.Defaults) {
	a.mu.Lock()
	a.defaults = d
	uids := slices.Collect(maps.Keys(a.functions))
	a.mu.Unlock()
	for _, uid := range uids { // requests wait for one function at most
		a.mu.Lock()
		if f, ok := a.functions[uid]; ok && f.object != nil {
			a.settle(f, time.Now())
		}
		a.mu.Unlock()
	}
}

// settle takes over a function's settings and looks at it.
func (a *Autoscaler) settle(f *function, now time.Time) {
	f.spec = specOf(f.object, a.defaults)
	f.spec.provision(now)
	if f.begun >= f.generation() {
		f.spec.Initial = 0
	}
	if f.live == nil && f.spec.lasting() {
		a.activate(f)
	}
	if f.live == nil {
		a.publish(f, now)
		return
	}
	a.look(f, now, false)
}
