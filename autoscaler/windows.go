package autoscaler

import (
	"math"
	"time"
)

// Windows keeps one value per second and answers means over the last seconds, as Knative's linear average does. The
// zero value is not usable, see NewWindows. It is not safe for concurrent use.
type Windows struct {
	buckets []float64 // a ring, by second since start
	start   time.Time // of second 0; carries a monotonic reading, so clock jumps do no harm
	first   int64     // second of the first value since the last reset
	last    int64     // second of the newest value; first-1 when there is none
}

// NewWindows returns windows of at most length, in whole seconds.
func NewWindows(length time.Duration) *Windows {
	return &Windows{buckets: make([]float64, max(1, int(length/time.Second))), last: -1}
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

// Mean returns the mean over the length before now, or over the part of it that has values. ok is false when it
// has none.
func (w *Windows) Mean(now time.Time, length time.Duration) (mean float64, ok bool) {
	if w.empty() {
		return 0, false
	}
	n := min(int64(length/time.Second), int64(len(w.buckets)))
	from := max(w.first, w.second(now)-n+1)
	if from > w.last {
		return 0, false
	}
	var sum float64
	for s := from; s <= w.last; s++ {
		sum += w.buckets[w.index(s)]
	}
	// A mean of many sums must not want one more pod for its last binary digit.
	return math.Round(sum/float64(w.last-from+1)*1e6) / 1e6, true
}

func (w *Windows) empty() bool { return w.last < w.first }

func (w *Windows) second(t time.Time) int64 { return int64(t.Sub(w.start) / time.Second) }

func (w *Windows) index(second int64) int { return int(second % int64(len(w.buckets))) }
