package simulate

import (
	"math"
	"math/rand/v2"
	"slices"
	"time"
)

// Trace is the load of some functions over a day or less.
type Trace struct {
	Functions []Function
	// Minutes is the length of the trace.
	Minutes int
	// recorded are the requests of a trace that names each one.
	recorded []Request
}

// Function is one function of a trace.
type Function struct {
	Name string
	// Timer says that requests come by a clock.
	Timer bool
	// PerMinute is the number of requests of each minute.
	PerMinute []uint32
	// Runs is how long they run.
	Runs Durations
}

// Request is one request of a trace.
type Request struct {
	// At is when it comes, since the start of the trace; Runs how long it is inside the function.
	At, Runs time.Duration
	// Function is the index in Trace.Functions.
	Function int
}

// shares are the parts of a function's requests that run at most as long as the Durations of the same index.
var shares = [7]float64{0, .01, .25, .5, .75, .99, 1} //nolint:gochecknoglobals // a constant table

// Durations say how long requests run, by percentile: 0, 1, 25, 50, 75, 99, 100.
type Durations [len(shares)]time.Duration

// shortest is how long a request runs at least.
const shortest = time.Millisecond

// at returns the duration that a share of the requests does not exceed; between percentiles durations grow by factors.
func (d *Durations) at(share float64) time.Duration {
	i := 1
	for i < len(shares)-1 && share > shares[i] {
		i++
	}
	low, high := math.Log(float64(max(d[i-1], shortest))), math.Log(float64(max(d[i], d[i-1], shortest)))
	return time.Duration(math.Exp(low + (high-low)*(share-shares[i-1])/(shares[i]-shares[i-1])))
}

// Length is the length of the trace.
func (t *Trace) Length() time.Duration { return time.Duration(t.Minutes) * time.Minute }

// Requests returns the requests of the trace in the order in which they come. The same seed makes the same requests.
func (t *Trace) Requests(seed uint64) []Request {
	if t.recorded != nil {
		return t.recorded
	}
	random := rand.New(rand.NewPCG(seed, 0)) //nolint:gosec // a simulation wants the same numbers each time
	phases := make([]time.Duration, len(t.Functions))
	total := 0
	for i := range t.Functions {
		phases[i] = time.Duration(random.Int64N(int64(time.Minute)))
		for _, n := range t.Functions[i].PerMinute {
			total += int(n)
		}
	}
	all := make([]Request, 0, total)
	for m := range t.Minutes {
		first := len(all)
		for i := range t.Functions {
			if f := &t.Functions[i]; m < len(f.PerMinute) {
				all = f.minute(all, i, m, phases[i], random)
			}
		}
		slices.SortStableFunc(all[first:], func(a, b Request) int { return int(a.At - b.At) })
	}
	return all
}

// minute appends the requests of one minute: those of a timer in equal steps from its phase, others at any time.
func (f *Function) minute(all []Request, index, minute int, phase time.Duration, random *rand.Rand) []Request {
	start, n := time.Duration(minute)*time.Minute, int(f.PerMinute[minute])
	for k := range n {
		at := time.Duration(random.Int64N(int64(time.Minute)))
		if f.Timer {
			at = (phase + time.Duration(k)*time.Minute/time.Duration(n)) % time.Minute
		}
		all = append(all, Request{At: start + at, Runs: f.Runs.at(random.Float64()), Function: index})
	}
	return all
}

// Largest returns the indexes of the functions with the most requests, n at most.
func (t *Trace) Largest(requests []Request, n int) []int {
	counts := make([]int, len(t.Functions))
	order := make([]int, len(t.Functions))
	for i := range order {
		order[i] = i
	}
	for _, r := range requests {
		counts[r.Function]++
	}
	slices.SortStableFunc(order, func(a, b int) int { return counts[b] - counts[a] })
	return order[:min(n, len(order))]
}

// Ideal returns the pod-seconds of whoever has a pod there at the moment when a request needs it, fills it up to the
// limit, and takes it away with its last request.
func Ideal(requests []Request, functions, limit int) time.Duration {
	byFunction := make([][]Request, functions)
	for _, r := range requests {
		byFunction[r.Function] = append(byFunction[r.Function], r)
	}
	var total time.Duration
	for _, rs := range byFunction {
		total += ideal(rs, limit)
	}
	return total
}

// ideal is the time integral of the pods that the requests of one function need.
func ideal(requests []Request, limit int) (total time.Duration) {
	type step struct {
		at     time.Duration
		change int
	}
	steps := make([]step, 0, 2*len(requests))
	for _, r := range requests {
		steps = append(steps, step{r.At, 1}, step{r.At + r.Runs, -1})
	}
	slices.SortFunc(steps, func(a, b step) int {
		if a.at != b.at {
			return int(a.at - b.at)
		}
		return a.change - b.change
	})
	inside, last := 0, time.Duration(0)
	for _, s := range steps {
		total += (s.at - last) * time.Duration((inside+limit-1)/limit)
		inside, last = inside+s.change, s.at
	}
	return total
}
