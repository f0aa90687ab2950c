package activator

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"hotpod.dev/internal/golden"
	"hotpod.dev/wire"
)

func TestMetrics_NamesAreThoseThatWereReadLast(t *testing.T) {
	golden.Run(t, "testdata/metrics.txtar", func(t *testing.T, _ map[string][]byte) []golden.File {
		t.Helper()
		r := prometheus.NewRegistry()
		newTest(t, func(c *Config) { c.Registerer = r })
		families, err := r.Gather()
		if err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		for _, m := range families {
			var values []string
			for _, s := range m.GetMetric() {
				for _, l := range s.GetLabel() {
					values = append(values, l.GetName()+"="+l.GetValue())
				}
			}
			fmt.Fprintf(&out, "%s %s {%s}: %s\n", m.GetName(), strings.ToLower(m.GetType().String()), strings.Join(values, " "), m.GetHelp())
		}
		return []golden.File{{Name: "metrics", Data: out.Bytes()}}
	})
}

func TestMetrics_CountHowRequestsEndAndWhatPodsSaid(t *testing.T) {
	r := prometheus.NewRegistry()
	a, c := newTest(t, func(c *Config) { c.Registerer, c.Depth = r, 1 }), newCluster()
	down := c.add("down", 1, lasting(0))
	down.down = true
	x, done := serving(a, c)
	for a.waiting() != 1 {
		waitABit()
	}
	a.Serve(request(c)) // beyond the depth
	gone := request(c)
	gone.id.UID = "another"
	close(gone.gone)
	a.Serve(gone)
	a.placed(placement(1, down, c.add("a", 1, lasting(0))))
	<-done
	if !x.answered {
		t.Fatalf("failed with %v", x.failed)
	}
	a.Serve(&fakeExchange{noID: "x", id: wire.FunctionID{}})
	want := `
# HELP hotpod_activator_requests_total Requests by how they ended.
# TYPE hotpod_activator_requests_total counter
hotpod_activator_requests_total{result="answered"} 1
hotpod_activator_requests_total{result="broken"} 0
hotpod_activator_requests_total{result="capacity_exceeded"} 1
hotpod_activator_requests_total{result="gone"} 1
hotpod_activator_requests_total{result="hold_timeout"} 0
hotpod_activator_requests_total{result="invalid"} 1
hotpod_activator_requests_total{result="unavailable"} 0
# HELP hotpod_activator_waiting_requests Requests that no pod has.
# TYPE hotpod_activator_waiting_requests gauge
hotpod_activator_waiting_requests 0
# HELP hotpod_activator_placements_total Placements received from the autoscaler.
# TYPE hotpod_activator_placements_total counter
hotpod_activator_placements_total 1
`
	if err := testutil.GatherAndCompare(r, strings.NewReader(want),
		"hotpod_activator_requests_total", "hotpod_activator_waiting_requests", "hotpod_activator_placements_total"); err != nil {
		t.Error(err)
	}
	if n, err := testutil.GatherAndCount(r, "hotpod_activator_hold_duration_seconds"); err != nil || n != 1 {
		t.Errorf("%d series of hold, %v", n, err)
	}
}
