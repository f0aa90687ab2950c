package autoscaler

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"hotpod.dev/autoscaler/law"
	"hotpod.dev/internal/golden"
	"hotpod.dev/wire"
)

func TestMetrics_NamesAreThoseThatWereReadLast(t *testing.T) {
	golden.Run(t, "testdata/metrics.txtar", func(t *testing.T, _ map[string][]byte) []golden.File {
		t.Helper()
		r := prometheus.NewRegistry()
		a := New(Config{Registerer: r})
		f := a.record(idOf(hello()))
		f.object, f.totals = hello(), &totals{requests: [6]uint64{2: 1}, refused: 1, claimed: 1}
		f.totals.end(wire.Ended{Cold: 1, Spilled: 1, Failed: [...]uint64{1, 0, 0, 0}})
		f.spec = specOf(f.object, law.BuiltIn())
		f.changed = time.Unix(1, 0)
		a.activate(f)
		a.metrics.claim(nil, 0)
		a.metrics.decisions.WithLabelValues("Demand")
		families, err := r.Gather()
		if err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		for _, m := range families {
			var labels []string
			for _, s := range m.GetMetric() {
				for _, l := range s.GetLabel() {
					if !slices.Contains(labels, l.GetName()) {
						labels = append(labels, l.GetName())
					}
				}
			}
			fmt.Fprintf(&out, "%s %s {%s}: %s\n", m.GetName(), strings.ToLower(m.GetType().String()), strings.Join(labels, ","), m.GetHelp())
		}
		return []golden.File{{Name: "metrics", Data: out.Bytes()}}
	})
}
