package law

import "time"

// settle is how long activators may take to find places that reports say are free; requests that have waited longer
// did not find them, so the reports are stale.
const settle = 100 * time.Millisecond

// Decide applies the rules in order; each may change what the ones before it wanted.
func Decide(spec Spec, state State, seen Observation, now time.Time) (Decision, State) {
	c := &choice{spec: spec, state: state, seen: seen, now: now}
	for _, rule := range []func(*choice){
		(*choice).windows,
		(*choice).demand,
		(*choice).recentDemand,
		(*choice).idle,
		(*choice).scaleDownDelay,
		(*choice).keepLast,
		(*choice).retain,
		(*choice).floor,
		(*choice).maximum,
	} {
		rule(c)
	}
	return c.decision, c.state
}

// demand gives a pod to what waits beyond the places that are about to take it.
func (c *choice) demand() {
	if c.seen.Waiting == 0 {
		return
	}
	wanted := c.seen.Ready + c.seen.Starting + c.missing()
	c.state.demands = push(c.state.demands, c.now, wanted, c.spec.StableWindow)
	c.atLeast(wanted, ReasonDemand)
	c.atLeast(c.spec.Activation, ReasonActivationScale)
}

func (c *choice) missing() int {
	if c.spec.Limit <= 0 {
		if c.seen.Ready+c.seen.Starting > 0 {
			return 0
		}
		return 1
	}
	left := c.seen.Waiting - (c.seen.Starting+c.seen.Fresh)*c.spec.Limit
	if left > 0 && c.seen.Free > 0 && c.seen.WaitingFor < settle {
		c.decision.Recheck = settle - c.seen.WaitingFor
		left -= c.seen.Free
	}
	return ceilDiv(left, c.spec.Limit)
}

// recentDemand keeps pods that were waited for; it starts none, since what waited is gone.
func (c *choice) recentDemand() {
	c.state.demands = expire(c.state.demands, c.now, c.spec.StableWindow)
	if len(c.state.demands) > 0 {
		c.hold(c.state.demands[0].pods, ReasonRecentDemand)
	}
}

// idle goes to zero after the idle timeout, and not before. It overrules the windows: a timeout shorter than the
// stable window is what the user asked for.
func (c *choice) idle() {
	over := c.seen.Idle - c.spec.Idle
	if c.seen.Waiting > 0 || c.seen.Unknown > 0 || over < 0 {
		c.hold(1, ReasonNotIdle)
		return
	}
	c.state.Panicking, c.state.PanicPods, c.state.demands = false, 0, nil
	c.want(0, ReasonIdle)
	if over < c.spec.LastPod {
		c.hold(1, ReasonLastPod)
	}
}

// scaleDownDelay wants what was wanted within the delay.
func (c *choice) scaleDownDelay() {
	if c.spec.ScaleDownDelay <= 0 {
		c.state.wants = nil
		return
	}
	c.state.wants = push(c.state.wants, c.now, c.decision.Wanted, c.spec.ScaleDownDelay)
	c.atLeast(c.state.wants[0].pods, ReasonScaleDownDelay)
}

func (c *choice) keepLast() {
	if c.spec.KeepLast {
		c.hold(1, ReasonKeepLast)
	}
}

func (c *choice) retain() { c.hold(c.spec.Retain, ReasonRetain) }

func (c *choice) floor() {
	c.atLeast(c.spec.Initial, ReasonInitialScale)
	c.atLeast(c.spec.Provisioned, ReasonProvisioned)
	c.atLeast(c.spec.Min, ReasonMinimum)
}

func (c *choice) maximum() {
	if c.decision.Wanted > c.spec.Max {
		c.want(c.spec.Max, ReasonMaximum)
	}
}

// ceilDiv returns a/b rounded up, 0 when a is negative.
func ceilDiv(a, b int) int {
	if a <= 0 {
		return 0
	}
	return (a + b - 1) / b
}
