package perf

import (
	_ "embed"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"

	"sigs.k8s.io/yaml"
)

//go:embed goals.yaml
var defaultGoals []byte

// Pick names one row of a run. Parameters that it does not name may have any value; exactly one row must be left.
type Pick struct {
	Scenario   string            `json:"scenario"`
	Contestant string            `json:"contestant"`
	Parameters map[string]string `json:"parameters,omitempty"`
	Metric     string            `json:"metric"`
}

// Goal is a bound on a row's median, or on its ratio to or difference from another row's. Exactly one of AtMost and
// AtLeast is set; Over and Minus are both optional and exclude each other.
type Goal struct {
	Name    string   `json:"name"`
	Value   Pick     `json:"value"`
	Over    *Pick    `json:"over,omitempty"`
	Minus   *Pick    `json:"minus,omitempty"`
	AtMost  *float64 `json:"atMost,omitempty"`
	AtLeast *float64 `json:"atLeast,omitempty"`
	// Unit is shown after the value.
	Unit string `json:"unit,omitempty"`
	// For repeats the goal for each combination of values: they become parameters of the rows that it names, where a
	// row does not say otherwise, and are added to its name.
	For map[string][]string `json:"for,omitempty"`
}

// Verdict is a goal with what a run says of it.
type Verdict struct {
	Goal Goal
	// Measured is false when the run lacks a row of the goal; the other fields mean nothing then.
	Measured bool
	Value    float64
	// Strain is how much of the bound is used: 1 at the bound, more when the goal is missed.
	Strain float64
}

// Met reports whether the goal was measured and holds.
func (v Verdict) Met() bool { return v.Measured && v.Strain <= 1 }

// DefaultGoals returns the goals of goals.yaml.
func DefaultGoals() ([]Goal, error) { return ParseGoals(defaultGoals) }

// ParseGoals reads goals from YAML and refuses those that say nothing or too much.
func ParseGoals(raw []byte) ([]Goal, error) {
	var file struct {
		Goals []Goal `json:"goals"`
	}
	if err := yaml.UnmarshalStrict(raw, &file); err != nil {
		return nil, fmt.Errorf("read goals: %w", err)
	}
	var all []Goal
	for _, g := range file.Goals {
		if err := g.validate(); err != nil {
			return nil, fmt.Errorf("goal %q: %w", g.Name, err)
		}
		all = append(all, g.each()...)
	}
	return all, nil
}

// each returns the goals that For stands for.
func (g Goal) each() []Goal {
	all := []Goal{g}
	for _, name := range slices.Sorted(maps.Keys(g.For)) {
		var next []Goal
		for _, one := range all {
			for _, value := range g.For[name] {
				next = append(next, one.with(name, value))
			}
		}
		all = next
	}
	return all
}

func (g Goal) with(name, value string) Goal {
	g.Name += ", " + name + " " + value
	g.Value = g.Value.with(name, value)
	for _, p := range []**Pick{&g.Over, &g.Minus} {
		if *p != nil {
			pick := (*p).with(name, value)
			*p = &pick
		}
	}
	return g
}

func (p Pick) with(name, value string) Pick {
	if _, ok := p.Parameters[name]; !ok {
		p.Parameters = with(p.Parameters, name, value)
	}
	return p
}

func (g Goal) validate() error {
	switch {
	case g.Name == "":
		return fmt.Errorf("has no name")
	case (g.AtMost == nil) == (g.AtLeast == nil):
		return fmt.Errorf("needs one of atMost and atLeast")
	case g.Over != nil && g.Minus != nil:
		return fmt.Errorf("has both over and minus")
	case g.AtMost != nil && *g.AtMost < 0, g.AtLeast != nil && *g.AtLeast <= 0:
		return fmt.Errorf("has a bound that nothing can be compared with")
	}
	return nil
}

// Judge compares the goals with the rows; the verdicts come sorted, the worst last and what was not measured first.
func Judge(goals []Goal, rows []Row) []Verdict {
	verdicts := make([]Verdict, 0, len(goals))
	for _, g := range goals {
		verdicts = append(verdicts, judge(g, rows))
	}
	slices.SortStableFunc(verdicts, func(a, b Verdict) int {
		switch {
		case a.Measured != b.Measured && b.Measured:
			return -1
		case a.Measured != b.Measured:
			return 1
		case a.Strain < b.Strain:
			return -1
		case a.Strain > b.Strain:
			return 1
		}
		return 0
	})
	return verdicts
}

func judge(g Goal, rows []Row) Verdict {
	value, ok := g.Value.find(rows)
	if !ok {
		return Verdict{Goal: g}
	}
	for _, other := range []*Pick{g.Over, g.Minus} {
		if other == nil {
			continue
		}
		base, ok := other.find(rows)
		if !ok {
			return Verdict{Goal: g}
		}
		if other == g.Over {
			value /= base
		} else {
			value -= base
		}
	}
	return Verdict{Goal: g, Measured: true, Value: value, Strain: g.strain(value)}
}

// strain maps a value to the used share of the bound, so that goals of all kinds can be ordered by it.
func (g Goal) strain(value float64) float64 {
	if g.AtLeast != nil {
		return ratio(*g.AtLeast, value)
	}
	return ratio(value, *g.AtMost)
}

// ratio is a/b where b is a bound or a value that may be nothing: nothing of nothing is within the bound.
func ratio(a, b float64) float64 {
	switch {
	case b > 0:
		return max(a/b, 0)
	case a <= 0:
		return 0
	default:
		return 1 + a
	}
}

// find returns the median of the only row that p names.
func (p Pick) find(rows []Row) (float64, bool) {
	found := slices.DeleteFunc(slices.Clone(rows), func(r Row) bool { return !p.names(r) })
	if len(found) != 1 {
		return 0, false
	}
	return found[0].Median, true
}

func (p Pick) names(r Row) bool {
	if p.Scenario != r.Scenario || p.Contestant != r.Contestant || p.Metric != r.Metric {
		return false
	}
	for name, value := range maps.All(p.Parameters) {
		if r.Parameters[name] != value {
			return false
		}
	}
	return true
}

// WriteVerdicts writes a line for each verdict and returns the number of goals that are missed. A goal whose scenario
// was not among those that ran is shown, but not counted.
func WriteVerdicts(w io.Writer, verdicts []Verdict, ran []string) (missed int, err error) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "GOAL\tVALUE\tBOUND\tVERDICT")
	for _, v := range verdicts {
		verdict := "met"
		switch {
		case !v.Measured && !slices.Contains(ran, v.Goal.Value.Scenario):
			verdict = "not run"
		case !v.Measured:
			verdict = "MISSED: not measured"
		case !v.Met():
			verdict = "MISSED"
		}
		if strings.HasPrefix(verdict, "MISSED") {
			missed++
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", v.Goal.Name, v.value(), v.Goal.bound(), verdict)
	}
	if err := t.Flush(); err != nil {
		return missed, fmt.Errorf("write verdicts: %w", err)
	}
	return missed, nil
}

func (v Verdict) value() string {
	if !v.Measured {
		return "-"
	}
	return strings.TrimSpace(number(v.Value) + " " + v.Goal.Unit)
}

func (g Goal) bound() string {
	if g.AtLeast != nil {
		return strings.TrimSpace("≥ " + number(*g.AtLeast) + " " + g.Unit)
	}
	return strings.TrimSpace("≤ " + number(*g.AtMost) + " " + g.Unit)
}
