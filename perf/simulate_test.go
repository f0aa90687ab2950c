package perf

import (
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"hotpod.dev/perf/simulate"
)

func TestParseConfig_TakesATraceBeforeTheFlags(t *testing.T) {
	none := func(string) string { return "" }
	c, err := ParseConfig([]string{"simulate", "day.csv", "--per-pod", "4"}, none, t.Output())
	if err != nil || c.Simulate.Trace != "day.csv" || c.Simulate.Limit != 4 {
		t.Errorf("%+v, %v", c.Simulate, err)
	}
	if c, err = ParseConfig([]string{"simulate", "--per-pod", "4"}, none, t.Output()); err != nil || c.Simulate.Trace != "" {
		t.Errorf("%+v, %v", c.Simulate, err)
	}
	if _, err := ParseConfig([]string{"soak", "day.csv"}, none, t.Output()); err == nil {
		t.Error("soak took a trace")
	}
}

// Every contestant is measured with every setting, the goals find their rows, and the pictures are there.
func TestSimulate_ComparesAndDraws(t *testing.T) {
	folder := t.TempDir()
	trace := "function,seconds,ms\n" + strings.Repeat("a,10,500\na,10.2,500\nb,30,100\na,80,500\n", 3) + "a,900,500\nb,3600,20\n"
	if err := os.WriteFile(filepath.Join(folder, "trace.csv"), []byte(trace), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := ParseConfig([]string{"simulate", filepath.Join(folder, "trace.csv"), "--pictures", folder}, func(string) string { return "" }, t.Output())
	if err != nil {
		t.Fatal(err)
	}
	var r Results
	if err := Simulate(t.Context(), c, &r, slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, c := range simulate.Contestants() {
		names = append(names, c.Name)
	}
	lines := 0
	for _, row := range r.Rows {
		if row.Metric == "cold_starts" {
			lines++
			if row.Median <= 0 || row.Median > 100 {
				t.Errorf("%+v", row)
			}
		}
	}
	if want := len(names) * len(idles()); lines != want {
		t.Errorf("%d runs, want %d", lines, want)
	}
	goals, err := DefaultGoals()
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range goals {
		if beside := g.Value.Parameters["beside"]; g.Value.Scenario == "simulate" && (g.Value.Contestant != simulate.NameWindow || !slices.Contains(names, beside)) {
			t.Errorf("the goal %q finds no row", g.Name)
		}
	}
	for _, name := range []string{"all.svg", "function.svg", "cold-starts.svg"} {
		if text, err := os.ReadFile(filepath.Join(folder, name)); err != nil || !strings.HasSuffix(string(text), "</svg>\n") {
			t.Errorf("%s is no picture: %v", name, err)
		}
	}
}

func TestSimulate_RefusesAFunctionThatTheTraceLacks(t *testing.T) {
	trace := filepath.Join(t.TempDir(), "trace.csv")
	if err := os.WriteFile(trace, []byte("function,seconds,ms\na,1,1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c := Config{Simulate: SimulateOptions{Trace: trace, Limit: 1, Function: "no/such/function"}}
	err := Simulate(t.Context(), c, &Results{}, slog.New(slog.DiscardHandler))
	if err == nil || !strings.Contains(err.Error(), "no/such/function") {
		t.Errorf("%v", err)
	}
}
