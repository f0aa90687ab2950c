package pool

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestSizeFor(t *testing.T) {
	for name, c := range map[string]struct {
		need Need
		want Size
	}{
		"nobody calls":                                   {Need{Poolsize: 3, Max: 100}, Size{3, SizePoolsize}},
		"few claims fit into the poolsize":               {Need{Poolsize: 3, Max: 100, Rate: .05, Lead: 4 * time.Second}, Size{3, SizePoolsize}},
		"0.5 / s * 4 s = 2, and 1.65 * sqrt(2) = 2.3":    {Need{Poolsize: 3, Max: 100, Rate: .5, Lead: 4 * time.Second}, Size{5, SizeClaims}},
		"5 / s * 4 s = 20, and 1.65 * sqrt(20) = 7.4":    {Need{Poolsize: 3, Max: 100, Rate: 5, Lead: 4 * time.Second}, Size{28, SizeClaims}},
		"5 / s * 20 s = 100, and 1.65 * 10 = 16.5":       {Need{Poolsize: 3, Max: 200, Rate: 5, Lead: 20 * time.Second}, Size{117, SizeClaims}},
		"bounded by the maximum":                         {Need{Poolsize: 3, Max: 10, Rate: 5, Lead: 4 * time.Second}, Size{10, SizeMaximum}},
		"a maximum that is just enough":                  {Need{Poolsize: 3, Max: 28, Rate: 5, Lead: 4 * time.Second}, Size{28, SizeClaims}},
		"a maximum below the poolsize":                   {Need{Poolsize: 3, Max: 1, Rate: 5, Lead: 4 * time.Second}, Size{3, SizeMaximum}},
		"pods without a node are not multiplied":         {Need{Poolsize: 3, Max: 100, Rate: 5, Lead: 4 * time.Second, Have: 7, Stuck: 2}, Size{7, SizeUnschedulable}},
		"pods without a node, and fewer than poolsize":   {Need{Poolsize: 3, Max: 100, Rate: 5, Lead: 4 * time.Second, Have: 1, Stuck: 1}, Size{3, SizeUnschedulable}},
		"pods without a node where nothing is missing":   {Need{Poolsize: 3, Max: 100, Have: 3, Stuck: 3}, Size{3, SizePoolsize}},
		"no pool, whatever is claimed":                   {Need{Max: 100, Rate: 5, Lead: 4 * time.Second}, Size{0, SizeNone}},
		"not idle for long enough":                       {Need{Poolsize: 3, Max: 100, Idle: time.Hour - 1, IdleTimeout: time.Hour}, Size{3, SizePoolsize}},
		"idle":                                           {Need{Poolsize: 3, Max: 100, Idle: time.Hour, IdleTimeout: time.Hour}, Size{0, SizeIdle}},
		"idle, with an idle timeout shorter than memory": {Need{Poolsize: 3, Max: 100, Rate: 5, Lead: time.Second, Idle: time.Minute, IdleTimeout: time.Minute}, Size{0, SizeIdle}},
		"idle for ever, where nobody allows to shrink":   {Need{Poolsize: 3, Max: 100, Idle: 1000 * time.Hour}, Size{3, SizePoolsize}},
	} {
		if got := SizeFor(c.need); got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}

func drawNeed(t *rapid.T) Need {
	return Need{
		Poolsize: rapid.IntRange(0, 20).Draw(t, "poolsize"), Max: rapid.IntRange(0, 50).Draw(t, "max"),
		Rate: rapid.Float64Range(0, 100).Draw(t, "rate"), Lead: time.Duration(rapid.Int64Range(0, int64(time.Minute)).Draw(t, "lead")),
		Have: rapid.IntRange(0, 60).Draw(t, "have"), Stuck: rapid.IntRange(0, 2).Draw(t, "stuck"),
		Idle:        time.Duration(rapid.Int64Range(0, int64(time.Hour)).Draw(t, "idle")),
		IdleTimeout: rapid.SampledFrom([]time.Duration{0, 10 * time.Second, 30 * time.Minute}).Draw(t, "idle timeout"),
	}
}

func TestSizeFor_KeepsItsBoundsAndGrowsWithTheNeed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := drawNeed(t)
		s := SizeFor(n)
		switch zero := s.Reason == SizeIdle || s.Reason == SizeNone; {
		case zero != (s.Wanted == 0):
			t.Fatalf("%+v for %+v", s, n)
		case !zero && s.Wanted < n.Poolsize:
			t.Fatalf("%d is less than the poolsize of %+v", s.Wanted, n)
		case s.Wanted > max(n.Poolsize, n.Max):
			t.Fatalf("%d is more than the maximum of %+v", s.Wanted, n)
		case n.Stuck > 0 && s.Wanted > max(n.Poolsize, n.Have):
			t.Fatalf("%d are wanted while pods of %+v find no node", s.Wanted, n)
		}
		more := n
		more.Rate *= rapid.Float64Range(1, 3).Draw(t, "more")
		more.Lead += time.Duration(rapid.Int64Range(0, int64(time.Minute)).Draw(t, "longer"))
		if m := SizeFor(more); m.Wanted < s.Wanted {
			t.Fatalf("%d for more claims and %d for fewer: %+v", m.Wanted, s.Wanted, n)
		}
	})
}

