package perf

import (
	"bytes"
	"strings"
	"testing"
)

func rows() []Row {
	return []Row{
		{Scenario: "warm", Contestant: "hotpod", Parameters: map[string]string{"connections": "8"}, Metric: "throughput", Median: 60},
		{Scenario: "warm", Contestant: "hotpod", Parameters: map[string]string{"connections": "1"}, Metric: "throughput", Median: 5},
		{Scenario: "warm", Contestant: "Envoy", Parameters: map[string]string{"connections": "8"}, Metric: "throughput", Median: 100},
		{Scenario: "cold", Contestant: "hotpod", Metric: "failures", Median: 0},
	}
}

func goal(t *testing.T, text string) Goal {
	t.Helper()
	goals, err := ParseGoals([]byte("goals:\n- " + text))
	if err != nil {
		t.Fatal(err)
	}
	return goals[0]
}

const (
	hotpod8 = `{scenario: warm, contestant: hotpod, parameters: {connections: "8"}, metric: throughput}`
	envoy8  = `{scenario: warm, contestant: Envoy, metric: throughput}`
)

func TestJudge(t *testing.T) {
	cases := []struct {
		behaviour, goal string
		value, strain   float64
		met             bool
	}{
		{"ratio within its bound", "{name: a, value: " + hotpod8 + ", over: " + envoy8 + ", atLeast: 0.5}", 0.6, 0.5 / 0.6, true},
		{"ratio beyond its bound", "{name: a, value: " + hotpod8 + ", over: " + envoy8 + ", atLeast: 0.75}", 0.6, 0.75 / 0.6, false},
		{"difference", "{name: a, value: " + envoy8 + ", minus: " + hotpod8 + ", atMost: 50}", 40, 0.8, true},
		{"value alone", "{name: a, value: " + hotpod8 + ", atMost: 30}", 60, 2, false},
		{"nothing where nothing is allowed", "{name: a, value: {scenario: cold, contestant: hotpod, metric: failures}, atMost: 0}", 0, 0, true},
		{"something where nothing is allowed", "{name: a, value: " + hotpod8 + ", atMost: 0}", 60, 61, false},
	}
	for _, c := range cases {
		t.Run(c.behaviour, func(t *testing.T) {
			v := Judge([]Goal{goal(t, c.goal)}, rows())[0]
			if !v.Measured || v.Value != c.value || v.Strain != c.strain || v.Met() != c.met {
				t.Errorf("%+v", v)
			}
		})
	}
}

func TestJudge_AmbiguousOrMissingRowsAreNotMeasured(t *testing.T) {
	for _, value := range []string{
		"{scenario: warm, contestant: hotpod, metric: throughput}", // two rows
		"{scenario: warm, contestant: nobody, metric: throughput}",
	} {
		v := Judge([]Goal{goal(t, "{name: a, value: "+value+", atMost: 1}")}, rows())[0]
		if v.Measured || v.Met() {
			t.Errorf("%s: %+v", value, v)
		}
	}
}

func TestWriteVerdicts_WorstComesLastAndMissesAreCounted(t *testing.T) {
	goals := []Goal{
		goal(t, "{name: missed much, value: "+hotpod8+", atMost: 10}"),
		goal(t, "{name: held, value: "+hotpod8+", atMost: 600, unit: x}"),
		goal(t, "{name: missed a little, value: "+hotpod8+", atMost: 59}"),
		goal(t, "{name: not run, value: {scenario: other, contestant: a, metric: b}, atMost: 1}"),
		goal(t, "{name: lost, value: {scenario: warm, contestant: a, metric: b}, atMost: 1}"),
	}
	var out bytes.Buffer
	missed, err := WriteVerdicts(&out, Judge(goals, rows()), []string{"warm"})
	if err != nil || missed != 3 {
		t.Fatalf("missed %d, %v\n%s", missed, err, &out)
	}
	text := out.String()
	last := -1
	for _, name := range []string{"not run", "lost", "held", "missed a little", "missed much"} {
		at := strings.Index(text, "\n"+name)
		if at <= last {
			t.Errorf("%s is out of order:\n%s", name, text)
		}
		last = at
	}
	if !strings.Contains(text, "60 x") || !strings.Contains(text, "≤ 600 x") {
		t.Errorf("no value or bound with its unit:\n%s", text)
	}
}

func TestParseGoals_RefusesWhatSaysNothingOrTooMuch(t *testing.T) {
	for _, text := range []string{
		"{name: a, value: " + hotpod8 + "}",
		"{name: a, value: " + hotpod8 + ", atMost: 1, atLeast: 1}",
		"{name: a, value: " + hotpod8 + ", over: " + envoy8 + ", minus: " + envoy8 + ", atMost: 1}",
		"{value: " + hotpod8 + ", atMost: 1}",
		"{name: a, value: " + hotpod8 + ", atLeast: 0}",
		"{name: a, valeu: " + hotpod8 + ", atMost: 1}",
	} {
		if _, err := ParseGoals([]byte("goals:\n- " + text)); err == nil {
			t.Errorf("accepted: %s", text)
		}
	}
}

func TestDefaultGoals_AreValidAndNamedOnce(t *testing.T) {
	goals, err := DefaultGoals()
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for _, g := range goals {
		if names[g.Name] {
			t.Errorf("two goals are named %q", g.Name)
		}
		names[g.Name] = true
	}
}

func TestParseGoals_ForMakesAGoalOfEachCombination(t *testing.T) {
	goals, err := ParseGoals([]byte(`goals: [{name: a, for: {limit: ["0", "10"], m: [x]}, atMost: 1,
  value: {scenario: s, contestant: c, metric: m},
  over: {scenario: s, contestant: d, parameters: {limit: none}, metric: m}}]`))
	if err != nil || len(goals) != 2 {
		t.Fatal(goals, err)
	}
	for i, limit := range []string{"0", "10"} {
		g := goals[i]
		if g.Name != "a, limit "+limit+", m x" || g.Value.Parameters["limit"] != limit || g.Value.Parameters["m"] != "x" ||
			g.Over.Parameters["limit"] != "none" || g.Over.Parameters["m"] != "x" {
			t.Errorf("%+v over %+v", g, *g.Over)
		}
	}
}
