package autoscaler

import (
	"math"
	"testing"
	"time"

	"hotpod.dev/autoscaler/law"
	"hotpod.dev/wire"
)

var noon = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)

func TestLoad_MeanIsThatOfTheLastSecond(t *testing.T) {
	for name, c := range map[string]struct {
		reports []wire.Report
		want    float64
	}{
		"the first of a stream has no mean": {
			[]wire.Report{{UptimeMillis: 60_000, Concurrency: 7, InFlight: 2}}, 0,
		},
		"a second after the last": {
			[]wire.Report{{UptimeMillis: 1000}, {UptimeMillis: 2000, Concurrency: 3}}, 3,
		},
		"after a quiet minute": {
			[]wire.Report{{UptimeMillis: 1000}, {UptimeMillis: 61_000, Concurrency: .1}}, 6, // 6 request-seconds in the last one
		},
		"after a minute with two long requests": {
			[]wire.Report{{UptimeMillis: 1000, InFlight: 2}, {UptimeMillis: 61_000, Concurrency: 2, InFlight: 2}}, 2,
		},
		"never negative": {
			[]wire.Report{{UptimeMillis: 1000, InFlight: 5}, {UptimeMillis: 61_000, Concurrency: 1}}, 0,
		},
	} {
		t.Run(name, func(t *testing.T) {
			var l load
			var sum totals
			for _, r := range c.reports {
				l.take(r, noon, &sum)
			}
			if got := l.in(law.Concurrency, noon); math.Abs(got-c.want) > 1e-9 {
				t.Errorf("concurrency %v, want %v", got, c.want)
			}
		})
	}
}

func TestLoad_AfterTheReportGrowsOldTheRequestsInFlightCount(t *testing.T) {
	var l load
	l.take(wire.Report{UptimeMillis: 1000}, noon, &totals{})
	l.take(wire.Report{UptimeMillis: 2000, Concurrency: .4, InFlight: 3}, noon, &totals{})
	if got := l.in(law.Concurrency, noon.Add(time.Second)); got != .4 {
		t.Errorf("after a second: %v", got)
	}
	if got := l.in(law.Concurrency, noon.Add(time.Minute)); got != 3 {
		t.Errorf("after a minute: %v", got)
	}
}

func TestLoad_QueueProxyThatStartedAnewIsCountedFromZero(t *testing.T) {
	var l load
	var sum totals
	for _, r := range []wire.Report{
		{UptimeMillis: 5000, Requests: [6]uint64{2: 10}},
		{UptimeMillis: 6000, Requests: [6]uint64{2: 15}},
		{UptimeMillis: 1000, Requests: [6]uint64{2: 4}},
		{UptimeMillis: 2000, Requests: [6]uint64{2: 1}}, // nonsense: counters only grow
	} {
		l.take(r, noon, &sum)
	}
	if sum.requests[2] != 19 {
		t.Errorf("counted %d", sum.requests[2])
	}
}

func TestChoose_IdlePodsFirstThenNoneThatIsBusy(t *testing.T) {
	mk := func(uid string, age time.Duration, busy int, known bool) *pod {
		p := &pod{hot: wire.HotPod{UID: uid}, since: noon.Add(-age)}
		p.load.known, p.load.last.InFlight = known, busy
		return p
	}
	mixed := []*pod{
		mk("busy", time.Hour, 3, true), mk("old", time.Hour, 0, true), mk("young", time.Minute, 0, true),
		mk("silent", time.Hour, 0, false),
	}
	busy := []*pod{mk("b3", time.Hour, 3, true), mk("b1", time.Hour, 1, true), mk("silent", time.Hour, 0, false)}
	for name, c := range map[string]struct {
		pods []*pod
		n    int
		want []string
	}{
		"one":                 {mixed, 1, []string{"young"}},
		"both idle":           {mixed, 2, []string{"young", "old"}},
		"not the busy one":    {mixed, 4, []string{"young", "old"}},
		"all busy: the least": {busy, 1, []string{"b1"}},
		"none":                {mixed, 0, nil},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, p := range choose(c.pods, c.n) {
				got = append(got, p.hot.UID)
			}
			if len(got) != len(c.want) {
				t.Fatalf("chose %v, want %v", got, c.want)
			}
			for i := range got {
				if got[i] != c.want[i] {
					t.Fatalf("chose %v, want %v", got, c.want)
				}
			}
		})
	}
}

func TestLoad_RateIsWhatCameInTheLastSecond(t *testing.T) {
	report := func(millis int64, ended uint64, inFlight int) wire.Report {
		return wire.Report{UptimeMillis: millis, Requests: [6]uint64{2: ended}, InFlight: inFlight}
	}
	for name, c := range map[string]struct {
		reports []wire.Report
		want    float64
	}{
		"a second after the last":        {[]wire.Report{report(1000, 5, 0), report(2000, 25, 0)}, 20},
		"those inside have come too":     {[]wire.Report{report(1000, 5, 0), report(2000, 7, 3)}, 5},
		"those that were inside had":     {[]wire.Report{report(1000, 5, 3), report(2000, 8, 0)}, 0},
		"after a quiet minute":           {[]wire.Report{report(1000, 5, 0), report(61_000, 5, 1)}, 1},
		"the first of a stream":          {[]wire.Report{report(10_000, 20, 0)}, 2}, // came in 10 s
		"a queue-proxy that began again": {[]wire.Report{report(9000, 50, 0), report(1000, 4, 0)}, 4},
	} {
		t.Run(name, func(t *testing.T) {
			var l load
			var sum totals
			for _, r := range c.reports {
				l.take(r, noon, &sum)
			}
			if got := l.in(law.RPS, noon); got != c.want {
				t.Errorf("%v requests a second, want %v", got, c.want)
			}
			if got := l.in(law.RPS, noon.Add(2*time.Second)); got != 0 {
				t.Errorf("%v requests a second after two without a report", got)
			}
		})
	}
}
