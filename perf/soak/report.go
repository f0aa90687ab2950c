package soak

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// Report is what a run came to.
type Report struct {
	Seed    uint64
	Elapsed time.Duration
	// Answered are the good answers by the kind of their request.
	Answered map[string]int
	// Slowest are the longest times until a good answer, by kind.
	Slowest map[string]time.Duration
	// Explained are failures by what explains them, Unexplained the number of the others.
	Explained   map[string]int
	Unexplained int
	// Events counts what was done; Troubled what of it did not succeed.
	Events, Troubled map[string]int
	// Retried counts connections that an Envoy did not accept, and that went to another.
	Retried int
	// Peaks and Lows are the most and the fewest pods of each wave.
	Peaks, Lows []int
	// Gone is how much longer than its last request each drained pod ran.
	Gone []time.Duration

	failures []failure
}

// failure is a failed request with what happened next to it.
type failure struct {
	verdict
	near string
}

func (b *book) report(seed uint64, elapsed time.Duration) Report {
	verdicts := b.judge()
	b.mu.Lock()
	defer b.mu.Unlock()
	r := Report{
		Seed: seed, Elapsed: elapsed, Answered: maps.Clone(b.counts), Slowest: maps.Clone(b.slowest), Explained: map[string]int{},
		Events: map[string]int{}, Troubled: map[string]int{}, Retried: b.retried, Peaks: b.peaks, Lows: b.lows, Gone: b.gone,
	}
	for _, e := range b.events {
		r.Events[e.name]++
		if e.err != nil {
			r.Troubled[e.name]++
		}
	}
	for _, v := range verdicts {
		if v.cause == "" {
			r.Unexplained++
		} else {
			r.Explained[v.cause]++
		}
		r.failures = append(r.failures, failure{verdict: v, near: b.near(v.call)})
	}
	return r
}

// near tells the events that were going on when the request failed, and the last before it, without the updates.
func (b *book) near(c *call) string {
	var found []string
	last := ""
	for _, e := range b.events {
		if e.name == "code updated" && c.function != changing || e.from.After(c.ended) {
			continue
		}
		text := fmt.Sprintf("%s %s before", e.name, c.ended.Sub(e.from).Round(time.Millisecond))
		if e.to.IsZero() || e.to.After(c.began) {
			found = append(found, text)
		}
		last = text
	}
	if len(found) == 0 {
		return last
	}
	return strings.Join(found[max(0, len(found)-4):], ", ")
}

// Total is the number of good answers.
func (r Report) Total() int {
	n := 0
	for _, k := range r.Answered {
		n += k
	}
	return n
}

// Write writes the report for people.
func (r Report) Write(w io.Writer) {
	fmt.Fprintf(w, "\n%d requests answered in %s", r.Total(), r.Elapsed.Round(time.Second))
	for _, kind := range slices.Sorted(maps.Keys(r.Answered)) {
		fmt.Fprintf(w, ", %d %s (slowest %s)", r.Answered[kind], kind, r.Slowest[kind])
	}
	fmt.Fprintf(w, "; %d connections tried at another Envoy\n", r.Retried)
	for _, name := range slices.Sorted(maps.Keys(r.Events)) {
		fmt.Fprintf(w, "  %3d × %s", r.Events[name], name)
		if n := r.Troubled[name]; n > 0 {
			fmt.Fprintf(w, " (%d with trouble)", n)
		}
		fmt.Fprintln(w)
	}
	fmt.Fprintf(w, "pods of the wave: up to %v, down to %v\n", r.Peaks, r.Lows)
	fmt.Fprintf(w, "drained pods ran longer than their last request by %v\n", r.Gone)
	for _, cause := range slices.Sorted(maps.Keys(r.Explained)) {
		fmt.Fprintf(w, "%d failed: %s\n", r.Explained[cause], cause)
	}
	fmt.Fprintf(w, "%d failed without an explanation\n", r.Unexplained)
	if len(r.failures) > 0 {
		r.writeFailures(w)
	}
}

func (r Report) writeFailures(w io.Writer) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "AT\tTOOK\tREQUEST\tKIND\tSIZE\tFUNCTION\tROUTER\tSTATUS\tFAULT\tBEGUN IN\tEXPLAINED\tNEAR\tBODY")
	for _, f := range r.failures {
		cause := f.cause
		if cause == "" {
			cause = "NO"
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%d\t%s\t%s\t%d\t%s\t%s\t%s\t%s\t%q\n", f.ended.Format("15:04:05.000"), f.ended.Sub(f.began).Round(time.Millisecond),
			f.id, f.kind, f.size, f.function, f.router, f.status, f.fault, f.begun, cause, f.near, f.body)
	}
	_ = t.Flush() // a report that cannot be written is nobody's
}
