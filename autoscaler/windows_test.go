package autoscaler

import (
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestWindows_MeanOverThePartThatHasValues(t *testing.T) {
	at := func(s float64) time.Time { return noon.Add(time.Duration(s * float64(time.Second))) }
	for name, c := range map[string]struct {
		records [][2]float64 // second, value
		now     float64
		length  time.Duration
		want    float64
		ok      bool
	}{
		"nothing":                       {nil, 0, time.Minute, 0, false},
		"one value":                     {[][2]float64{{0, 4}}, 0, time.Minute, 4, true},
		"partial window":                {[][2]float64{{0, 4}, {1, 2}}, 1, time.Minute, 3, true},
		"short window sees the last":    {[][2]float64{{0, 100}, {1, 1}, {2, 2}, {3, 3}}, 3, 3 * time.Second, 2, true},
		"a late tick fills the gap":     {[][2]float64{{0, 1}, {2, 4}}, 2, time.Minute, 3, true},
		"two ticks in one second":       {[][2]float64{{0, 1}, {1, 1}, {1.9, 7}}, 1.9, time.Minute, 4, true},
		"trailing silence is no zero":   {[][2]float64{{0, 4}, {1, 4}}, 20, time.Minute, 4, true},
		"older than the window is gone": {[][2]float64{{0, 4}}, 60, time.Minute, 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			w := NewWindows(time.Minute)
			for _, r := range c.records {
				w.Record(at(r[0]), r[1])
			}
			if mean, ok := w.Mean(at(c.now), c.length); ok != c.ok || math.Abs(mean-c.want) > 1e-6 {
				t.Errorf("Mean = %v, %v, want %v, %v", mean, ok, c.want, c.ok)
			}
		})
	}
}

func TestWindows_BeginAnewAfterAWholeWindowOfSilence(t *testing.T) {
	w := NewWindows(time.Minute)
	w.Record(noon, 50)
	w.Record(noon.Add(time.Minute), 2)
	if mean, _ := w.Mean(noon.Add(time.Minute), time.Minute); mean != 2 {
		t.Errorf("Mean = %v", mean)
	}
}

func TestWindows_AgreeWithAListOfValues(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := NewWindows(10 * time.Second)
		n := rapid.IntRange(1, 60).Draw(t, "seconds")
		list := make([]float64, 0, n)
		for i := range n {
			v := rapid.Float64Range(0, 100).Draw(t, "value")
			list = append(list, v)
			now := noon.Add(time.Duration(i) * time.Second)
			w.Record(now, v)
			n := rapid.IntRange(1, 10).Draw(t, "length")
			var sum float64
			tail := list[max(0, len(list)-n):]
			for _, x := range tail {
				sum += x
			}
			if mean, ok := w.Mean(now, time.Duration(n)*time.Second); !ok || math.Abs(mean-sum/float64(len(tail))) > 1e-5 {
				t.Fatalf("Mean over %d s = %v, want %v", n, mean, sum/float64(len(tail)))
			}
		}
	})
}
