package pool

import (
	"math"
	"time"
)

// Need is what the size of a pool follows from.
type Need struct {
	// Poolsize is the number of warm pods that the environment asks for; 0 asks for none, whatever is claimed.
	Poolsize int
	// Rate is the claims per second in the busiest moments of the last minutes, Lead the time until a claimed pod has a
	// successor.
	Rate float64
	Lead time.Duration
	// Max bounds the size; a greater Poolsize wins.
	Max int
	// Have is the number of pods that are warm or may get so, Stuck of them find no node.
	Have, Stuck int
	// Idle is the time since the environment was used, IdleTimeout after how long its pool goes to zero; 0 is never.
	Idle, IdleTimeout time.Duration
}

// Size is how many warm pods an environment shall have, and why.
type Size struct {
	Wanted int
	Reason SizeReason
}

// SizeReason says what had the last word in a Size. The same word stands in the environment's status, in the label of
// hotpod_pool_wanted_pods and in the log.
type SizeReason string

// Reasons of sizes.
const (
	// SizePoolsize is what the environment asks for.
	SizePoolsize SizeReason = "Poolsize"
	// SizeClaims is what is claimed while new pods start.
	SizeClaims SizeReason = "Claims"
	// SizeMaximum would be more, were it not for the maximum.
	SizeMaximum SizeReason = "Maximum"
	// SizeUnschedulable would be more, but pods find no node.
	SizeUnschedulable SizeReason = "Unschedulable"
	// SizeIdle is zero: no function used the environment for its pool's idle timeout.
	SizeIdle SizeReason = "IdleTimeout"
	// SizeNone is zero, as the environment asks.
	SizeNone SizeReason = "NoPool"
)

// spread is how many standard deviations more than the mean are kept ready: of claims that come by chance, nineteen
// times in twenty no more come in a Lead.
const spread = 1.65

// SizeFor returns the size that a need asks for. It is never below the poolsize, but for an idle pool.
func SizeFor(n Need) Size {
	switch {
	case n.Poolsize <= 0:
		return Size{0, SizeNone}
	case n.IdleTimeout > 0 && n.Idle >= n.IdleTimeout:
		return Size{0, SizeIdle}
	}
	s := Size{n.Poolsize, SizePoolsize}
	if follows := n.follows(); follows > s.Wanted {
		s = Size{follows, SizeClaims}
	}
	if most := max(n.Max, n.Poolsize); s.Wanted > most {
		s = Size{most, SizeMaximum}
	}
	if most := max(n.Have, n.Poolsize); n.Stuck > 0 && s.Wanted > most {
		s = Size{most, SizeUnschedulable}
	}
	return s
}

// follows is how many pods are claimed while the successor of one starts.
func (n Need) follows() int {
	mean := n.Rate * n.Lead.Seconds()
	return int(min(math.Ceil(mean+spread*math.Sqrt(mean)), math.MaxInt32))
}
