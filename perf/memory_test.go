package perf

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseProcesses_FindsThemWhereverTheyAre(t *testing.T) {
	const status = `{"ready": true, "pid": 7, "programs": [{"name": "etcd", "pid": 11}, {"name": "gone", "pid": 0}],
		"pods": [{"name": "p1", "containers": [{"container": "fetcher", "name": "x", "pid": 21}]},
		         {"name": "p2", "containers": [{"container": "fetcher", "pid": 22}]}]}`
	got, err := parseProcesses([]byte(status))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string][]int{"etcd": {11}, "fetcher": {21, 22}}, got); diff != "" {
		t.Error(diff)
	}
	for _, bad := range []string{"", "{", `{"ready":true}`} {
		if _, err := parseProcesses([]byte(bad)); err == nil {
			t.Errorf("accepted %q", bad)
		}
	}
}

func TestAddMemory_SpreadsProcessesOfOneNameAndSumsAll(t *testing.T) {
	read := func(pid int) (memoryUse, error) {
		if pid == 99 {
			return memoryUse{}, errors.New("gone")
		}
		return memoryUse{resident: float64(pid), anonymous: float64(pid) / 2}, nil
	}
	var r Results
	addMemory(map[string][]int{"fetcher": {10, 20, 99}, "etcd": {40}, "gone": {99}}, read, &r)
	want := []Row{
		{Scenario: "memory", Contestant: "etcd", Parameters: map[string]string{"processes": "1"}, Metric: "resident", Unit: "MiB", Min: 40, Median: 40, Max: 40},
		{Scenario: "memory", Contestant: "etcd", Parameters: map[string]string{"processes": "1"}, Metric: "anonymous", Unit: "MiB", Min: 20, Median: 20, Max: 20},
		{Scenario: "memory", Contestant: "fetcher", Parameters: map[string]string{"processes": "2"}, Metric: "resident", Unit: "MiB", Min: 10, Median: 15, Max: 20},
		{Scenario: "memory", Contestant: "fetcher", Parameters: map[string]string{"processes": "2"}, Metric: "anonymous", Unit: "MiB", Min: 5, Median: 7.5, Max: 10},
		{Scenario: "memory", Contestant: "all together", Metric: "resident", Unit: "MiB", Min: 70, Median: 70, Max: 70},
		{Scenario: "memory", Contestant: "all together", Metric: "anonymous", Unit: "MiB", Min: 35, Median: 35, Max: 35},
	}
	if diff := cmp.Diff(want, r.Rows); diff != "" {
		t.Error(diff)
	}
}
