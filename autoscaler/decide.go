package autoscaler

import (
	"math"
	"time"
)

// settle is how long activators may take to find places that reports say are free; requests that have waited longer
// did not find them, so the reports are stale.
const settle = 100 * time.Millisecond

// Observation is what is seen of one function. Counts are never negative.
type Observation struct {
	// Ready pods take requests; Starting ones were claimed and are not hot yet.
	Ready    int
	Starting int
	// Unknown of the Ready pods have no report stream.
	Unknown int
	// Fresh of the Ready pods are so new that activators may not have used them yet.
	Fresh int
	// Free places in the other Ready pods, as last reported.
	Free int
	// Waiting requests are held by activators, since WaitingFor.
	Waiting    int
	WaitingFor time.Duration
	// Stable and Panic are the mean concurrencies over the two windows, if Data is set.
	Stable float64
	Panic  float64
	Data   bool
	// Idle is the time since the last request was seen.
	Idle time.Duration
}

// State is what the law remembers between decisions. The zero value remembers nothing.
type State struct {
	// Panicking began, or was renewed, at PanicSince; PanicPods is the most that was wanted since.
	Panicking  bool
	PanicSince time.Time
	PanicPods  int
	// demands and wants are falling sequences of what was wanted, newest last.
	demands []peak
	wants   []peak
}

// Resumed returns the State for pods that were found at the start: as if they had been wanted just now, so that
// nothing goes down before a stable window was seen.
func Resumed(ready int, now time.Time) State {
	if ready <= 1 {
		return State{}
	}
	return State{Panicking: true, PanicSince: now, PanicPods: ready}
}

// Decision is how many pods a function shall have, and why.
type Decision struct {
	// Wanted is within the Spec's Min and Max; Max wins.
	Wanted int
	Reason Reason
	// Recheck asks for another decision after so long, although nothing happens; 0 does not.
	Recheck time.Duration
}

// Decide applies the rules in order; each may change what the ones before it wanted.
func Decide(spec Spec, state State, seen Observation, now time.Time) (Decision, State) {
	c := &choice{spec: spec, state: state, seen: seen, now: now}
	for _, rule := range []func(*choice){
		(*choice).windows,
		(*choice).scaleDownDelay,
		(*choice).demand,
		(*choice).recentDemand,
		(*choice).idle,
		(*choice).retain,
		(*choice).minimum,
		(*choice).maximum,
	} {
		rule(c)
	}
	return c.decision, c.state
}

// choice is a decision in the making.
type choice struct {
	spec     Spec
	state    State
	seen     Observation
	now      time.Time
	decision Decision
}

func (c *choice) want(n int, why Reason) { c.decision.Wanted, c.decision.Reason = n, why }

// atLeast raises what is wanted; a rule that changes nothing leaves the reason alone.
func (c *choice) atLeast(n int, why Reason) {
	if n > c.decision.Wanted {
		c.want(n, why)
	}
}

// windows is Knative's law.
func (c *choice) windows() {
	if !c.seen.Data {
		c.want(c.seen.Ready, ReasonNoData)
		return
	}
	ready := float64(max(1, c.seen.Ready))
	up := math.Ceil(c.spec.MaxUpRate * ready)
	down := math.Floor(ready / c.spec.MaxDownRate)
	stable, panicked := c.pods(c.seen.Stable), c.pods(c.seen.Panic)
	c.want(int(min(max(stable, down), up)), ReasonStableWindow)
	c.panics(panicked/ready >= c.spec.PanicThreshold)
	if c.state.Panicking {
		wanted := max(c.decision.Wanted, int(min(max(panicked, down), up)))
		c.state.PanicPods = max(c.state.PanicPods, wanted) // never down in panic
		c.atLeast(c.state.PanicPods, ReasonPanicWindow)
	}
}

// pods returns how many pods a concurrency needs.
func (c *choice) pods(concurrency float64) float64 {
	n := math.Ceil(concurrency / c.spec.Target)
	if n > 0 {
		n = max(n, float64(c.spec.ActivationScale))
	}
	return n
}

func (c *choice) panics(over bool) {
	switch {
	case over:
		c.state.Panicking, c.state.PanicSince = true, c.now
	case c.state.Panicking && c.now.Sub(c.state.PanicSince) > c.spec.StableWindow:
		c.state.Panicking, c.state.PanicPods = false, 0
	}
}

func (c *choice) scaleDownDelay() {
	if c.spec.ScaleDownDelay <= 0 {
		return
	}
	c.state.wants = push(c.state.wants, c.now, c.decision.Wanted, c.spec.ScaleDownDelay)
	c.atLeast(c.state.wants[0].pods, ReasonScaleDownDelay)
}

// demand gives a pod to what waits beyond the places that are about to take it.
func (c *choice) demand() {
	if c.seen.Waiting == 0 {
		return
	}
	wanted := c.seen.Ready + c.seen.Starting + c.missing()
	c.state.demands = push(c.state.demands, c.now, wanted, c.spec.StableWindow)
	c.atLeast(wanted, ReasonDemand)
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
	if len(c.state.demands) == 0 {
		return
	}
	c.atLeast(min(c.state.demands[0].pods, c.seen.Ready+c.seen.Starting), ReasonRecentDemand)
}

// idle goes to zero after the idle timeout, and not before. It overrules the windows: a timeout shorter than the
// stable window is what the user asked for.
func (c *choice) idle() {
	switch {
	case c.seen.Waiting == 0 && c.seen.Unknown == 0 && c.seen.Idle >= c.spec.Idle:
		c.state = State{}
		c.want(0, ReasonIdle)
	case c.seen.Ready+c.seen.Starting > 0:
		c.atLeast(1, ReasonNotIdle)
	}
}

func (c *choice) retain() {
	c.atLeast(min(c.spec.Retain, c.seen.Ready+c.seen.Starting), ReasonRetain)
}

func (c *choice) minimum() { c.atLeast(c.spec.Min, ReasonMinimum) }

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
