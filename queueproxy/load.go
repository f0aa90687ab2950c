package queueproxy

import (
	"time"

	"hotpod.dev/wire"
)

// load counts what went through the pod. Its owner serializes the calls.
type load struct {
	start time.Time
	// integral is the sum over time of requests in the pod, in seconds, up to at.
	integral float64
	at       time.Time

	requests [6]uint64
	refused  [refusals]uint64
	micros   uint64
	buckets  [len(wire.DurationBuckets) + 1]uint64
}

// refusal indexes load.refused.
type refusal uint8

const (
	refusedLimit refusal = iota
	refusedDraining
	refusedUnassigned
	refusedMismatch
	refusedBroken
	refusals
)

// busy is how each refusal is called on the wire.
func (r refusal) busy() wire.Busy {
	return [...]wire.Busy{wire.BusyLimit, wire.BusyDraining, wire.BusyUnassigned, wire.BusyMismatch, wire.BusyBroken}[r]
}

// advance takes the time up to now into account, during which present requests were in the pod.
func (l *load) advance(now time.Time, present int) {
	if d := now.Sub(l.at); d > 0 {
		l.integral += float64(present) * d.Seconds()
		l.at = now
	}
}

// finished counts a request that was inside the function for d. A status outside of 100 to 599, and that of a
// client that went away, counts as none.
func (l *load) finished(status int, d time.Duration) {
	class := status / 100
	if class < 1 || class > 5 || status == wire.StatusClientGone {
		class = 0
	}
	l.requests[class]++
	l.micros += uint64(max(0, d.Microseconds()))
	l.buckets[bucket(d)]++
}

func bucket(d time.Duration) int {
	s := d.Seconds()
	for i, upper := range wire.DurationBuckets {
		if s <= upper {
			return i
		}
	}
	return len(wire.DurationBuckets)
}

func (l *load) refusedTotal() (n uint64) {
	for _, v := range l.refused {
		n += v
	}
	return n
}

// report returns the load for a reader whose last report was last.
func (l *load) report(last mark, inside, waiting int, draining bool) (wire.Report, mark) {
	r := wire.Report{
		UptimeMillis: l.at.Sub(l.start).Milliseconds(), InFlight: inside, Waiting: waiting, Draining: draining,
		Requests: l.requests, Refused: l.refusedTotal(), DurationMicros: l.micros, Buckets: l.buckets,
	}
	if d := l.at.Sub(last.at).Seconds(); d > 0 {
		r.Concurrency = (l.integral - last.integral) / d
	}
	return r, mark{at: l.at, integral: l.integral}
}

// mark is where a reader's last report ended.
type mark struct {
	at       time.Time
	integral float64
}
