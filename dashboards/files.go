package dashboards

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"
)

// Files returns everything that is generated, by path from the repository's root.
func Files() (map[string][]byte, error) {
	files := map[string][]byte{"docs/metrics.md": Document()}
	for _, d := range All() {
		data, err := json.MarshalIndent(d, "", "  ")
		if err != nil {
			return nil, fmt.Errorf("write dashboard %s: %w", d.UID, err)
		}
		files["manifests/monitoring/dashboards/"+strings.TrimPrefix(d.UID, "hotpod-")+".json"] = append(data, '\n')
	}
	rules, err := yaml.Marshal(PrometheusRule())
	if err != nil {
		return nil, fmt.Errorf("write rules: %w", err)
	}
	files["manifests/monitoring/operator/rules.yaml"] = append([]byte("# Made by go generate ./dashboards.\n"), rules...)
	return files, nil
}

// Document returns the list of metrics as Markdown.
func Document() []byte {
	var b bytes.Buffer
	b.WriteString(`# Metrics

<!-- Made by go generate ./dashboards from dashboards/metrics.txt. A test compares it with what the running platform serves. -->

Every part serves its metrics at ` + "`:8080/metrics`" + `; [monitoring.md](monitoring.md) says how to collect them. The names and labels below do
not change within a major version. No label is one that Prometheus gives to targets (` + "`namespace`, `pod`, `job`" + `, …): a function is
` + "`function_namespace` and `function`" + `, an environment ` + "`environment_namespace` and `environment`" + `.

A function that was never called has no series. An idle one has only its counters, those that are not zero. The series of a deleted
function vanish. So 10,000 functions, of which 2,000 were called and 100 are live, are about 15,000 series (a test keeps it so).

`)
	parts := map[string][]Metric{}
	for _, m := range Catalog() {
		group := m.Part
		switch {
		case strings.HasPrefix(m.Name, "hotpod_function_"):
			group = "functions (by the autoscaler)"
		case strings.HasPrefix(m.Name, "fission_"):
			group = "functions under Fission's names (by the autoscaler)"
		case strings.HasPrefix(m.Name, "hotpod_pool_"), strings.HasPrefix(m.Name, "hotpod_dedicated_"):
			group = "pools (by the autoscaler)"
		}
		parts[group] = append(parts[group], m)
	}
	for _, g := range slices.Sorted(maps.Keys(parts)) {
		section(&b, g, parts[g])
	}
	foreign(&b)
	return b.Bytes()
}

var notes = map[string]string{ //nolint:gochecknoglobals // a constant table
	"functions under Fission's names (by the autoscaler)": "Switched off by the autoscaler's `--fission-metrics=false`. `code` is the class of " +
		"the status (`2xx`, which `code=~\"2..\"` matches), and there are no `path` and `method`: nothing counts requests one by one.",
	"queue-proxy": "Served on the queue-proxy's control port to signed calls only; Prometheus does not read it. Its counters reach the " +
		"autoscaler as reports and become `hotpod_function_…`, which outlive the pod.",
	"pools (by the autoscaler)": "`hotpod_pool_…` are of environments' pools of warm pods, `hotpod_dedicated_…` of the pods of functions' own " +
		"(executor types `newdeploy` and `container`).",
}

func section(b *bytes.Buffer, title string, metrics []Metric) {
	fmt.Fprintf(b, "## %s\n\n", strings.ToUpper(title[:1])+title[1:])
	if n := notes[title]; n != "" {
		fmt.Fprintf(b, "%s\n\n", n)
	}
	b.WriteString("| metric | type | unit | labels | meaning |\n| --- | --- | --- | --- | --- |\n")
	for _, m := range metrics {
		labels := strings.Join(m.Labels, "`, `")
		if labels != "" {
			labels = "`" + labels + "`"
		}
		fmt.Fprintf(b, "| `%s` | %s | %s | %s | %s |\n", m.Name, m.Type, m.Unit(), labels, m.Help)
	}
	b.WriteString("\n")
}

// foreign tells of metrics that are not ours.
func foreign(b *bytes.Buffer) {
	used := map[string]bool{}
	for _, d := range All() {
		for _, name := range d.Metrics() {
			if strings.HasPrefix(name, "envoy_") {
				used[name] = true
			}
		}
	}
	names := make([]string, 0, len(used))
	for name := range used {
		names = append(names, "`"+name+"`")
	}
	slices.Sort(names)
	fmt.Fprintf(b, `## Others

Every part but the router serves Go's and the process's own metrics (%[1]sgo_…%[1]s, %[1]sprocess_…%[1]s). The router serves Envoy's,
whose number does not depend on the functions: statistics of their clusters are off. What is known of a function is in
%[1]shotpod_function_…%[1]s: requests and durations from its pods, cold, spilled and failed requests from the activators. The dashboards read
these of Envoy's: %[2]s.
`, "`", strings.Join(names, ", "))
}
