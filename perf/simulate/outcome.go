package simulate

import (
	"math"
	"slices"
	"time"
)

// Outcome is what a run came to.
type Outcome struct {
	// Requests came, Answered of them ended, Cold of them waited for a pod that was not ready when they came.
	Requests, Answered, Cold int
	// Started and Ended are pods; MostInside is the most requests that were in a pod at a time.
	Started, Ended, MostInside int
	// PodTime is the sum of all pods' lives, from when they were made; Hot the part with a function and ready.
	PodTime, Hot time.Duration
	// Over is ready pods beyond what the load needed, Under what it needed beyond them, over time.
	Over, Under time.Duration
	// Length is when it ended.
	Length time.Duration

	waits []time.Duration // sorted
}

// ColdShare is the share of requests that waited for a pod to become ready.
func (o *Outcome) ColdShare() float64 { return float64(o.Cold) / float64(max(1, o.Requests)) }

// Wait returns the wait that a share of the requests did not exceed.
func (o *Outcome) Wait(share float64) time.Duration {
	if len(o.waits) == 0 {
		return 0
	}
	i := int(math.Ceil(share*float64(len(o.waits)))) - 1
	return o.waits[min(max(i, 0), len(o.waits)-1)]
}

// MeanWait is over all requests.
func (o *Outcome) MeanWait() time.Duration {
	var sum time.Duration
	for _, w := range o.waits {
		sum += w
	}
	return sum / time.Duration(max(1, len(o.waits)))
}

// LongWaits is the share of requests that waited longer than d.
func (o *Outcome) LongWaits(d time.Duration) float64 {
	i, _ := slices.BinarySearch(o.waits, d+1)
	return float64(len(o.waits)-i) / float64(max(1, len(o.waits)))
}
