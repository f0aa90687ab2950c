package law

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"hotpod.dev/internal/golden"
)

// TestDecide_Loads plays loads against the law: pods become hot a second after they are wanted. A case's "load" has
// the settings and, by second, the requests that are there from then on; the output is every change of the decision.
func TestDecide_Loads(t *testing.T) {
	golden.Run(t, "testdata/load-*.txtar", func(t *testing.T, in map[string][]byte) []golden.File {
		t.Helper()
		return []golden.File{{Name: "decisions", Data: play(t, string(in["load"]))}}
	})
}

// play returns the decisions over a load.
func play(t *testing.T, script string) []byte {
	t.Helper()
	spec, load, end := parseLoad(t, script)
	windows, state := NewWindows(spec.StableWindow), State{}
	var out bytes.Buffer
	var last Decision
	ready, present, active := 0, 0, noon
	for second := range end + 1 {
		now := noon.Add(time.Duration(second) * time.Second)
		if n, ok := load[second]; ok {
			present = n
		}
		if present > 0 {
			active = now
		}
		windows.Record(now, float64(present))
		seen := Observation{Ready: ready, Data: true, Idle: now.Sub(active), Waiting: max(0, present-ready*spec.Limit), WaitingFor: time.Second}
		seen.Stable, _ = windows.Average(now, spec.StableWindow, spec.Aggregation)
		seen.Panic, _ = windows.Average(now, spec.PanicWindow, spec.Aggregation)
		var d Decision
		d, state = Decide(spec, state, seen, now)
		if d != last {
			fmt.Fprintf(&out, "%4ds: %3d present, %3d ready, stable %6.2f, panic %6.2f: %3d %s\n",
				second, present, ready, seen.Stable, seen.Panic, d.Wanted, d.Reason)
		}
		last, ready = d, d.Wanted
	}
	return out.Bytes()
}

func parseLoad(t *testing.T, script string) (spec Spec, load map[int]int, end int) {
	t.Helper()
	spec, load = settings(1), map[int]int{}
	for line := range strings.Lines(script) {
		fields := strings.Fields(line)
		if len(fields) < 2 || strings.HasPrefix(line, "#") {
			continue
		}
		n, err := strconv.Atoi(fields[1])
		if err != nil {
			t.Fatal(err)
		}
		switch fields[0] {
		case "limit":
			spec = settings(n)
		case "max":
			spec.Max = n
		case "min":
			spec.Min = n
		case "idle":
			spec.Idle = time.Duration(n) * time.Second
		case "delay":
			spec.ScaleDownDelay = time.Duration(n) * time.Second
		case "end":
			end = n
		default:
			second, err := strconv.Atoi(fields[0])
			if err != nil {
				t.Fatal(err)
			}
			load[second] = n
		}
	}
	return spec, load, end
}
