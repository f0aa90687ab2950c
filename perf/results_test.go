package perf

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func example() *Results {
	var r Results
	r.Add(Row{Scenario: "cold", Contestant: "hotpod", Parameters: map[string]string{"b": "2", "a": "1"}, Metric: "latency_p50", Unit: "ms"}, 12.345, 3, 7)
	r.Add(Row{Scenario: "cold", Contestant: "runtime alone", Metric: "failures", Unit: "requests"}, 0)
	return &r
}

func TestResults_TableIsAlignedAndParametersAreSorted(t *testing.T) {
	var out bytes.Buffer
	if err := example().WriteTable(&out); err != nil {
		t.Fatal(err)
	}
	want := strings.TrimPrefix(`
SCENARIO  CONTESTANT     PARAMETERS  METRIC       UNIT      MIN  MEDIAN  MAX
cold      hotpod         a=1 b=2     latency_p50  ms        3    7       12.3
cold      runtime alone  -           failures     requests  0    0       0
`, "\n")
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Error(diff)
	}
}

func TestResults_JSONHasOneObjectPerRow(t *testing.T) {
	var out bytes.Buffer
	if err := example().WriteJSON(&out); err != nil {
		t.Fatal(err)
	}
	var rows []Row
	if err := json.Unmarshal(out.Bytes(), &rows); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(example().Rows, rows); diff != "" {
		t.Error(diff)
	}
	for _, name := range []string{"scenario", "contestant", "parameters", "metric", "unit", "min", "median", "max"} {
		if !strings.Contains(out.String(), `"`+name+`"`) {
			t.Errorf("no field %s", name)
		}
	}
}

func TestResults_EmptyIsAnEmptyArray(t *testing.T) {
	var out bytes.Buffer
	if err := (&Results{}).WriteJSON(&out); err != nil || strings.TrimSpace(out.String()) != "[]" {
		t.Errorf("%q %v", out.String(), err)
	}
}

func TestNumber_KeepsThreeDigits(t *testing.T) {
	for value, want := range map[float64]string{0: "0", 0.1234: "0.123", 1.2345: "1.23", 12.345: "12.3", 123.45: "123", -1.5: "-1.50", 40: "40", 12345.6: "12346"} {
		if got := number(value); got != want {
			t.Errorf("number(%v) = %s, want %s", value, got, want)
		}
	}
}
