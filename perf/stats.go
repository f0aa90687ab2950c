package perf

import (
	"math"
	"slices"
	"time"
)

// extent is the smallest, middle and largest of some values.
type extent struct{ min, median, max float64 }

// spread returns the extent of the values, all NaN when there is none.
func spread(values []float64) extent {
	if len(values) == 0 {
		return extent{math.NaN(), math.NaN(), math.NaN()}
	}
	sorted := slices.Sorted(slices.Values(values))
	return extent{sorted[0], median(sorted), sorted[len(sorted)-1]}
}

func median(sorted []float64) float64 {
	middle := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[middle]
	}
	return (sorted[middle-1] + sorted[middle]) / 2
}

// quantile returns the smallest of the values that at least the share q of them does not exceed, NaN for none.
func quantile(values []float64, q float64) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(values))
	rank := int(math.Ceil(q * float64(len(sorted))))
	return sorted[min(max(rank, 1), len(sorted))-1]
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
