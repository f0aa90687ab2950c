package perf

import (
	"bytes"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"hotpod.dev/internal/envoytest"
)

func TestRoutes_MeasuresWhatItPromises(t *testing.T) {
	c := Config{Envoy: envoytest.Path(t), Routes: RoutesOptions{
		Sizes: "30", Updates: 3, Called: 20, Starts: 2, Duration: 20 * time.Millisecond,
		IPs: [2]string{envoytest.Address(t), envoytest.Address(t)},
	}}
	var r Results
	if err := Routes(t.Context(), c, &r, slog.New(slog.NewTextHandler(t.Output(), nil))); err != nil {
		t.Fatal(err)
	}
	metrics := map[string]float64{}
	for _, row := range r.Rows {
		metrics[row.Metric] = row.Median
		if row.Scenario != "routes" || row.Contestant != nameOurs || row.Parameters["routes"] != "30" || row.Min > row.Median || row.Median > row.Max {
			t.Errorf("%+v", row)
		}
	}
	for _, name := range []string{
		"xds_heap_per_route", "serving_after_start", "envoy_resident", "new_route", "pod_change",
		"throughput_of_the_first", "throughput_of_the_last", "envoy_resident_all_called",
	} {
		if metrics[name] <= 0 {
			t.Errorf("%s is %v", name, metrics[name])
		}
	}
	if metrics["failures_of_first_calls"] != 0 {
		t.Errorf("%v first calls failed", metrics["failures_of_first_calls"])
	}
}

func TestRoutesFlags_RefuseWhatCannotBe(t *testing.T) {
	for _, flag := range []string{"--sizes=", "--sizes=0", "--sizes=many", "--sizes=1000000", "--updates=0", "--called=0", "--routes-load=0s"} {
		var out bytes.Buffer
		if _, err := ParseConfig([]string{"routes", flag}, func(string) string { return "" }, &out); err == nil || !strings.Contains(err.Error(), strings.TrimLeft(strings.Split(flag, "=")[0], "-")) {
			t.Errorf("%s: %v", flag, err)
		}
	}
	c, err := ParseConfig([]string{"routes", "--sizes=5,7"}, func(string) string { return "" }, &bytes.Buffer{})
	if err != nil {
		t.Fatal(err)
	}
	if sizes, err := c.Routes.sizes(); err != nil || !slices.Equal(sizes, []int{5, 7}) {
		t.Errorf("%v %v", sizes, err)
	}
}
