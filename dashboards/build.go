package dashboards

import "fmt"

// tag is what all our dashboards have, and by which they link to one another.
const tag = "hotpod"

// query is an expression and how its series are called.
type query struct{ expr, legend string }

// panel is a picture before it has a place.
type panel struct {
	kind, title, unit, about string
	queries                  []query
}

// graph shows series over time.
func graph(title, unit, about string, queries ...query) panel {
	return panel{"timeseries", title, unit, about, queries}
}

// stat shows one number.
func stat(title, unit, about, expr string) panel {
	return panel{"stat", title, unit, about, []query{{expr, title}}}
}

// row is a headline and the panels below it, side by side.
type row struct {
	title  string
	panels []panel
}

// source is the data source that the reader chooses.
func source() Datasource { return Datasource{Type: "prometheus", UID: "${datasource}"} }

// board puts rows of panels below one another.
func board(uid, title, about string, variables []Variable, rows ...row) Dashboard {
	d := Dashboard{
		UID: "hotpod-" + uid, Title: "Hotpod / " + title, Description: about, Tags: []string{tag}, SchemaVersion: 41,
		Editable: true, GraphTooltip: 1, Refresh: "30s", Time: TimeRange{From: "now-1h", To: "now"},
		Templating: Templating{List: append([]Variable{{Name: "datasource", Label: "Data source", Type: "datasource", Query: "prometheus"}}, variables...)},
		Links: []Link{{
			Title: "Hotpod", Type: "dashboards", Icon: "external link", Tags: []string{tag}, AsDropdown: true, IncludeVars: true, KeepTime: true,
		}},
	}
	y := 0
	for _, r := range rows {
		y = d.add(r, y)
	}
	return d
}

// add places a row at height y and returns where the next begins.
func (d *Dashboard) add(r row, y int) int {
	open := false
	d.Panels = append(d.Panels, Panel{
		ID: len(d.Panels) + 1, Type: "row", Title: r.title, GridPos: GridPos{H: 1, W: 24, Y: y}, Collapsed: &open, Panels: []Panel{},
	})
	y++
	width, height := 24/min(len(r.panels), 4), 8
	if r.panels[0].kind == "stat" {
		width, height = 24/len(r.panels), 4
	}
	for i, p := range r.panels {
		perLine := 24 / width
		d.Panels = append(d.Panels, p.place(len(d.Panels)+1, GridPos{H: height, W: width, X: i % perLine * width, Y: y + i/perLine*height}))
	}
	perLine := 24 / width
	return y + (len(r.panels)+perLine-1)/perLine*height
}

func (p panel) place(id int, at GridPos) Panel {
	s := source()
	out := Panel{
		ID: id, Type: p.kind, Title: p.title, Description: p.about, GridPos: at, Datasource: &s,
		FieldConfig: &FieldConfig{Defaults: FieldDefaults{Unit: p.unit}, Overrides: []struct{}{}},
	}
	for i, q := range p.queries {
		out.Targets = append(out.Targets, Target{
			RefID: string(rune('A' + i)), Datasource: s, Expr: q.expr, LegendFormat: q.legend, Range: true, EditorMode: "code",
		})
	}
	if p.kind == "stat" {
		out.Options = &Options{
			ColorMode: "value", GraphMode: "area", ReduceOptions: &ReduceOptions{Calcs: []string{"lastNotNull"}},
		}
		return out
	}
	out.FieldConfig.Defaults.Custom = &Custom{DrawStyle: "line", LineWidth: 1, FillOpacity: 10, ShowPoints: "never", SpanNulls: true}
	out.Options = &Options{
		Legend:  &Legend{DisplayMode: "list", Placement: "bottom", ShowLegend: true, Calcs: []string{}},
		Tooltip: &Tooltip{Mode: "multi", Sort: "desc"},
	}
	return out
}

// choice is a variable of a label's values.
func choice(name, label, of string, many bool) Variable {
	s := source()
	v := Variable{Name: name, Label: label, Type: "query", Query: "label_values(" + of + ")", Datasource: &s, Refresh: 2, Sort: 1}
	if many {
		v.Multi, v.IncludeAll, v.AllValue = true, true, ".*"
	}
	return v
}

// rate is the increase per second of a counter's series, added up by labels; a counter that never counted is nothing.
func rate(by, series string) string {
	if by == "" {
		return fmt.Sprintf("sum(rate(%s[$__rate_interval])) or vector(0)", series)
	}
	return fmt.Sprintf("sum by (%s) (rate(%s[$__rate_interval]))", by, series)
}

// failures are those of functions per second that the platform answered, and that Envoy itself did, by labels.
func failures(by, matchers string) string {
	both := fmt.Sprintf("rate(hotpod_function_failures_total{%[1]s}[$__rate_interval]) or rate(hotpod_xds_function_failures_total{%[1]s}[$__rate_interval])", matchers)
	if by == "" {
		return "sum(" + both + ") or vector(0)"
	}
	return fmt.Sprintf("sum by (%s) (%s)", by, both)
}

// quantile of a histogram's times, named without _bucket, by labels.
func quantile(q float64, by, name, matchers string) string {
	if by != "" {
		by = ", " + by
	}
	return fmt.Sprintf("histogram_quantile(%g, sum by (le%s) (rate(%s_bucket{%s}[$__rate_interval])))", q, by, name, matchers)
}

// quantiles are the usual three lines of a histogram.
func quantiles(name, matchers string) []query {
	return []query{
		{quantile(.5, "", name, matchers), "p50"}, {quantile(.95, "", name, matchers), "p95"}, {quantile(.99, "", name, matchers), "p99"},
	}
}

// orZero is for sums whose series exist only after the first event.
func orZero(expr string) string { return "(" + expr + ") or vector(0)" }
