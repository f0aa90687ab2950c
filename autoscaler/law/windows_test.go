package law

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
			if mean, ok := w.Average(at(c.now), c.length, Linear); ok != c.ok || math.Abs(mean-c.want) > 1e-6 {
				t.Errorf("Average = %v, %v, want %v, %v", mean, ok, c.want, c.ok)
			}
		})
	}
}

func TestWindows_BeginAnewAfterAWholeWindowOfSilence(t *testing.T) {
	w := NewWindows(time.Minute)
	w.Record(noon, 50)
	w.Record(noon.Add(time.Minute), 2)
	if mean, _ := w.Average(noon.Add(time.Minute), time.Minute, Linear); mean != 2 {
		t.Errorf("Average = %v", mean)
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
			if mean, ok := w.Average(now, time.Duration(n)*time.Second, Linear); !ok || math.Abs(mean-sum/float64(len(tail))) > 1e-5 {
				t.Fatalf("Average over %d s = %v, want %v", n, mean, sum/float64(len(tail)))
			}
		}
	})
}

// The weight of the newest of n seconds is 1 - 0.0001^(1/n), at least 0.2, and falls by that share for each second.
func TestWindows_WeightedAverage(t *testing.T) {
	at := func(s int) time.Time { return noon.Add(time.Duration(s) * time.Second) }
	for name, c := range map[string]struct {
		values []float64 // one a second
		now    int
		length time.Duration
		want   float64
	}{
		// 1 - 0.0001^(1/5) = 0.841511; 10*0.841511
		"the first second weighs what it weighs": {[]float64{10}, 0, 5 * time.Second, 8.415107},
		// 5*0.841511 + 10*0.841511*0.158489 = 4.207553 + 1.333704
		"the newest weighs most": {[]float64{10, 5}, 1, 5 * time.Second, 5.541258},
		// a window of 60 s has the least weight: 10*(0.2 + 0.2*0.8 + 0.2*0.64)
		"long windows weigh by a fifth": {[]float64{10, 10, 10}, 2, time.Minute, 4.88},
		// the same a second later, without a value: times 0.8
		"silence is zero": {[]float64{10, 10, 10}, 3, time.Minute, 3.904},
		// only the last of the panic window's 2 s: 0.99 and 0.0099
		"what is older than the window does not count": {[]float64{100, 1, 2}, 2, 2 * time.Second, 1.9899},
	} {
		t.Run(name, func(t *testing.T) {
			w := NewWindows(time.Minute)
			for i, v := range c.values {
				w.Record(at(i), v)
			}
			got, ok := w.Average(at(c.now), c.length, WeightedExponential)
			if !ok || math.Abs(got-c.want) > 1e-6 {
				t.Errorf("Average = %v, %v, want %v", got, ok, c.want)
			}
		})
	}
}

func TestWindows_KeepWhatFitsWhenTheirLengthChanges(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 40).Draw(t, "values")
		from, to := rapid.IntRange(6, 30).Draw(t, "from"), rapid.IntRange(6, 30).Draw(t, "to")
		w := NewWindows(time.Duration(from) * time.Second)
		var now time.Time
		for i := range n {
			now = noon.Add(time.Duration(i) * time.Second)
			w.Record(now, float64(i))
		}
		w.Resize(time.Duration(to) * time.Second)
		kept := min(n, from, to)
		want := float64(n-1) - float64(kept-1)/2
		if got, ok := w.Average(now, time.Hour, Linear); !ok || math.Abs(got-want) > 1e-5 {
			t.Fatalf("Average over %d s after %d s = %v, want %v", to, from, got, want)
		}
		now = now.Add(time.Second)
		w.Record(now, 7)
		if got, _ := w.Average(now, time.Second, Linear); got != 7 {
			t.Fatalf("the next second's value is %v", got)
		}
	})
}
