package simulate

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestIdeal_ByHand(t *testing.T) {
	requests := []Request{
		{At: 0, Runs: 4 * sec}, {At: sec, Runs: 2 * sec}, {At: 2 * sec, Runs: 2 * sec}, // 1, 2, 3, 2 at a time
		{At: 0, Runs: sec, Function: 1},
	}
	for limit, want := range map[int]time.Duration{1: 9 * sec, 2: 6 * sec, 3: 5 * sec} {
		if got := Ideal(requests, 2, limit); got != want {
			t.Errorf("limit %d: %s, want %s", limit, got, want)
		}
	}
}

func TestDurations_MeetTheirPercentiles(t *testing.T) {
	d := Durations{1 * ms, 2 * ms, 10 * ms, 100 * ms, 400 * ms, sec, 2 * sec}
	for i, share := range shares {
		if got := d.at(share); (got - d[i]).Abs() > time.Microsecond {
			t.Errorf("%v: %s, want %s", share, got, d[i])
		}
	}
	if got := d.at(.625); (got - 200*ms).Abs() > time.Microsecond {
		t.Errorf("half way between the median and the third quarter: %s, want 200ms, twice the one and half the other", got)
	}
}

func TestRead_TakesAFolderOfTheAzureTrace(t *testing.T) {
	folder := t.TempDir()
	write(t, folder, "invocations_per_function_md.anon.d01.csv",
		"HashOwner,HashApp,HashFunction,Trigger,1,2,3\no,a,f,http,2,0,1\no,a,g,timer,0,2,0\no,a,never,http,1,0,0\n")
	write(t, folder, "function_durations_percentiles.anon.d01.csv",
		"HashOwner,HashApp,HashFunction,Average,Count,Minimum,Maximum,percentile_Average_0,percentile_Average_1,percentile_Average_25,percentile_Average_50,percentile_Average_75,percentile_Average_99,percentile_Average_100\n"+
			"o,a,g,5,2,5,5,5,5,5,5,5,5,5\no,a,f,5,3,1,9,1,1,3,5,7,9,9\n")
	trace, err := Read(folder)
	if err != nil {
		t.Fatal(err)
	}
	if len(trace.Functions) != 2 || trace.Length() != 3*time.Minute {
		t.Fatalf("%d functions, %s; want the 2 that have durations, 3m", len(trace.Functions), trace.Length())
	}
	requests := trace.Requests(1)
	var minutes [2][]int
	for _, r := range requests {
		minutes[r.Function] = append(minutes[r.Function], int(r.At/time.Minute))
		if r.Runs < ms || r.Runs > 9*ms {
			t.Errorf("a request runs for %s", r.Runs)
		}
	}
	if !slices.Equal(minutes[0], []int{0, 0, 2}) || !slices.Equal(minutes[1], []int{1, 1}) {
		t.Errorf("requests in the minutes %v, want 0 0 2 and 1 1", minutes)
	}
	if timers := slices.DeleteFunc(slices.Clone(requests), func(r Request) bool { return r.Function == 0 }); timers[1].At-timers[0].At != 30*sec {
		t.Errorf("a clock's two requests are %s apart, want 30s", timers[1].At-timers[0].At)
	}
	if !slices.Equal(requests, trace.Requests(1)) || slices.Equal(requests, trace.Requests(2)) {
		t.Error("requests follow from the seed alone")
	}
}

func TestRead_TakesRequests(t *testing.T) {
	folder := t.TempDir()
	write(t, folder, "requests.csv", "function,seconds,ms\nb,61.5,20\na,1,10\nb,0.5,5\n")
	trace, err := Read(filepath.Join(folder, "requests.csv"))
	if err != nil {
		t.Fatal(err)
	}
	want := []Request{{At: 500 * ms, Runs: 5 * ms}, {At: sec, Runs: 10 * ms, Function: 1}, {At: 61500 * ms, Runs: 20 * ms}}
	if got := trace.Requests(1); !slices.Equal(got, want) || trace.Length() != 2*time.Minute {
		t.Errorf("%v in %s, want %v in 2m", got, trace.Length(), want)
	}
}

func TestRead_SaysWhatIsWrong(t *testing.T) {
	folder := t.TempDir()
	write(t, folder, "bad.csv", "function,seconds,ms\na,soon,10\n")
	write(t, folder, "negative.csv", "function,seconds,ms\na,-1,10\n")
	write(t, folder, "other.csv", "when,what\n1,a\n")
	for name, want := range map[string]string{"bad.csv": "soon", "negative.csv": "negative", "other.csv": "no column", "": "invocations_per_function", "none": "none"} {
		if _, err := Read(filepath.Join(folder, name)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want something of %q", name, err, want)
		}
	}
}

func write(t *testing.T, folder, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
