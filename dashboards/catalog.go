package dashboards

import (
	_ "embed"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Metric is what is promised of one metric.
type Metric struct {
	Name string
	// Type is counter, gauge, histogram or summary.
	Type   string
	Labels []string
	// Part serves it, "a, b" when several do.
	Part string
	// Help is what the part itself says; it is served with the metric.
	Help string
	// Rare metrics are served only after something that a healthy platform does not do in a minute.
	Rare bool
}

//go:embed metrics.txt
var list string

// Catalog returns every metric of our own, by name.
func Catalog() []Metric {
	var all []Metric
	for line := range strings.Lines(list) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		f := strings.SplitN(line, "|", 5)
		if len(f) != 5 {
			panic(fmt.Sprintf("metrics.txt: %q has not five fields", line)) // a test reads them all
		}
		kind, rare := strings.CutSuffix(f[1], "?")
		m := Metric{Name: f[0], Type: kind, Rare: rare, Part: f[3], Help: f[4]}
		if f[2] != "" {
			m.Labels = strings.Split(f[2], ",")
		}
		all = append(all, m)
	}
	slices.SortFunc(all, func(a, b Metric) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// Unit is what a metric's values are, as its name says.
func (m Metric) Unit() string {
	name := strings.TrimSuffix(m.Name, "_total")
	for _, u := range [...]struct{ suffix, unit string }{
		{"_timestamp_seconds", "Unix time in seconds"}, {"_seconds", "seconds"}, {"_bytes", "bytes"}, {"_per_second", "per second"},
	} {
		if strings.HasSuffix(name, u.suffix) {
			return u.unit
		}
	}
	return "number"
}

var named = regexp.MustCompile(`\b(?:hotpod|fission|envoy|process|go)_\w+`)

// Metrics returns the names of the metrics that the dashboard reads, without the suffixes of histograms.
func (d Dashboard) Metrics() []string {
	var all []string
	for _, p := range d.Panels {
		for _, t := range p.Targets {
			all = append(all, metricsOf(t.Expr)...)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// metricsOf returns the metrics of an expression. Labels of Envoy's begin as its metrics do; they stand before an operator.
func metricsOf(expr string) (all []string) {
	for _, at := range named.FindAllStringIndex(expr, -1) {
		name := expr[at[0]:at[1]]
		if rest := strings.TrimLeft(expr[at[1]:], " "); strings.HasPrefix(rest, "=") || strings.HasPrefix(rest, ")") && strings.HasPrefix(name, "envoy_response") {
			continue
		}
		all = append(all, strings.TrimSuffix(strings.TrimSuffix(name, "_bucket"), "_count"))
	}
	return all
}
