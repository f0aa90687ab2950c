package law

import "time"

// Observation is what is seen of one function. Counts are never negative.
type Observation struct {
	// Ready pods take requests; Starting ones were claimed and are not hot yet.
	Ready    int
	Starting int
	// Unknown of the Ready pods have no report stream.
	Unknown int
	// Fresh of the Ready pods are so new that what waits may not have been told of them.
	Fresh int
	// Free places in the other Ready pods, as last reported.
	Free int
	// Waiting requests are held by activators, since WaitingFor.
	Waiting    int
	WaitingFor time.Duration
	// Stable and Panic are the load over the two windows in the Spec's metric, if Data is set.
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
	// Wanted is within the Spec's Floor and Max.
	Wanted int
	Reason Reason
	// Recheck asks for another decision after so long, although nothing happens; 0 does not.
	Recheck time.Duration
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

// hold keeps up to n of the pods that there are, and starts none.
func (c *choice) hold(n int, why Reason) { c.atLeast(min(n, c.seen.Ready+c.seen.Starting), why) }
