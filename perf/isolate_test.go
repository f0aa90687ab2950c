package perf

import (
	"os"
	"path/filepath"
	"testing"
)

// TestIsolate runs the command itself: it starts again in a network of its own, with a backend process there.
func TestIsolate_BringsTheRowsOut(t *testing.T) {
	r := byCommand(t, "queueproxy", "queueproxy", "--ours-only", "--load=100ms", "--rounds-each=1", "--starts-each=1")
	at := map[string]string{"limit": "10", "connections": "16", "body": "1 kB"}
	if v := find(t, r, nameOurs, "throughput", at); v <= 0 {
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
