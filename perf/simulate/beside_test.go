package simulate

import (
	"math"
	"slices"
	"testing"
	"time"
)

func TestBeside_ComparesAtEqualPodSeconds(t *testing.T) {
	point := func(name string, hours, cold int) Point {
		return Point{Contestant: name, Outcome: Outcome{Requests: 100, Cold: cold, PodTime: time.Duration(hours) * time.Hour}}
	}
	points := []Point{
		point("ours", 30, 2), point("ours", 10, 20), point("ours", 20, 10),
		point("theirs", 5, 50),  // less than all of ours: left out
		point("theirs", 10, 40), // 20 of 40
		point("theirs", 15, 10), // 15 of 10
		point("theirs", 25, 0),  // nothing to compare with
		point("theirs", 30, 4),  // 2 of 4
		point("theirs", 31, 1),  // more than all of ours: left out
	}
	got := Beside(points, "ours", "theirs", (*Outcome).ColdShare)
	if want := []float64{.5, 1.5, .5}; !slices.EqualFunc(got, want, func(a, b float64) bool { return math.Abs(a-b) < 1e-9 }) {
		t.Errorf("%v, want %v", got, want)
	}
}

// A worse point with more pod-seconds does not make a curve worse.
func TestBeside_TakesTheBestSettingThatIsNotDearer(t *testing.T) {
	share := func(o *Outcome) float64 { return o.ColdShare() }
	points := []Point{
		{Contestant: "ours", Outcome: Outcome{Requests: 10, Cold: 1, PodTime: time.Hour}},
		{Contestant: "ours", Outcome: Outcome{Requests: 10, Cold: 3, PodTime: 2 * time.Hour}},
		{Contestant: "theirs", Outcome: Outcome{Requests: 10, Cold: 2, PodTime: 2 * time.Hour}},
	}
	if got := Beside(points, "ours", "theirs", share); !slices.Equal(got, []float64{.5}) {
		t.Errorf("%v, want half", got)
	}
}
