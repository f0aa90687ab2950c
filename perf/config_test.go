package perf

import (
	"bytes"
	"errors"
	"flag"
	"slices"
	"strings"
	"testing"
	"time"
)

func environment(pairs ...string) func(string) string {
	values := map[string]string{}
	for i := 0; i < len(pairs); i += 2 {
		values[pairs[i]] = pairs[i+1]
	}
	return func(name string) string { return values[name] }
}

func TestParseConfig_TakesFlagsThenEnvironmentThenDefaults(t *testing.T) {
	getenv := environment("KUBECONFIG", "k", "FISSION_ROUTER", "r:1", "HOTPOD_ENVOY", "e",
		"HOTPOD_PERF_AT_ONCE", "7", "HOTPOD_PERF_DURATION", "1s", "HOTPOD_PERF_FUNCTIONS", "9")
	c, err := ParseConfig([]string{"cold", "--functions", "11", "--check"}, getenv, &bytes.Buffer{})
	if err != nil {
		t.Fatal(err)
	}
	if c.Kubeconfig != "k" || c.Router != "r:1" || c.Envoy != "e" || c.Cold.AtOnce != 7 || c.Warm.Duration != time.Second || c.Cold.Functions != 11 || !c.Check || c.Cold.Rounds != 3 {
		t.Errorf("%+v", c)
	}
}

func TestParseConfig_AllMeansEveryScenario(t *testing.T) {
	c, err := ParseConfig([]string{"all"}, environment(), &bytes.Buffer{})
	if err != nil || !slices.Equal(c.Scenarios, names(true)) {
		t.Error(c.Scenarios, err)
	}
}

func TestParseConfig_ListsAllFaults(t *testing.T) {
	_, err := ParseConfig([]string{"lukewarm", "--environment", "nodejs,cobol", "--functions", "0", "--duration", "2h", "--router", "r:1", "extra"}, environment(), &bytes.Buffer{})
	for _, want := range []string{"lukewarm", "cobol", "--functions", "--duration", "--kubeconfig", "extra"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("no %s in %v", want, err)
		}
	}
	_, err = ParseConfig([]string{"cold"}, environment("HOTPOD_PERF_ROUNDS", "many"), &bytes.Buffer{})
	if err == nil || !strings.Contains(err.Error(), "HOTPOD_PERF_ROUNDS") {
		t.Error(err)
	}
}

func TestParseConfig_HelpAndMissingScenarioShowTheUsage(t *testing.T) {
	var out bytes.Buffer
	if _, err := ParseConfig(nil, environment(), &out); err == nil || !strings.Contains(out.String(), "Usage: perf") {
		t.Error(err, out.String())
	}
	if _, err := ParseConfig([]string{"cold", "-h"}, environment(), &out); !errors.Is(err, flag.ErrHelp) {
		t.Error(err)
	}
}
