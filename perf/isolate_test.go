package perf

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestIsolate runs the command itself: it starts again in a network of its own, with a backend process there.
func TestIsolate_BringsTheRowsOut(t *testing.T) {
	dir := build(t, "perf", "queueproxy")
	file := filepath.Join(t.TempDir(), "rows.json")
	cmd := exec.CommandContext(t.Context(), filepath.Join(dir, "perf"), "queueproxy", "--ours-only", "--programs="+dir,
		"--load=100ms", "--rounds-each=1", "--starts-each=1", "--json="+file)
	if out, err := cmd.CombinedOutput(); err != nil {
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
	at := map[string]string{"limit": "10", "connections": "16", "body": "1 kB"}
	if v := find(t, &r, nameOurs, "throughput", at); v <= 0 {
		t.Errorf("throughput %v", v)
	}
}

func TestAddRows(t *testing.T) {
	r := Results{Rows: []Row{{Metric: "a"}}}
	file := filepath.Join(t.TempDir(), "rows.json")
	if err := addRows(file, &r); err != nil || len(r.Rows) != 1 {
		t.Error("no file: ", err, r.Rows)
	}
	if err := os.WriteFile(file, []byte(`[{"metric":"b"}]`), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := addRows(file, &r); err != nil || len(r.Rows) != 2 || r.Rows[1].Metric != "b" {
		t.Error(err, r.Rows)
	}
	if err := os.WriteFile(file, []byte(`[`), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := addRows(file, &r); err == nil {
		t.Error("read half a file")
	}
}
