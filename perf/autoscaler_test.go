package perf

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// byCommand runs a scenario by the command itself, in a network of its own, with one of our programs, and returns its rows.
func byCommand(t *testing.T, program, scenario string, args ...string) *Results {
	t.Helper()
	dir := build(t, "perf", program)
	file := filepath.Join(t.TempDir(), "rows.json")
	args = append([]string{scenario, "--programs=" + dir, "--json=" + file}, args...)
	if out, err := exec.CommandContext(t.Context(), filepath.Join(dir, "perf"), args...).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var r Results
	if err := json.Unmarshal(text, &r.Rows); err != nil {
		t.Fatal(err)
	}
	return &r
}

func TestAutoscaler_MeasuresTheRealOneBeforeSimulatedPods(t *testing.T) {
	r := byCommand(t, "activator", "autoscaler", "--known=60", "--active=20", "--pods-each=2", "--span=1500ms", "--spans=1", "--steps=1", "--steady-load=2s")
	at := map[string]string{"functions": "60", "active": "20", "pods": "40"}
	if v := find(t, r, nameOurs, "reports", at); v < 20 {
		t.Errorf("%v reports a second of 40 pods that have requests", v)
	}
	if v := find(t, r, nameOurs, "decision_p50", at); v <= 0 || v > 10_000 {
		t.Errorf("a change of load took %v ms", v)
	}
	for _, metric := range []string{"tick", "under_load", "resident"} {
		if v := find(t, r, nameOurs, metric, at); v <= 0 {
			t.Errorf("%s is %v", metric, v)
		}
	}
}

func TestClaims_EachStartIsAnsweredByAPodOfItsOwn(t *testing.T) {
	r := byCommand(t, "activator", "claims", "--cold-starts=40", "--claim-rounds=1", "--functions-known=50", "--pods-hot=10")
	for _, at := range []map[string]string{
		{"functions": "40", "pods": "0", "shards": "1"},
		{"functions": "50", "pods": "0", "shards": "1"},
		{"functions": "50", "pods": "10", "shards": "1"},
		{"functions": "50", "pods": "10", "shards": "2"},
	} {
		if v := find(t, r, nameOurs, "failures", at); v != 0 {
			t.Errorf("%v: %v of 40 failed", at, v)
		}
		if v := find(t, r, nameOurs, "creates", at); v < 1 || v > 1.5 {
			t.Errorf("%v: %v pods were made for each start", at, v)
		}
		if v := find(t, r, nameOurs, "api_requests", at); v < 3 || v > 5 {
			t.Errorf("%v: %v requests to the API server for each start", at, v)
		}
	}
}
