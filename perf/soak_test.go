package perf

import (
	"reflect"
	"testing"
	"time"

	"hotpod.dev/perf/soak"
)

func TestAddSoak_HasARowForEachFigure(t *testing.T) {
	var r Results
	addSoak(&r, soak.Report{
		Answered: map[string]int{"short": 7}, Slowest: map[string]time.Duration{"short": 1500 * time.Millisecond},
		Explained: map[string]int{"a kill": 2}, Unexplained: 1, Events: map[string]int{"Envoy killed": 3},
		Gone: []time.Duration{time.Second, 3 * time.Second},
	})
	want := map[string]float64{"answered": 7, "slowest": 1.5, "lost_to_kill": 2, "lost": 1, "events": 3, "drained_pod_outlives_last_request": 2}
	for _, row := range r.Rows {
		if row.Median != want[row.Metric] {
			t.Errorf("%s is %g, want %g", row.Metric, row.Median, want[row.Metric])
		}
		delete(want, row.Metric)
	}
	if len(want) > 0 {
		t.Errorf("no rows for %v", want)
	}
}

// Without an answer there is nothing to say about losses.
func TestAddSoak_SaysNothingOfARunThatWasNone(t *testing.T) {
	var r Results
	addSoak(&r, soak.Report{})
	if len(r.Rows) != 0 {
		t.Errorf("%+v", r.Rows)
	}
}

func TestParseConfig_TakesTheFlagsOfASoak(t *testing.T) {
	c, err := ParseConfig([]string{"soak", "--for", "2h", "--seed", "7", "--peak", "30", "--pause", "3s", "--event", "rest=sleep 1", "--event", "set=a=b"}, func(string) string { return "" }, t.Output())
	events := []soak.Event{{Name: "rest", Command: "sleep 1"}, {Name: "set", Command: "a=b"}}
	want := SoakOptions{For: 2 * time.Hour, Pause: 3 * time.Second, Seed: 7, Peak: 30, Events: events}
	if err != nil || !reflect.DeepEqual(c.Soak, want) {
		t.Errorf("%+v, %v", c.Soak, err)
	}
}
