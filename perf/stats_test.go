package perf

import (
	"math"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestSpread(t *testing.T) {
	cases := []struct {
		values []float64
		want   extent
	}{
		{[]float64{5}, extent{5, 5, 5}},
		{[]float64{3, 1}, extent{1, 2, 3}},
		{[]float64{9, 1, 4}, extent{1, 4, 9}},
	}
	for _, c := range cases {
		if got := spread(c.values); got != c.want {
			t.Errorf("spread(%v) = %v, want %v", c.values, got, c.want)
		}
	}
	if got := spread(nil); !math.IsNaN(got.median) {
		t.Errorf("spread of nothing is %v", got)
	}
}

func TestQuantile_IsAValueThatTheShareDoesNotExceed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfN(rapid.Float64Range(-1e6, 1e6), 1, 200).Draw(t, "values")
		q := rapid.Float64Range(0, 1).Draw(t, "q")
		got := quantile(values, q)
		if !slices.Contains(values, got) {
			t.Fatalf("%v is none of them", got)
		}
		var within, below int
		for _, v := range values {
			if v <= got {
				within++
			}
			if v < got {
				below++
			}
		}
		n := float64(len(values))
		if float64(within) < q*n-1e-9 || float64(below) >= q*n && below > 0 {
			t.Fatalf("%d of %v are within, %d below", within, n, below)
		}
	})
}

func TestSpreadAndQuantile_LeaveTheirInputAlone(t *testing.T) {
	values := []float64{3, 1, 2}
	spread(values)
	quantile(values, 0.5)
	if !slices.Equal(values, []float64{3, 1, 2}) {
		t.Error(values)
	}
}

func TestMilliseconds(t *testing.T) {
	if got := milliseconds(1500 * time.Microsecond); got != 1.5 {
		t.Error(got)
	}
}
