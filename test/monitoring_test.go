package test

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"hotpod.dev/dashboards"
)

var pictures = flag.Bool("pictures", false, "write what the dashboards show into docs/monitoring")

// monitored is a namespace of its own whose functions are called, fail, start cold and spill, while a real Prometheus reads
// every part of the platform.
type monitored struct {
	namespace string
	server    *prometheus
	stop      context.CancelFunc
}

func TestMonitoring(t *testing.T) {
	if shared == nil || shared.cluster {
		t.Skip("needs the embedded platform: run without -short, after make build")
	}
	if _, err := exec.LookPath("prometheus"); err != nil {
		t.Skip("needs prometheus: apt-get install prometheus")
	}
	m := monitor(t)
	if *pictures {
		time.Sleep(40 * time.Second) // something to look at
	}
	ok := t.Run("every query of every dashboard returns data", m.queries)
	t.Run("every rule can be evaluated", m.rules)
	t.Run("what is served is what is documented", m.catalog)
	t.Run("a deleted function has no series", m.deleted)
	if ok && *pictures {
		m.draw(t)
	}
}

// monitor begins it all and ends it with the test.
func monitor(t *testing.T) *monitored {
	t.Helper()
	m := &monitored{namespace: "monitoring-story"}
	m.run(t, "kubectl", "create", "namespace", m.namespace)
	t.Cleanup(func() { _, _ = kubectl("delete", "namespace", m.namespace, "--wait=false") })
	m.server = startPrometheus(t, scraped(t))
	dir := t.TempDir()
	for name, code := range map[string]string{
		"calm.js": `module.exports = async () => ({status: 200, body: "calm\n"})`,
		"slow.js": `module.exports = async (c) => { await new Promise(r => setTimeout(r, 120)); return {status: 200, body: "slow\n"} }`,
		"sick.js": `module.exports = async () => ({status: 500, body: "sick\n"})`,
		"none.js": `this is no program`,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(code), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	m.run(t, "hotpod", "env", "create", "nodejs", "--image", "fission/node-env", "--poolsize", "3")
	create := func(name, code string, more ...string) {
		m.run(t, "hotpod", append([]string{"fn", "create", name, "--env", "nodejs", "--code", filepath.Join(dir, code), "--url", m.path(name)}, more...)...)
	}
	create("calm", "calm.js")
	create("slow", "slow.js", "--requestsperpod", "1", "--concurrency", "2")
	create("sick", "sick.js")
	create("none", "none.js")
	create("own", "calm.js", "--executortype", "newdeploy", "--minscale", "1")
	for i := range late {
		create(fmt.Sprint("late", i), "calm.js")
	}
	ctx, cancel := context.WithCancel(context.Background())
	m.stop = cancel
	t.Cleanup(cancel)
	m.load(ctx)
	return m
}

// late is the number of functions that are called one after another, so that there is always another cold start.
const late = 6

func (m *monitored) path(name string) string { return "/" + m.namespace + "-" + name }

// run runs a command as a user's shell would.
func (m *monitored) run(t *testing.T, program string, args ...string) {
	t.Helper()
	var out []byte
	var err error
	if program == "kubectl" {
		out, err = kubectl(args...)
	} else {
		cmd := exec.Command(filepath.Join(shared.bin, program), args...)
		for key, value := range shared.env {
			cmd.Env = append(cmd.Env, key+"="+value)
		}
		cmd.Env = append(cmd.Env, "FISSION_DEFAULT_NAMESPACE="+m.namespace)
		out, err = cmd.CombinedOutput()
	}
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", program, strings.Join(args, " "), err, out)
	}
}

// load calls the functions until ctx ends.
func (m *monitored) load(ctx context.Context) {
	call := func(name string, pause time.Duration) {
		for ctx.Err() == nil {
			req, _ := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+shared.env["FISSION_ROUTER"]+m.path(name), nil)
			if res, err := client.Do(req); err == nil {
				_ = res.Body.Close()
			}
			wait(ctx, pause)
		}
	}
	go call("calm", 30*time.Millisecond)
	go call("sick", 100*time.Millisecond)
	go call("none", time.Second)
	go call("own", 200*time.Millisecond)
	for range 6 {
		go call("slow", 10*time.Millisecond)
	}
	go func() {
		for i := 0; i < late && wait(ctx, 4*time.Second); i++ {
			go call(fmt.Sprint("late", i), time.Second)
		}
	}()
}

