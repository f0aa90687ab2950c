package law

import (
	"slices"
	"time"
)

// peak is a number of pods that was wanted at a time.
type peak struct {
	at   time.Time
	pods int
}

// push returns peaks with a new value. The result falls from the greatest value within keep, its first, to the
// newest; the argument stays as it is.
func push(peaks []peak, now time.Time, pods int, keep time.Duration) []peak {
	kept := expire(peaks, now, keep)
	n := len(kept)
	for n > 0 && kept[n-1].pods <= pods {
		n--
	}
	return append(slices.Clone(kept[:n]), peak{at: now, pods: pods})
}

// expire returns peaks without those older than keep.
func expire(peaks []peak, now time.Time, keep time.Duration) []peak {
	for len(peaks) > 0 && now.Sub(peaks[0].at) >= keep {
		peaks = peaks[1:]
	}
	return peaks
}
