package perf

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
)

// Row is one metric of one contestant in one scenario: the spread of its repeated values.
type Row struct {
	Scenario   string            `json:"scenario"`
	Contestant string            `json:"contestant"`
	Parameters map[string]string `json:"parameters,omitempty"`
	Metric     string            `json:"metric"`
	Unit       string            `json:"unit"`
	Min        float64           `json:"min"`
	Median     float64           `json:"median"`
	Max        float64           `json:"max"`
}

// Results are the rows of a run, in the order in which they were added. The zero value is empty and ready to use.
type Results struct {
	Rows []Row
}

// Add appends a row with the spread of values, of which there must be one at least.
func (r *Results) Add(row Row, values ...float64) {
	s := spread(values)
	row.Min, row.Median, row.Max = s.min, s.median, s.max
	r.Rows = append(r.Rows, row)
}

// metric is a row's part that differs between rows of one measurement.
type metric struct {
	name, unit string
	values     []float64
}

// one is the only value of a metric.
func one(v float64) []float64 { return []float64{v} }

// addAll appends a row for each metric that has values; row says what they have in common.
func (r *Results) addAll(row Row, metrics ...metric) {
	for _, m := range metrics {
		if len(m.values) > 0 {
			row.Metric, row.Unit = m.name, m.unit
			r.Add(row, m.values...)
		}
	}
}

// WriteJSON writes the rows as a JSON array.
func (r *Results) WriteJSON(w io.Writer) error {
	rows := r.Rows
	if rows == nil {
		rows = []Row{}
	}
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(rows); err != nil {
		return fmt.Errorf("write results: %w", err)
	}
	return nil
}

// WriteTable writes the rows for a person to read.
func (r *Results) WriteTable(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "SCENARIO\tCONTESTANT\tPARAMETERS\tMETRIC\tUNIT\tMIN\tMEDIAN\tMAX")
	for _, row := range r.Rows {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", row.Scenario, row.Contestant, parameters(row.Parameters),
			row.Metric, row.Unit, number(row.Min), number(row.Median), number(row.Max))
	}
	if err := t.Flush(); err != nil {
		return fmt.Errorf("write table: %w", err)
	}
	return nil
}

// with returns parameters with one more.
func with(parameters map[string]string, name, value string) map[string]string {
	all := map[string]string{name: value}
	maps.Copy(all, parameters)
	all[name] = value
	return all
}

// parameters renders parameters in the order of their names.
func parameters(p map[string]string) string {
	if len(p) == 0 {
		return "-"
	}
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(p)) {
		parts = append(parts, name+"="+p[name])
	}
	return strings.Join(parts, " ")
}

// number renders a value with three significant digits, large ones without a fraction.
func number(v float64) string {
	switch {
	case v == float64(int64(v)) || v >= 100 || v <= -100:
		return strconv.FormatFloat(v, 'f', 0, 64)
	case v >= 10 || v <= -10:
		return strconv.FormatFloat(v, 'f', 1, 64)
	case v >= 1 || v <= -1:
		return strconv.FormatFloat(v, 'f', 2, 64)
	default:
		return strconv.FormatFloat(v, 'f', 3, 64)
	}
}