// wait returns false when ctx ended first.
func wait(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

// variables stand for what a reader chooses; the window is a short one, so that the test need not wait.
func (m *monitored) variables(expr string) string {
	return strings.NewReplacer(
		`=~"$namespace"`, `=~".*"`, `=~"$function"`, `=~".*"`, `=~"$environment"`, `=~".*"`,
		"$namespace", m.namespace, "$function", "slow", "$__rate_interval", "20s",
	).Replace(expr)
}

// queries runs every query until each has returned data.
func (m *monitored) queries(t *testing.T) {
	missing := map[string]string{}
	for _, d := range dashboards.All() {
		for _, p := range d.Panels {
			for _, target := range p.Targets {
				missing[target.Expr] = d.Title + ", " + p.Title
			}
		}
	}
	all := len(missing)
	deadline := time.Now().Add(2 * time.Minute)
	for i := 0; time.Now().Before(deadline) && len(missing) > 0; i++ {
		time.Sleep(time.Second)
		if i%5 == 0 { // routes come and go
			m.run(t, "hotpod", "route", "create", "--method", "GET", "--url", m.path(fmt.Sprint("more", i)), "--function", "calm")
		}
		for expr := range missing {
			series, err := m.server.query(m.variables(expr), 5*time.Minute)
			if err != nil {
				t.Fatalf("%s: %v\n%s", missing[expr], err, m.variables(expr))
			}
			if slices.ContainsFunc(series, func(s dashboards.Series) bool { _, ok := s.Last(); return ok }) {
				delete(missing, expr)
			}
		}
	}
	for expr, where := range missing {
		t.Errorf("%s returns nothing:\n%s", where, m.variables(expr))
	}
	t.Logf("%d queries", all)
}

// rules has Prometheus evaluate the alerts' expressions, the way they are installed.
func (m *monitored) rules(t *testing.T) {
	rules := dashboards.Alerts()
	for _, a := range rules {
		if _, err := m.server.query(a.Expr, time.Minute); err != nil {
			t.Errorf("%s: %v\n%s", a.Name, err, a.Expr)
		}
	}
}

// catalog compares what the parts serve with what is promised of them.
func (m *monitored) catalog(t *testing.T) {
	promised := map[string]dashboards.Metric{}
	for _, c := range dashboards.Catalog() {
		promised[c.Name] = c
	}
	served, err := m.server.metadata()
	if err != nil {
		t.Fatal(err)
	}
	for name, s := range served {
		if !strings.HasPrefix(name, "hotpod_") && !strings.HasPrefix(name, "fission_") {
			continue
		}
		p, ok := promised[name]
		delete(promised, name)
		switch {
		case !ok:
			t.Errorf("%s is served and not documented: add it to dashboards/metrics.txt\n%s|%s||%s|%s", name, name, s.Type, "?", s.Help)
		case p.Type != s.Type || p.Help != s.Help:
			t.Errorf("%s is served as\n%s: %s\nand documented as\n%s: %s", name, s.Type, s.Help, p.Type, p.Help)
		default:
			m.labels(t, p)
		}
	}
	for _, d := range dashboards.All() {
		for _, name := range d.Metrics() {
			if _, ok := served[name]; !ok && !promised[name].Rare {
				t.Errorf("%s reads %s, which nobody serves", d.Title, name)
			}
		}
	}
	for name, p := range promised {
		if !p.Rare && !strings.HasPrefix(name, "hotpod_queueproxy_") { // which Prometheus does not read
			t.Errorf("%s is documented and not served", name)
		}
	}
}

// labels compares a metric's labels with those that are promised.
func (m *monitored) labels(t *testing.T, p dashboards.Metric) {
	t.Helper()
	suffix := ""
	if p.Type == "histogram" {
		suffix = "_count"
	}
	series, err := m.server.raw(fmt.Sprintf("count_over_time(%s%s[5m])", p.Name, suffix))
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range series {
		for l := range s {
			if !slices.Contains(append([]string{"__name__", "part", "pod", "job", "instance"}, p.Labels...), l) {
				t.Errorf("%s has label %s, which is not documented", p.Name, l)
			}
		}
		for _, l := range p.Labels {
			if _, ok := s[l]; !ok {
				t.Errorf("%s lacks label %s: %v", p.Name, l, s)
			}
		}
	}
}

// deleted waits until nothing is served of a function that is gone.
func (m *monitored) deleted(t *testing.T) {
	expr := fmt.Sprintf(`count({function_namespace=%q, function="late0"})`, m.namespace)
	m.until(t, expr, 1)
	m.run(t, "hotpod", "fn", "delete", "late0")
	m.until(t, expr, 0)
}

// until waits until an expression has so many series.
func (m *monitored) until(t *testing.T, expr string, n int) {
	t.Helper()
	deadline := time.Now().Add(time.Minute)
	for {
		series, err := m.server.raw(expr)
		if err != nil {
			t.Fatal(err)
		}
		if len(series) == n {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s has %d series after a minute, want %d: %v", expr, len(series), n, series)
		}
		time.Sleep(200 * time.Millisecond)
	}
}

// draw writes pictures of what the dashboards showed.
func (m *monitored) draw(t *testing.T) {
	t.Helper()
	for _, d := range dashboards.All() {
		var out bytes.Buffer
		err := dashboards.Draw(&out, d, func(p dashboards.Panel) []dashboards.Series {
			var all []dashboards.Series
			for _, target := range p.Targets {
				series, err := m.server.named(m.variables(target.Expr), target.LegendFormat, 2*time.Minute)
				if err != nil {
					t.Fatal(err)
				}
				all = append(all, series...)
			}
			return all
		})
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join("..", "docs", "monitoring", strings.TrimPrefix(d.UID, "hotpod-")+".svg")
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, out.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// scraped returns the parts that ask to be read, as the annotations of their pods say: pod, part, address.
func scraped(t *testing.T) [][3]string {
	t.Helper()
	out, err := kubectl("get", "pods", "-n", "fission", "-o", "json")
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	var pods struct {
		Items []struct {
			Metadata struct {
				Name                string
				Labels, Annotations map[string]string
			}
			Status struct{ PodIP string }
		}
	}
	if err := json.Unmarshal(out, &pods); err != nil {
		t.Fatal(err)
	}
	var all [][3]string
	for _, p := range pods.Items {
		if a := p.Metadata.Annotations; a["prometheus.io/scrape"] == "true" {
			all = append(all, [3]string{p.Metadata.Name, p.Metadata.Labels["hotpod.dev/component"], p.Status.PodIP + ":" + a["prometheus.io/port"]})
		}
	}
	if len(all) < 6 {
		t.Fatalf("only %d pods are to be read: %v", len(all), all)
	}
	return all
}
