package queueproxy

import (
	"testing"
	"time"

	"hotpod.dev/wire"
)

func TestLoad_MeanIsWeightedByTime(t *testing.T) {
	start := time.Unix(0, 0)
	l := load{start: start, at: start}
	at := func(ms int) time.Time { return start.Add(time.Duration(ms) * time.Millisecond) }
	var last mark
	last.at = start
	l.advance(at(500), 0)
	l.advance(at(750), 4) // four requests for a quarter of a second
	l.advance(at(1000), 1)
	r, last := l.report(last, 1, 0, false)
	if r.Concurrency != 1.25 || r.UptimeMillis != 1000 {
		t.Errorf("mean = %v at %d ms", r.Concurrency, r.UptimeMillis)
	}
	l.advance(at(3000), 2)
	if r, _ := l.report(last, 2, 0, false); r.Concurrency != 2 {
		t.Errorf("mean since the last report = %v", r.Concurrency)
	}
	l.advance(at(2000), 100) // a clock that went back counts nothing
	if r, _ := l.report(last, 2, 0, false); r.Concurrency != 2 {
		t.Errorf("mean after the clock went back = %v", r.Concurrency)
	}
}

func TestLoad_CountsByClassAndDuration(t *testing.T) {
	var l load
	for status, d := range map[int]time.Duration{
		200: 5 * time.Millisecond, 301: 6 * time.Millisecond, 404: time.Second, 503: time.Hour, 101: 0,
		wire.StatusClientGone: time.Millisecond, 0: time.Millisecond, 999: 0,
	} {
		l.finished(status, d)
	}
	if l.requests != [6]uint64{3, 1, 1, 1, 1, 1} {
		t.Errorf("by class: %v", l.requests)
	}
	if l.buckets[0] != 5 || l.buckets[1] != 1 || l.buckets[7] != 1 || l.buckets[len(wire.DurationBuckets)] != 1 {
		t.Errorf("by duration: %v", l.buckets)
	}
}
