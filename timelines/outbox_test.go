package timelines_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"hotpod.dev/timelines"
	"hotpod.dev/wire"
)

func outbox(t *testing.T, url string) (*timelines.Outbox, *prometheus.Registry) {
	t.Helper()
	r := prometheus.NewRegistry()
	return timelines.NewOutbox(timelines.Config{URL: url, Part: "test", Log: slog.New(slog.DiscardHandler), Registerer: r}), r
}

func counts(t *testing.T, r *prometheus.Registry) map[string]float64 {
	t.Helper()
	families, err := r.Gather()
	if err != nil || len(families) != 1 || families[0].GetName() != "hotpod_test_timelines_total" {
		t.Fatalf("metrics: %v %v", families, err)
	}
	n := map[string]float64{}
	for _, m := range families[0].GetMetric() {
		n[m.GetLabel()[0].GetValue()] = m.GetCounter().GetValue()
	}
	return n
}

func TestOutbox_SendsWhatWasKeptAlsoAtItsEnd(t *testing.T) {
	got := make(chan wire.Timelines, 10)
	logger := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var batch wire.Timelines
		if err := json.NewDecoder(r.Body).Decode(&batch); err != nil || r.URL.Path != wire.PathTimelines {
			t.Errorf("%s: %v", r.URL, err)
		}
		got <- batch
	}))
	defer logger.Close()
	o, registry := outbox(t, logger.URL)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- o.Run(ctx) }()
	o.Keep(wire.Timeline{RequestID: "a", Part: wire.PartEdge})
	o.Keep(wire.Timeline{RequestID: "b"})
	seen := map[string]bool{}
	for len(seen) < 2 {
		for _, one := range (<-got).Timelines {
			seen[one.RequestID] = true
		}
	}
	o.Keep(wire.Timeline{RequestID: "last"})
	stop()
	if batch := <-got; batch.Timelines[0].RequestID != "last" {
		t.Errorf("the last batch is %v", batch)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if n := counts(t, registry); n["sent"] != 3 || n["dropped"] != 0 {
		t.Errorf("counts = %v", n)
	}
}

func TestOutbox_DropsAndCountsWithoutWaiting(t *testing.T) {
	o, registry := outbox(t, "http://127.0.0.1:1")
	for i := range 5000 { // nobody reads
		o.Keep(wire.Timeline{RequestID: fmt.Sprint(i)})
	}
	o.Dropped(7)
	before := counts(t, registry)["dropped"]
	if before < 3000 {
		t.Errorf("%v dropped", before)
	}
	ctx, stop := context.WithCancel(t.Context())
	stop()
	begun := time.Now()
	if err := o.Run(ctx); err != nil || time.Since(begun) > time.Minute {
		t.Errorf("%v after %s", err, time.Since(begun))
	}
	if n := counts(t, registry); n["sent"] != 0 || n["dropped"] <= before {
		t.Errorf("counts = %v after the logger refused", n)
	}
}

func TestOutbox_IsNothingWithoutALogger(t *testing.T) {
	o := timelines.NewOutbox(timelines.Config{})
	o.Keep(wire.Timeline{})
	o.Dropped(1)
	if err := o.Run(t.Context()); o != nil || err != nil {
		t.Errorf("%v, %v", o, err)
	}
}

func TestCheck_KnowsURLs(t *testing.T) {
	for text, good := range map[string]bool{"": true, "http://logger:8080": true, "https://x": true, "logger:8080": false, "http://": false, "tcp://x": false} {
		if err := timelines.Check(text); (err == nil) != good {
			t.Errorf("%q: %v", text, err)
		}
	}
}
