package perf

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestTogether_RunsAllAtOnceAfterAllArePrepared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var prepared atomic.Int32
		prepare := func(i int) error {
			time.Sleep(time.Duration(i) * time.Second)
			prepared.Add(1)
			return nil
		}
		began := time.Now()
		times, errs := together(5, prepare, func(int) (time.Duration, error) {
			if prepared.Load() != 5 {
				t.Error("began before all were prepared")
			}
			at := time.Since(began)
			time.Sleep(time.Second)
			return at, nil
		})
		if len(errs) != 0 || !slices.Equal(times, []float64{4000, 4000, 4000, 4000, 4000}) {
			t.Error(times, errs)
		}
	})
}

func TestTogether_FailuresAreToldByNumber(t *testing.T) {
	boom := errors.New("boom")
	fail := func(wanted int) func(int) error {
		return func(i int) error {
			if i == wanted {
				return boom
			}
			return nil
		}
	}
	times, errs := together(4, fail(1), func(i int) (time.Duration, error) { return time.Millisecond, fail(2)(i) })
	if len(times) != 2 || len(errs) != 2 || !errors.Is(errs[1], boom) || !errors.Is(errs[2], boom) {
		t.Error(times, errs)
	}
}

func TestDistinct_EachFunctionSaysItsName(t *testing.T) {
	source := []byte("module.exports = () => 'Hello, world!'")
	a, b := string(distinct(source, "f-1")), string(distinct(source, "f-2"))
	if a == b || !strings.Contains(a, "f-1") {
		t.Error(a, b)
	}
}

func TestFirst_AcceptsOnlyTheFunctionsOwnAnswer(t *testing.T) {
	answers := map[string]struct {
		status int
		body   string
		ok     bool
	}{
		"own answer":       {200, "Hello from f-1.", true},
		"another function": {200, "Hello from f-2.", false},
		"error":            {503, "Hello from f-1.", false},
	}
	for name, a := range answers {
		t.Run(name, func(t *testing.T) {
			address := serverAddress(t, func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(a.status)
				_, _ = w.Write([]byte(a.body))
			})
			_, err := first(t.Context(), &http.Client{}, "http://"+address, "f-1")
			if (err == nil) != a.ok {
				t.Error(err)
			}
		})
	}
}

func TestCold_AddMakesRowsThatTheGoalsFind(t *testing.T) {
	var r Results
	c := &cold{}
	c.add(&r, "1", samples{first: []float64{5, 6, 90}, load: []float64{2, 3, 4}})
	c.add(&r, "20", samples{first: []float64{10}, load: []float64{9}})
	c.add(&r, "100", samples{first: []float64{10}, load: []float64{9}, firstBusy: []float64{97}, loadBusy: []float64{99}})
	for i := range r.Rows {
		r.Rows[i].Parameters = with(r.Rows[i].Parameters, paramEnvironment, "nodejs")
	}
	goals, err := DefaultGoals()
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]float64{
		"cold start from the pool, on top of the runtime's own load, median, environment nodejs": 3,
		"cold start from the pool, on top of the runtime's own load, p99, environment nodejs":    87,
		"share of the processors in use during 100 cold starts at once, environment nodejs":      97,
	}
	for _, v := range Judge(goals, r.Rows) {
		if value, ok := want[v.Goal.Name]; ok && (!v.Measured || v.Value != value) {
			t.Errorf("%s: %+v, want %v", v.Goal.Name, v, value)
		}
		delete(want, v.Goal.Name)
	}
	if len(want) > 0 {
		t.Errorf("there are no goals %v", want)
	}
}
