package perf

import (
	"encoding/json"
	"testing"
)

func TestFootprint_SumsTheComponentsPodsAndNobodyElses(t *testing.T) {
	var told summary
	text := `{"pods": [
		{"podRef": {"name": "xds-1", "namespace": "fission"}, "containers": [{"memory": {"workingSetBytes": 10485760, "rssBytes": 5242880}}]},
		{"podRef": {"name": "xds-2", "namespace": "fission"}, "containers": [{"memory": {"workingSetBytes": 1048576, "rssBytes": 1048576}}]},
		{"podRef": {"name": "xds-1", "namespace": "other"}, "containers": [{"memory": {"workingSetBytes": 1048576}}]},
		{"podRef": {"name": "stranger", "namespace": "fission"}, "containers": [{"memory": {"workingSetBytes": 1048576}}]}]}`
	if err := json.Unmarshal([]byte(text), &told); err != nil {
		t.Fatal(err)
	}
	found := map[string]footprint{}
	told.sum(map[string]string{"xds-1": "xds", "xds-2": "xds"}, found)
	if want := (footprint{component: "xds", pods: 2, workingSet: 11, anonymous: 6}); len(found) != 1 || found["xds"] != want {
		t.Errorf("%+v, want %+v", found, want)
	}
	var r Results
	addFootprint(&r, "0", []footprint{found["xds"], {component: "timer", pods: 1, workingSet: 4, anonymous: 2}})
	if last := r.Rows[len(r.Rows)-2]; last.Contestant != "all together" || last.Metric != "working_set" || last.Median != 15 {
		t.Errorf("the last but one row is %+v", last)
	}
}
