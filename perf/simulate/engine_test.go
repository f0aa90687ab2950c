package simulate

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

const (
	ms  = time.Millisecond
	sec = time.Second
)

// plainSetting is what tests play with: pods start in 3 s, functions go after 10 s.
func plainSetting(limit int) Setting {
	return Setting{Limit: limit, Idle: 10 * sec, Start: 3 * sec, Pool: 2, FixedPool: 2, MaxPods: 1000, PerFunction: 500}
}

func contestant(t *testing.T, name string) Contestant {
	t.Helper()
	i := slices.IndexFunc(Contestants(), func(c Contestant) bool { return c.Name == name })
	if i < 0 {
		t.Fatalf("no contestant %q", name)
	}
	return Contestants()[i]
}

func play(t *testing.T, name string, s Setting, requests []Request, functions int, length time.Duration) Outcome {
	t.Helper()
	o, err := contestant(t, name).Run(s, requests, functions, length, nil)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// twoCalls are a request that finds nothing and one that finds the pod of the first.
var twoCalls = []Request{{At: 10 * sec, Runs: 500 * ms}, {At: 15 * sec, Runs: 500 * ms}}

// Two warm pods live for the minute. A third is made 200 ms after one is claimed, at 10.2 s. The claimed one is hot from
// 10.015 s, and drained in the second after it was idle for 10 s: its last request ended at 15.5 s, so at 26 s.
func TestHotpod_ByHand(t *testing.T) {
	o := play(t, NameHotpod, plainSetting(1), twoCalls, 1, time.Minute)
	if o.Cold != 1 || o.Wait(1) != 15*ms || o.Wait(.5) != 0 {
		t.Errorf("%d cold starts, waits up to %s, median %s; want 1, 15ms, 0s", o.Cold, o.Wait(1), o.Wait(.5))
	}
	if want := 26*sec + 60*sec + (60*sec - 10200*ms); o.PodTime != want {
		t.Errorf("pods lived for %s, want %s", o.PodTime, want)
	}
	if want := 26*sec - 10015*ms; o.Hot != want || o.Over != want-sec || o.Under != 15*ms {
		t.Errorf("hot %s, over %s, under %s; want %s, a second less, 15ms", o.Hot, o.Over, o.Under, want)
	}
}

// At 70 % of one request a pod, the first one wants two, which are ready 3 s later: the request of 10 s runs until 13.5 s, that
// of 15 s finds a pod. The window of 10 s is empty at 25.5 s and later, so both go by 26 s, a second's tick.
func TestKnative_ByHand(t *testing.T) {
	o := play(t, NameKnative, plainSetting(1), twoCalls, 1, time.Minute)
	if o.Cold != 1 || o.Wait(1) != 3*sec || o.Started != 2 {
		t.Errorf("%d cold starts, waits up to %s, %d pods; want 1, 3s, 2", o.Cold, o.Wait(1), o.Started)
	}
	if o = play(t, NameFull, plainSetting(1), twoCalls, 1, time.Minute); o.Started != 1 || o.PodTime != 16*sec {
		t.Errorf("at full utilisation: %d pods for %s, want 1 from 10 s to 26 s", o.Started, o.PodTime)
	}
}

// Two pods of the pool live for the minute, one more follows the claimed one at once. That is ready 100 ms after the
// request and reaped at the first multiple of 5 s at which it was idle for more than 10 s.
func TestFission_ByHand(t *testing.T) {
	o := play(t, NameFission, plainSetting(1), twoCalls, 1, time.Minute)
	if o.Cold != 1 || o.Wait(1) != 100*ms {
		t.Errorf("%d cold starts, waits up to %s; want 1, 100ms", o.Cold, o.Wait(1))
	}
	if want := 30*sec + 60*sec + 50*sec; o.PodTime != want {
		t.Errorf("pods lived for %s, want %s", o.PodTime, want)
	}
}

// An empty pool makes claims wait for pods that start.
func TestHotpod_WaitsForAPodStart(t *testing.T) {
	s := plainSetting(1)
	s.Pool = 0
	o := play(t, NameHotpod, s, twoCalls, 1, time.Minute)
	if o.Cold != 1 || o.Wait(1) != 3015*ms || o.Started != 1 {
		t.Errorf("%d cold starts, waits up to %s, %d pods; want 1, 3.015s, 1", o.Cold, o.Wait(1), o.Started)
	}
}

// A pod that is told to be free but is not delays demand by the moment that activators may need to find it.
func TestHotpod_BelievesReportsForAMoment(t *testing.T) {
	requests := []Request{{At: 10 * sec, Runs: 100 * ms}, {At: 10200 * ms, Runs: 5 * sec}, {At: 10300 * ms, Runs: 100 * ms}}
	o := play(t, NameHotpod, plainSetting(1), requests, 1, time.Minute)
	if o.Cold != 2 || o.Wait(1) != 115*ms {
		t.Errorf("%d cold starts, waits up to %s; want 2, 115ms", o.Cold, o.Wait(1))
	}
}

// random returns requests of some functions: single ones, bursts, and loads that last.
func random(seed uint64, functions int, length time.Duration) (requests []Request) {
	r := rand.New(rand.NewPCG(seed, 7))
	at := func() time.Duration { return time.Duration(r.Int64N(int64(length))) }
	for f := range functions {
		for range r.IntN(30) {
			requests = append(requests, Request{At: at(), Runs: time.Duration(r.Int64N(int64(3 * sec))), Function: f})
		}
		for range r.IntN(4) {
			start := at()
			for range r.IntN(60) {
				requests = append(requests, Request{At: start + time.Duration(r.Int64N(int64(sec))), Runs: time.Duration(r.Int64N(int64(2 * sec))), Function: f})
			}
		}
		if f%3 == 0 {
			for start, end := at(), at(); start < end; start += time.Duration(r.Int64N(int64(400 * ms))) {
				requests = append(requests, Request{At: start, Runs: time.Duration(r.Int64N(int64(sec))), Function: f})
			}
		}
	}
	slices.SortStableFunc(requests, func(a, b Request) int { return int(a.At - b.At) })
	return requests
}

// Whatever the rule: every request is answered, no pod has more inside than its limit, every pod that was made ends, the
// ideal is not undercut, and the same requests have the same outcome.
func TestRun_Properties(t *testing.T) {
	const functions, length = 6, 10 * time.Minute
	for seed := range uint64(4) {
		requests := random(seed, functions, length)
		for _, c := range Contestants() {
			for _, limit := range []int{1, 4} {
				s := plainSetting(limit)
				s.Idle = time.Duration(10+50*seed) * sec
				o := play(t, c.Name, s, requests, functions, length)
				check(t, c.Name, seed, limit, &o, requests, functions)
				again := play(t, c.Name, s, requests, functions, length)
				if again.PodTime != o.PodTime || again.Cold != o.Cold || again.MeanWait() != o.MeanWait() {
					t.Errorf("seed %d, limit %d, %s: another outcome the second time", seed, limit, c.Name)
				}
			}
		}
	}
}

func check(t *testing.T, name string, seed uint64, limit int, o *Outcome, requests []Request, functions int) {
	t.Helper()
	if o.Answered != len(requests) || len(o.waits) != len(requests) || o.Requests != len(requests) {
		t.Errorf("seed %d, limit %d, %s: %d of %d requests answered, %d placed", seed, limit, name, o.Answered, len(requests), len(o.waits))
	}
	if o.MostInside > limit || o.MostInside < 1 {
		t.Errorf("seed %d, limit %d, %s: %d requests in a pod", seed, limit, name, o.MostInside)
	}
	if o.Started != o.Ended {
		t.Errorf("seed %d, limit %d, %s: %d pods made, %d ended", seed, limit, name, o.Started, o.Ended)
	}
	least := Ideal(requests, functions, limit)
	if limit > 1 { // who lets requests wait can fill pods better than at once
		least = Ideal(requests, functions, 1) / time.Duration(limit)
	}
	if o.Hot < least || o.PodTime < o.Hot {
		t.Errorf("seed %d, limit %d, %s: pods %s, hot %s, ideal %s", seed, limit, name, o.PodTime, o.Hot, least)
	}
	if o.Cold < 1 || o.LongWaits(0) < o.ColdShare() {
		t.Errorf("seed %d, limit %d, %s: %d cold starts, %v waited", seed, limit, name, o.Cold, o.LongWaits(0))
	}
}

// Ticks that are left out change nothing.
func TestLawful_LeavesOutOnlyWhatChangesNothing(t *testing.T) {
	const functions, length = 4, 10 * time.Minute
	for seed := range uint64(4) {
		requests := random(seed, functions, length)
		for _, name := range []string{NameHotpod, NameWindow, NameKnative, NameFull} {
			s := plainSetting(1 + int(seed%3))
			s.Idle = time.Duration(7+23*seed) * sec
			c := contestant(t, name)
			sparing := play(t, name, s, requests, functions, length)
			plain := c.platform
			c.platform = func(e *engine, s Setting) (platform, error) {
				p, err := plain(e, s)
				switch p := p.(type) {
				case *hotpod:
					p.patient = true
				case *knative:
					p.patient = true
				}
				return p, err
			}
			patient, err := c.Run(s, requests, functions, length, nil)
			if err != nil {
				t.Fatal(err)
			}
			if sparing.PodTime != patient.PodTime || sparing.Cold != patient.Cold || sparing.MeanWait() != patient.MeanWait() {
				t.Errorf("seed %d, %s: pods %s, %d cold starts; with every tick %s, %d", seed, name, sparing.PodTime, sparing.Cold, patient.PodTime, patient.Cold)
			}
		}
	}
}

// One function's picture adds up to what the run counted.
func TestPicture_IsOfTheRun(t *testing.T) {
	p := NewPicture(0, 0, time.Minute)
	o, err := contestant(t, NameHotpod).Run(plainSetting(1), twoCalls, 1, time.Minute, p)
	if err != nil {
		t.Fatal(err)
	}
	sum := func(values []float64) (s time.Duration) {
		for _, v := range values {
			s += time.Duration(v * float64(p.One.Step))
		}
		return s.Round(ms)
	}
	for _, c := range []*Curve{p.One, p.Sum} {
		if sum(c.Ready) != o.Hot || sum(c.Load) != 1015*ms || sum(c.Wanted) < 15*sec {
			t.Errorf("ready %s, load %s, wanted %s; want %s, 1.015s, 15s or more", sum(c.Ready), sum(c.Load), sum(c.Wanted), o.Hot)
		}
	}
}
