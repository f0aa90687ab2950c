package test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"sigs.k8s.io/yaml"

	"hotpod.dev/dashboards"
)

// prometheus is a running Prometheus.
type prometheus struct{ url string }

// startPrometheus starts one that reads the parts once a second, and stops it with the test.
func startPrometheus(t *testing.T, parts [][3]string) *prometheus {
	t.Helper()
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := lis.Addr().String()
	_ = lis.Close()
	var config bytes.Buffer
	config.WriteString("global: {scrape_interval: 1s, scrape_timeout: 1s}\nscrape_configs:\n- job_name: hotpod\n  static_configs:\n")
	for _, p := range parts {
		fmt.Fprintf(&config, "  - {targets: [%q], labels: {pod: %q, part: %q}}\n", p[2], p[0], p[1])
	}
	fmt.Fprintf(&config, "  metric_relabel_configs: [{action: drop, source_labels: [__name__], regex: %q}]\n", dropped(t))
	dir := t.TempDir()
	file := filepath.Join(dir, "prometheus.yaml")
	if err := os.WriteFile(file, config.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	cmd := exec.Command("prometheus", "--config.file="+file, "--storage.tsdb.path="+filepath.Join(dir, "data"), "--web.listen-address="+address, "--log.level=warn")
	cmd.Stdout, cmd.Stderr, cmd.Dir = &log, &log, dir
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		_ = cmd.Wait()
	})
	p := &prometheus{url: "http://" + address}
	deadline := time.Now().Add(time.Minute)
	for {
		if res, err := client.Get(p.url + "/-/ready"); err == nil {
			_ = res.Body.Close()
			if res.StatusCode == http.StatusOK {
				return p
			}
		}
		if time.Now().After(deadline) {
			t.Fatalf("prometheus is not ready after a minute:\n%s", log.String())
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// dropped is what the installed PodMonitor has Prometheus drop.
func dropped(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../manifests/monitoring/operator/podmonitor.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var monitor struct {
		Spec struct {
			PodMetricsEndpoints []struct {
				MetricRelabelings []struct{ Regex string } `json:"metricRelabelings"`
			} `json:"podMetricsEndpoints"`
		} `json:"spec"`
	}
	if err := yaml.Unmarshal(text, &monitor); err != nil {
		t.Fatal(err)
	}
	return monitor.Spec.PodMetricsEndpoints[0].MetricRelabelings[0].Regex
}

// get calls the API and reads the data of its answer into v.
func (p *prometheus) get(path string, query url.Values, v any) error {
	res, err := client.Get(p.url + path + "?" + query.Encode())
	if err != nil {
		return err
	}
	defer res.Body.Close()
	var answer struct {
		Status, Error string
		Data          json.RawMessage
	}
	if err := json.NewDecoder(res.Body).Decode(&answer); err != nil {
		return err
	}
	if answer.Status != "success" {
		return fmt.Errorf("%s: %s", path, answer.Error)
	}
	return json.Unmarshal(answer.Data, v)
}

type matrix struct {
	Result []struct {
		Metric map[string]string
		Values [][2]any
	}
}

// query evaluates an expression over the last span of time.
func (p *prometheus) query(expr string, span time.Duration) ([]dashboards.Series, error) {
	return p.named(expr, "", span)
}

// named calls each series as the legend says, in Grafana's way.
func (p *prometheus) named(expr, legend string, span time.Duration) ([]dashboards.Series, error) {
	now := time.Now()
	var m matrix
	err := p.get("/api/v1/query_range", url.Values{
		"query": {expr}, "start": {stamp(now.Add(-span))}, "end": {stamp(now)}, "step": {"2"},
	}, &m)
	if err != nil {
		return nil, err
	}
	var all []dashboards.Series
	for _, r := range m.Result {
		s := dashboards.Series{Name: placeholder.ReplaceAllStringFunc(legend, func(l string) string { return r.Metric[strings.Trim(l, "{}")] })}
		for _, v := range r.Values {
			value, err := strconv.ParseFloat(v[1].(string), 64)
			if err != nil {
				return nil, err
			}
			s.Times, s.Values = append(s.Times, v[0].(float64)), append(s.Values, value)
		}
		all = append(all, s)
	}
	slices.SortFunc(all, func(a, b dashboards.Series) int { return strings.Compare(a.Name, b.Name) })
	return all, nil
}

var placeholder = regexp.MustCompile(`\{\{\w+\}\}`)

// raw returns the labels of the series that an expression has now.
func (p *prometheus) raw(expr string) ([]map[string]string, error) {
	var m matrix
	if err := p.get("/api/v1/query", url.Values{"query": {expr}}, &m); err != nil {
		return nil, err
	}
	var all []map[string]string
	for _, r := range m.Result {
		all = append(all, r.Metric)
	}
	return all, nil
}

// described is what a part says of a metric.
type described struct{ Type, Help string }

// metadata returns what the parts say of the metrics that they serve.
func (p *prometheus) metadata() (map[string]described, error) {
	var m map[string][]described
	if err := p.get("/api/v1/metadata", nil, &m); err != nil {
		return nil, err
	}
	all := map[string]described{}
	for name, d := range m {
		if len(d) != 1 && strings.HasPrefix(name, "hotpod_") {
			return nil, fmt.Errorf("parts say different things of %s: %v", name, d)
		}
		// OpenMetrics names a counter's family without its suffix.
		if !strings.HasPrefix(name, "envoy_") && d[0].Type == "counter" && !strings.HasSuffix(name, "_total") {
			name += "_total"
		}
		all[name] = d[0]
	}
	return all, nil
}

func stamp(t time.Time) string { return strconv.FormatFloat(float64(t.UnixMilli())/1000, 'f', 3, 64) }
