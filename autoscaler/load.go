package autoscaler

import (
	"context"
	"errors"
	"time"

	"hotpod.dev/autoscaler/law"
	"hotpod.dev/wire"
)

// reportedLately is how long a report's mean stands for the pod; later the numbers in flight do, which have not
// changed since, or there would be a report.
const reportedLately = 1500 * time.Millisecond

// load is what the reports of one pod add up to. Its zero value has seen none.
type load struct {
	last wire.Report
	at   time.Time
	// mean is the concurrency over the last second before at, rate the number of requests that came in it.
	mean, rate float64
	// known says that the report stream is open and has said something.
	known bool
	// counted says that last's counters are in the function's totals.
	counted bool
}

// take adds a report to the totals and returns whether it shows any request since the last one.
func (l *load) take(r wire.Report, now time.Time, t *totals) (active bool) {
	before := l.last
	if !l.counted || r.UptimeMillis < before.UptimeMillis { // the queue-proxy's first, or it started anew
		before = wire.Report{}
	}
	l.mean, l.rate = recent(before, r), arrived(before, r)
	if !l.known {
		// The first report of a stream is a moment, not a mean: one short request must not look like a second's
		// load. What lasts is counted by its number in flight soon, what waits by demand at once.
		l.mean = 0
		l.rate /= max(1, float64(r.UptimeMillis-before.UptimeMillis)/1000) // they came in all that time
	}
	active = t.add(before, r)
	l.last, l.at, l.known, l.counted = r, now, true, true
	return active || r.InFlight+r.Waiting > 0
}

// baseline makes r the start of the counting: what came before was counted by an earlier autoscaler.
func (l *load) baseline(r wire.Report) { l.last, l.counted = r, true }

// in returns the pod's load at now. Where nothing was reported lately nothing has come or gone.
func (l *load) in(m law.Metric, now time.Time) float64 {
	lately := now.Sub(l.at) < reportedLately
	switch {
	case m == law.RPS && lately:
		return l.rate
	case m == law.RPS:
		return 0
	case lately:
		return l.mean
	}
	return float64(l.busy())
}

// busy returns the requests that the pod has, waiters included.
func (l *load) busy() int { return l.last.InFlight + l.last.Waiting }

// recent returns the mean concurrency over the last second of a report. The report's own mean reaches back to the
// report before; between them nothing changed until that last second.
func recent(before, r wire.Report) float64 {
	span := float64(r.UptimeMillis-before.UptimeMillis) / 1000
	quiet := span - 1
	if before.UptimeMillis == 0 || quiet < .5 {
		return r.Concurrency
	}
	sum := r.Concurrency*span - float64(before.InFlight+before.Waiting)*quiet
	return max(0, sum)
}

// arrived returns how many requests came between two reports, in the last second as a rule: between them nothing
// changed until then.
func arrived(before, r wire.Report) float64 {
	ended := float64(delta(sum(before.Requests[:]), sum(r.Requests[:])))
	return max(0, ended+float64(r.InFlight+r.Waiting-before.InFlight-before.Waiting))
}

func sum(counters []uint64) uint64 {
	var n uint64
	for _, c := range counters {
		n += c
	}
	return n
}

// totals are the counters of a function. They outlive its pods.
type totals struct {
	requests [6]uint64
	refused  uint64
	micros   uint64
	buckets  [len(wire.DurationBuckets) + 1]uint64
	// ended is what activators counted; claimed and unclaimed count the function's claims.
	ended              wire.Ended
	claimed, unclaimed uint64
}

// claim counts the end of a claim; one that was canceled is none.
func (t *totals) claim(err error) {
	switch {
	case err == nil:
		t.claimed++
	case !errors.Is(err, context.Canceled):
		t.unclaimed++
	}
}

// end adds what an activator counted.
func (t *totals) end(e wire.Ended) {
	t.ended.Cold += e.Cold
	t.ended.Spilled += e.Spilled
	t.ended.HoldMicros += e.HoldMicros
	for i, n := range e.Failed {
		t.ended.Failed[i] += n
	}
}

// add counts what happened between two reports and returns whether any request was finished or refused.
func (t *totals) add(before, r wire.Report) bool {
	var sum uint64
	for i := range r.Requests {
		d := delta(before.Requests[i], r.Requests[i])
		t.requests[i] += d
		sum += d
	}
	for i := range r.Buckets {
		t.buckets[i] += delta(before.Buckets[i], r.Buckets[i])
	}
	refused := delta(before.Refused, r.Refused)
	t.refused += refused
	t.micros += delta(before.DurationMicros, r.DurationMicros)
	return sum+refused > 0
}

// delta of a counter that only grows; a report is not trusted to keep that.
func delta(before, after uint64) uint64 {
	if after < before {
		return 0
	}
	return after - before
}
