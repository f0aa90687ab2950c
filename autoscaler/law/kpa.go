package law

import "math"

// windows is Knative's law (KPA): as many pods as the load over the stable window needs, and in panic as many as any
// moment since it began needed, if that is more.
func (c *choice) windows() {
	if c.spec.Once {
		c.want(c.seen.Ready, ReasonOnce)
		return
	}
	if !c.seen.Data {
		c.want(c.seen.Ready, ReasonNoData)
		return
	}
	ready := float64(max(1, c.seen.Ready))
	stable, panicked := c.pods(c.seen.Stable), c.pods(c.seen.Panic)
	c.want(c.bounded(stable, ready), ReasonStableWindow)
	if stable > 0 {
		c.atLeast(c.spec.Activation, ReasonActivationScale)
	}
	c.panics(panicked/ready >= c.spec.PanicThreshold)
	if !c.state.Panicking {
		return
	}
	urgent := c.bounded(panicked, ready)
	if panicked > 0 {
		urgent = max(urgent, c.spec.Activation)
	}
	c.state.PanicPods = max(c.state.PanicPods, c.decision.Wanted, urgent) // never down in panic
	c.atLeast(c.state.PanicPods, ReasonPanicWindow)
}

// pods returns how many pods a load needs.
func (c *choice) pods(load float64) float64 { return math.Ceil(load / c.spec.Target) }

// bounded returns n within what one decision may change. The upper bound is rounded up, so that a rate below two can
// still add a pod to one.
func (c *choice) bounded(n, ready float64) int {
	up := math.Ceil(c.spec.MaxUpRate * ready)
	down := math.Floor(ready / c.spec.MaxDownRate)
	return int(min(max(n, down), up))
}

// panics begins, renews or ends panic. It ends when its cause has been over for as long as it takes to make its way
// into the stable window.
func (c *choice) panics(over bool) {
	switch {
	case over:
		c.state.Panicking, c.state.PanicSince = true, c.now
	case c.state.Panicking && c.now.Sub(c.state.PanicSince) > c.spec.StableWindow:
		c.state.Panicking, c.state.PanicPods = false, 0
	}
}
