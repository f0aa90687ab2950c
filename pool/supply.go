package pool

import (
	"slices"
	"time"
)

const (
	// SupplySlot is the resolution in which claims are counted, reach how far the counts go back.
	SupplySlot = 10 * time.Second
	reach      = 5 * time.Minute
	slots      = int(reach / SupplySlot)
	// assumedStart is how long a pod takes to start, as long as none was seen to.
	assumedStart = 3 * time.Second
)

// Supply remembers the claims of the last minutes and how long pods took to start. Its zero value has seen none. Times
// are since any beginning, on a clock that only goes forward.
type Supply struct {
	claims [slots]int
	// newest is the slot that was counted in last.
	newest int64
	// starts are the last ones, begun is how many there were in all.
	starts [16]time.Duration
	begun  int
}

// Claimed counts a claim.
func (s *Supply) Claimed(now time.Duration) {
	s.forward(now)
	s.claims[s.newest%int64(slots)]++
}

// Started notes how long a pod took to start.
func (s *Supply) Started(took time.Duration) {
	s.starts[s.begun%len(s.starts)] = took
	s.begun++
}

// Rate returns the claims per second of the busiest two slots, one after the other, of the last minutes.
func (s *Supply) Rate(now time.Duration) float64 {
	s.forward(now)
	most := 0
	for i := max(1, s.newest-int64(slots)+2); i <= s.newest; i++ {
		most = max(most, s.claims[(i-1)%int64(slots)]+s.claims[i%int64(slots)])
	}
	return float64(most) / (2 * SupplySlot).Seconds()
}

// forward forgets what is too old.
func (s *Supply) forward(now time.Duration) {
	to := int64(now/SupplySlot) + 1 // so that there is a slot before the first
	for i := max(s.newest+1, to-int64(slots)+1); i <= to; i++ {
		s.claims[i%int64(slots)] = 0
	}
	s.newest = max(s.newest, to)
}

// Lead returns how long a claimed pod is missing, nine times in ten: until the pool is refilled and the new pod has
// started.
func (s *Supply) Lead() time.Duration {
	n := min(s.begun, len(s.starts))
	if n == 0 {
		return assumedStart + refillLatest
	}
	sorted := slices.Sorted(slices.Values(s.starts[:n]))
	return sorted[(9*n-1)/10] + refillLatest
}
