package perf

import (
	"context"
	"net"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// build compiles commands of this module into a folder.
func build(t *testing.T, commands ...string) string {
	t.Helper()
	if testing.Short() {
		t.Skip("builds and starts programs; run without -short")
	}
	dir := t.TempDir()
	args := []string{"build", "-o", dir + string(filepath.Separator)}
	for _, c := range commands {
		args = append(args, "hotpod.dev/cmd/"+c)
	}
	if out, err := exec.CommandContext(t.Context(), "go", args...).CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	return dir
}

// tiny are options that show that a contest works, and nothing else.
func tiny(programs string) Config {
	return Config{Programs: programs, Contest: ContestOptions{Duration: 100 * time.Millisecond, Repeats: 1, Starts: 1, Only: true}}
}

// backendHere serves b at an address of the test's own.
func backendHere(t *testing.T, b *backend) string {
	t.Helper()
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); b.serve(ctx, lis) }()
	t.Cleanup(func() { cancel(); <-done })
	return lis.Addr().String()
}

// find returns the only row that a pick names.
func find(t *testing.T, r *Results, contestant, metric string, parameters map[string]string) float64 {
	t.Helper()
	p := Pick{Scenario: r.Rows[0].Scenario, Contestant: contestant, Metric: metric, Parameters: parameters}
	v, ok := p.find(r.Rows)
	if !ok {
		t.Errorf("no single row for %+v", p)
	}
	return v
}

func TestContest_EntrantsTakeTurnsAndAreStopped(t *testing.T) {
	address := backendHere(t, &backend{})
	var order []string
	inside := 0
	enter := func(name string) func(context.Context) (*entry, error) {
		return func(context.Context) (*entry, error) {
			order = append(order, name)
			if inside++; inside > 1 {
				t.Error("two entrants at a time")
			}
			return &entry{address: address, path: "/", stop: func() { inside-- }}, nil
		}
	}
	c := contest{
		scenario: "s", repeats: 3, duration: 50 * time.Millisecond, log: quiet(), courses: []course{{1, 0}, {2, 1000}},
		entrants: []entrant{{name: "a", enter: enter("a")}, {name: "b", enter: enter("b"), parameters: limited(3)}},
	}
	var r Results
	if err := c.run(t.Context(), &r); err != nil {
		t.Fatal(err)
	}
	if got := len(order); got != 6 || order[0] != "a" || order[2] != "b" || order[4] != "a" || inside != 0 {
		t.Errorf("order %v, %d left", order, inside)
	}
	if v := find(t, &r, "b", "throughput", map[string]string{"limit": "3", "connections": "2", "body": "1 kB"}); v <= 0 {
		t.Errorf("throughput %v", v)
	}
	find(t, &r, "b", "latency_p99_added", map[string]string{"connections": "1", "body": "0 B"})
	if v := find(t, &r, "a", "failures", nil); v != 0 {
		t.Errorf("%v failures", v)
	}
}

func TestContest_AFaultNamesTheEntrantAndStopsIt(t *testing.T) {
	stopped := false
	c := contest{
		scenario: "s", repeats: 1, duration: time.Millisecond, log: quiet(), courses: []course{{1, 0}},
		entrants: []entrant{{name: "nobody", enter: func(context.Context) (*entry, error) {
			return &entry{address: "127.0.0.1:1", stop: func() { stopped = true }}, nil
		}}},
	}
	err := c.run(t.Context(), &Results{})
	if err == nil || !contains(err.Error(), "nobody") || !stopped {
		t.Error(err, stopped)
	}
}

func TestQueueProxy_MeasuresTheShippedProgram(t *testing.T) {
	q := &queueProxies{config: tiny(build(t, "queueproxy")), backend: backendHere(t, &backend{}), ip: "127.212.0.1"}
	var r Results
	if err := q.contest(t.Context(), &r, quiet()); err != nil {
		t.Fatal(err)
	}
	for _, limit := range []string{"0", "10"} {
		at := map[string]string{"limit": limit, "connections": "64", "body": "1 kB"}
		if v := find(t, &r, nameOurs, "throughput", at); v <= 0 {
			t.Errorf("limit %s: throughput %v", limit, v)
		}
		if v := find(t, &r, nameOurs, "failures", map[string]string{"limit": limit}); v != 0 {
			t.Errorf("limit %s: %v failures", limit, v)
		}
		if v := find(t, &r, nameOurs, "anonymous_rest", map[string]string{"limit": limit}); v <= 0 || v > 50 {
			t.Errorf("limit %s: %v MiB", limit, v)
		}
	}
	if v := find(t, &r, nameOurs, "ready", nil); v <= 0 {
		t.Errorf("ready after %v", v)
	}
}