func TestSupply_RemembersTheBusiestSecondsOfTheLastMinutes(t *testing.T) {
	var s Supply
	if r := s.Rate(0); r != 0 {
		t.Errorf("rate %v before anything was claimed", r)
	}
	for i := range 40 { // two a second, over the bound of two slots
		s.Claimed(time.Duration(i) * time.Second / 2)
	}
	s.Claimed(100 * time.Second)
	for _, c := range []struct {
		at   time.Duration
		want float64
	}{
		{20 * time.Second, 2},
		{time.Minute, 2},
		{reach - SupplySlot, 2},
		{reach, 1},
		{reach + SupplySlot, .05},
		{reach + 90*time.Second, .05},
		{reach + 100*time.Second, 0},
		{1000 * time.Hour, 0},
	} {
		later := s
		if got := later.Rate(c.at); got != c.want {
			t.Errorf("rate %v after %s, want %v", got, c.at, c.want)
		}
	}
}

// A Supply is compared with a list of all claims.
func TestSupply_AgreesWithASlowOne(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var s Supply
		var all []time.Duration
		now := time.Duration(0)
		for _, pause := range rapid.SliceOfN(rapid.Int64Range(0, int64(90*time.Second)), 1, 60).Draw(t, "pauses") {
			now += time.Duration(pause)
			s.Claimed(now)
			all = append(all, now)
			most := 0
			for first := now/SupplySlot - time.Duration(slots) + 1; first < now/SupplySlot; first++ {
				n := 0
				for _, at := range all {
					if at/SupplySlot == first || at/SupplySlot == first+1 {
						n++
					}
				}
				most = max(most, n)
			}
			if now/SupplySlot == 0 {
				most = len(all)
			}
			if got, want := s.Rate(now), float64(most)/20; got != want {
				t.Fatalf("rate %v, want %v, after claims at %v", got, want, all)
			}
		}
	})
}

func TestSupply_LeadIsMeasured(t *testing.T) {
	var s Supply
	if got := s.Lead(); got != assumedStart+refillLatest {
		t.Errorf("lead %s before any pod started", got)
	}
	s.Started(8 * time.Second)
	if got := s.Lead(); got != 8*time.Second+refillLatest {
		t.Errorf("lead %s after one start of 8 s", got)
	}
	for range 15 {
		s.Started(2 * time.Second)
	}
	if got := s.Lead(); got != 2*time.Second+refillLatest {
		t.Errorf("lead %s, though 15 of 16 pods started in 2 s", got)
	}
	for range 16 {
		s.Started(time.Second)
	}
	if got := s.Lead(); got != time.Second+refillLatest {
		t.Errorf("lead %s after many starts of 1 s", got)
	}
}
