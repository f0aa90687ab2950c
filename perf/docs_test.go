package perf

import (
	"os"
	"path/filepath"
	"testing"
)

func documented(t *testing.T, text string) string {
	t.Helper()
	most := 10.
	goals := []Goal{
		{Name: "within", AtMost: &most, Unit: "ms", Value: Pick{Scenario: "s", Contestant: "a", Parameters: map[string]string{"n": "1"}, Metric: "latency_p50"}},
		{Name: "beyond", AtMost: &most, Unit: "ms", Value: Pick{Scenario: "s", Contestant: "a", Parameters: map[string]string{"n": "2"}, Metric: "latency_p50"}},
		{Name: "of another scenario", AtMost: &most, Value: Pick{Scenario: "other", Contestant: "a", Metric: "m"}},
	}
	var r Results
	r.Add(Row{Scenario: "s", Contestant: "a", Parameters: map[string]string{"n": "1"}, Metric: "latency_p50", Unit: "ms"}, 1, 2, 30)
	r.Add(Row{Scenario: "s", Contestant: "a", Parameters: map[string]string{"n": "1"}, Metric: "throughput", Unit: "requests/s"}, 1000)
	r.Add(Row{Scenario: "s", Contestant: "a", Parameters: map[string]string{"n": "2"}, Metric: "latency_p50", Unit: "ms"}, 20)
	r.Add(Row{Scenario: "s", Contestant: "a", Metric: "failures", Unit: "requests"}, 0)
	out, err := document([]byte(text), r.Rows, Judge(goals, r.Rows), "Here.\n")
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

const docsBefore = `# Title

<!-- perf machine: written by perf, do not edit -->
<!-- /perf machine -->

text

<!-- perf s: written by perf, do not edit -->
old
<!-- /perf s -->
<!-- perf other: written by perf, do not edit -->
kept
<!-- /perf other -->
`

const docsAfter = `# Title

<!-- perf machine: written by perf, do not edit -->

Here.

<!-- /perf machine -->

text

<!-- perf s: written by perf, do not edit -->

| goal | measured | bound | |
| --- | ---: | ---: | --- |
| beyond | 20 ms | ≤ 10 ms | **missed** |
| within | 2 ms | ≤ 10 ms | met |

| contestant | n | latency p50, ms | throughput, requests/s |
| --- | --- | ---: | ---: |
| a | 1 | 2 | 1000 |
| a | 2 | 20 |  |

| contestant | failures, requests |
| --- | ---: |
| a | 0 |

<!-- /perf s -->
<!-- perf other: written by perf, do not edit -->
kept
<!-- /perf other -->
`

func TestDocument_ReplacesThePartsThatWereMeasured(t *testing.T) {
	if got := documented(t, docsBefore); got != docsAfter {
		t.Errorf("got:\n%s", got)
	}
}

func TestDocument_TheSameRowsMakeTheSameText(t *testing.T) {
	once := documented(t, docsBefore)
	if again := documented(t, once); again != once {
		t.Errorf("the second time:\n%s", again)
	}
}

func TestDocument_APartThatDoesNotEndIsAFault(t *testing.T) {
	_, err := document([]byte("<!-- perf machine: written by perf, do not edit -->\n"), nil, nil, "")
	if err == nil || !contains(err.Error(), "does not end") {
		t.Error(err)
	}
}

func TestWriteDocs(t *testing.T) {
	file := filepath.Join(t.TempDir(), "performance.md")
	if err := os.WriteFile(file, []byte(docsBefore), 0o600); err != nil {
		t.Fatal(err)
	}
	var r Results
	r.Add(Row{Scenario: "other", Contestant: "a", Metric: "m", Unit: "u"}, 5)
	if err := writeDocs(file, &r, nil); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(file)
	if err != nil || !contains(string(text), "| a | 5 |") || !contains(string(text), "\nold\n") || contains(string(text), "kept") {
		t.Errorf("%v\n%s", err, text)
	}
	if err := writeDocs(filepath.Join(t.TempDir(), "none.md"), &r, nil); err == nil {
		t.Error("wrote into a file that does not exist")
	}
	if err := writeDocs("", &r, nil); err != nil {
		t.Error(err)
	}
}

// TestPerformanceDocs_HaveAPartForEachScenario keeps the real file and the scenarios together.
func TestPerformanceDocs_HaveAPartForEachScenario(t *testing.T) {
	text, err := os.ReadFile("../docs/performance.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range append(names(true), machinePart) {
		begin, end := "<!-- perf "+name+": written by perf, do not edit -->\n", "<!-- /perf "+name+" -->\n"
		if !contains(string(text), begin) || !contains(string(text), end) {
			t.Errorf("docs/performance.md has no part for %s", name)
		}
	}
}
