package perf

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestProgram_NamesWhatRuns(t *testing.T) {
	for command, want := range map[string]string{
		"/x/bin/queueproxy --address 127.0.0.1":      "queueproxy",
		"/cache/hotpod-kube kube-apiserver --etcd=x": "hotpod-kube kube-apiserver",
		"node /x/environments/nodejs/server.js":      "node server.js",
		"envoy -c /etc/envoy/envoy.json":             "envoy",
		"":                                           "unknown",
	} {
		if got := (process{Command: command}).program(); got != want {
			t.Errorf("%q is %q, want %q", command, got, want)
		}
	}
}

func TestAddMemory_SpreadsProcessesOfOneProgramAndSumsAll(t *testing.T) {
	read := func(pid int) (memoryUse, error) {
		if pid == 99 {
			return memoryUse{}, errors.New("gone")
		}
		return memoryUse{resident: float64(pid), anonymous: float64(pid) / 2, proportional: float64(pid) / 4}, nil
	}
	var r Results
	addMemory([]process{{10, "fetcher"}, {40, "etcd"}, {20, "fetcher"}, {99, "fetcher"}}, read, &r)
	row := func(name, processes, metric string, low, middle, high float64) Row {
		return Row{
			Scenario: "memory", Contestant: name, Parameters: map[string]string{"processes": processes}, Metric: metric,
			Unit: "MiB", Min: low, Median: middle, Max: high,
		}
	}
	want := []Row{
		row("etcd", "1", "resident", 40, 40, 40), row("etcd", "1", "anonymous", 20, 20, 20), row("etcd", "1", "proportional", 10, 10, 10),
		row("fetcher", "2", "resident", 10, 15, 20), row("fetcher", "2", "anonymous", 5, 7.5, 10), row("fetcher", "2", "proportional", 2.5, 3.75, 5),
		row("all together", "4", "resident", 70, 70, 70), row("all together", "4", "anonymous", 35, 35, 35), row("all together", "4", "proportional", 17.5, 17.5, 17.5),
	}
	if diff := cmp.Diff(want, r.Rows); diff != "" {
		t.Error(diff)
	}
}
