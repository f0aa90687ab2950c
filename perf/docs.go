package perf

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"runtime"
	"slices"
	"strings"
)

// The generated part of a scenario stands between these two lines of a Markdown file; %s is the scenario.
const (
	partBegins = "<!-- perf %s: written by perf, do not edit -->\n"
	partEnds   = "<!-- /perf %s -->\n"
	// machinePart tells where it was measured.
	machinePart = "machine"
)

// writeDocs puts the rows into the generated parts of a file: each scenario that has both rows and a part. The rest of
// the file stays as it is, and the same rows make the same text.
func writeDocs(file string, r *Results, goals []Goal) error {
	if file == "" || len(r.Rows) == 0 {
		return nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("read the docs: %w", err)
	}
	text, err = document(text, r.Rows, Judge(goals, r.Rows), machine())
	if err != nil {
		return fmt.Errorf("write figures into %s: %w", file, err)
	}
	if err := os.WriteFile(file, text, 0o644); err != nil { //nolint:gosec // documentation is for everybody
		return fmt.Errorf("write the docs: %w", err)
	}
	return nil
}

// document returns the text with the parts of the rows' scenarios made anew.
func document(text []byte, rows []Row, verdicts []Verdict, machine string) ([]byte, error) {
	text, err := replacePart(text, machinePart, machine)
	if err != nil {
		return nil, err
	}
	var done []string
	for _, row := range rows {
		if slices.Contains(done, row.Scenario) {
			continue
		}
		done = append(done, row.Scenario)
		if text, err = replacePart(text, row.Scenario, part(row.Scenario, rows, verdicts)); err != nil {
			return nil, err
		}
	}
	return text, nil
}

// replacePart puts content between the lines of a part; a file without them stays as it is.
func replacePart(text []byte, name, content string) ([]byte, error) {
	begin, end := fmt.Appendf(nil, partBegins, name), fmt.Appendf(nil, partEnds, name)
	before, rest, ok := bytes.Cut(text, begin)
	if !ok {
		return text, nil
	}
	_, after, ok := bytes.Cut(rest, end)
	if !ok {
		return nil, fmt.Errorf("the part %q does not end", name)
	}
	return slices.Concat(before, begin, []byte("\n"+content+"\n"), end, after), nil
}

// part renders a scenario: its goals, then its rows in tables.
func part(scenario string, rows []Row, verdicts []Verdict) string {
	var b strings.Builder
	writeGoals(&b, scenario, verdicts)
	for _, t := range tablesOf(scenario, rows) {
		if b.Len() > 0 {
			b.WriteString("\n")
		}
		t.write(&b)
	}
	return b.String()
}

func writeGoals(b *strings.Builder, scenario string, verdicts []Verdict) {
	verdicts = slices.DeleteFunc(slices.Clone(verdicts), func(v Verdict) bool { return v.Goal.Value.Scenario != scenario || !v.Measured })
	if len(verdicts) == 0 {
		return
	}
	slices.SortFunc(verdicts, func(a, b Verdict) int { return strings.Compare(a.Goal.Name, b.Goal.Name) })
	b.WriteString("| goal | measured | bound | |\n| --- | ---: | ---: | --- |\n")
	for _, v := range verdicts {
		met := "met"
		if !v.Met() {
			met = "**missed**"
		}
		fmt.Fprintf(b, "| %s | %s | %s | %s |\n", v.Goal.Name, v.value(), v.Goal.bound(), met)
	}
}

// table shows the medians of rows that have parameters of the same names: a line for each contestant and its
// parameters, a column for each metric, all in the order in which they were measured.
type table struct {
	parameters []string
	metrics    []string
	lines      []string
	cells      map[string]map[string]string
}

// tablesOf sorts a scenario's rows into tables.
func tablesOf(scenario string, rows []Row) []*table {
	var all []*table
	for _, row := range rows {
		if row.Scenario != scenario {
			continue
		}
		names := slices.Sorted(maps.Keys(row.Parameters))
		i := slices.IndexFunc(all, func(t *table) bool { return slices.Equal(t.parameters, names) })
		if i < 0 {
			all = append(all, &table{parameters: names, cells: map[string]map[string]string{}})
			i = len(all) - 1
		}
		all[i].add(row)
	}
	return all
}

func (t *table) add(row Row) {
	parts := make([]string, 0, 1+len(t.parameters))
	parts = append(parts, row.Contestant)
	for _, name := range t.parameters {
		parts = append(parts, row.Parameters[name])
	}
	line := strings.Join(parts, " | ")
	if t.cells[line] == nil {
		t.lines = append(t.lines, line)
		t.cells[line] = map[string]string{}
	}
	metric := strings.ReplaceAll(row.Metric, "_", " ") + ", " + row.Unit
	if !slices.Contains(t.metrics, metric) {
		t.metrics = append(t.metrics, metric)
	}
	t.cells[line][metric] = number(row.Median)
}

func (t *table) write(b *strings.Builder) {
	columns := append([]string{"contestant"}, t.parameters...)
	fmt.Fprintf(b, "| %s |\n", strings.Join(append(columns, t.metrics...), " | "))
	b.WriteString("|" + strings.Repeat(" --- |", 1+len(t.parameters)) + strings.Repeat(" ---: |", len(t.metrics)) + "\n")
	for _, line := range t.lines {
		fmt.Fprintf(b, "| %s |", line)
		for _, metric := range t.metrics {
			fmt.Fprintf(b, " %s |", t.cells[line][metric])
		}
		b.WriteString("\n")
	}
}

// machine says on what was measured.
func machine() string {
	model := runtime.GOARCH
	if text, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		if _, rest, ok := strings.Cut(string(text), "model name"); ok {
			line, _, _ := strings.Cut(rest, "\n")
			model = strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(line), ":"))
		}
	}
	return fmt.Sprintf("Measured on %d cores of %s, %s, %s; client, backend and contestants share them. Medians.\n",
		runtime.NumCPU(), model, runtime.GOOS, runtime.Version())
}
