package law

import (
	"math"
	"time"
)

const (
	// minWeight is the least weight of the newest second, and precision the least sum of all weights.
	minWeight = 0.2
	precision = 0.9999
)

// Windows keeps one value per second and answers averages over the last seconds, as Knative's buckets do. The zero
// value is not usable, see NewWindows. It is not safe for concurrent use.
type Windows struct {
	buckets []float64 // a ring, by second since start
	start   time.Time // of second 0; carries a monotonic reading, so clock jumps do no harm
	first   int64     // second of the first value since the last reset
	last    int64     // second of the newest value; first-1 when there is none
}

// NewWindows returns windows of at most length, in whole seconds.
func NewWindows(length time.Duration) *Windows {
	return &Windows{buckets: make([]float64, seconds(length)), last: -1}
}

// Record sets the value of now's second. Seconds skipped since the last value take it too, because ticks are late
// sometimes; after a whole window without a value the windows begin anew.
func (w *Windows) Record(now time.Time, value float64) {
	if w.start.IsZero() {
		w.start = now
	}
	second := w.second(now)
	switch {
	case w.empty() || second-w.last >= int64(len(w.buckets)):
		w.first, w.last = second, second-1
	case second <= w.last: // the second has a value: the newest is the truth
		w.last = second - 1
	}
	for s := w.last + 1; s <= second; s++ {
		w.buckets[w.index(s)] = value
	}
	w.last = second
}

// Resize makes the windows at most length, keeping what fits of their newest values.
func (w *Windows) Resize(length time.Duration) {
	n := seconds(length)
	if n == len(w.buckets) {
		return
	}
	old := *w
	w.buckets = make([]float64, n)
	if old.empty() {
		return
	}
	w.first = max(w.first, w.last-int64(min(n, len(old.buckets)))+1)
	for s := w.first; s <= w.last; s++ {
		w.buckets[w.index(s)] = old.buckets[old.index(s)]
	}
}

// Average returns the average over the length before now. ok is false when there is no value in it.
func (w *Windows) Average(now time.Time, length time.Duration, a Aggregation) (average float64, ok bool) {
	if w.empty() {
		return 0, false
	}
	n := int64(min(seconds(length), len(w.buckets)))
	from := max(w.first, w.second(now)-n+1)
	if from > w.last {
		return 0, false
	}
	if a == WeightedExponential {
		return w.weighted(from, w.second(now), n), true
	}
	return w.mean(from), true
}

// mean is over the part of the window that has values.
func (w *Windows) mean(from int64) float64 {
	var sum float64
	for s := from; s <= w.last; s++ {
		sum += w.buckets[w.index(s)]
	}
	// A mean of many sums must not want one more pod for its last binary digit.
	return math.Round(sum/float64(w.last-from+1)*1e6) / 1e6
}

// weighted lets each second count by a constant factor less than the one after it. Seconds without a value count as
// zero, those before the first value too, as Knative's do.
func (w *Windows) weighted(from, now, n int64) float64 {
	weight := max(1-math.Pow(1-precision, 1/float64(n)), minWeight)
	var sum float64
	factor := weight * math.Pow(1-weight, float64(max(0, now-w.last)))
	for s := w.last; s >= from; s-- {
		sum += w.buckets[w.index(s)] * factor
		factor *= 1 - weight
	}
	return sum
}

func (w *Windows) empty() bool { return w.last < w.first }

func (w *Windows) second(t time.Time) int64 { return int64(t.Sub(w.start) / time.Second) }

func (w *Windows) index(second int64) int { return int(second % int64(len(w.buckets))) }

func seconds(length time.Duration) int { return max(1, int(length/time.Second)) }
