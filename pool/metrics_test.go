package pool

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
)

func TestMetrics_CountPodsAndClaims(t *testing.T) {
	bubble(t, func(w *world) {
		t := w.t
		w.ready(2)
		w.claim("f")
		_, _ = w.pool.Claim(t.Context(), functionOf("f", "ruby"))
		w.settle(time.Second)
		want := `
# HELP hotpod_pool_claims_total Claims by result: hot, failed, unavailable, canceled.
# TYPE hotpod_pool_claims_total counter
hotpod_pool_claims_total{result="hot"} 1
hotpod_pool_claims_total{result="unavailable"} 1
# HELP hotpod_pool_pods Pods by their state.
# TYPE hotpod_pool_pods gauge
hotpod_pool_pods{environment="node",environment_namespace="ns",state="claimed"} 0
hotpod_pool_pods{environment="node",environment_namespace="ns",state="draining"} 0
hotpod_pool_pods{environment="node",environment_namespace="ns",state="hot"} 1
hotpod_pool_pods{environment="node",environment_namespace="ns",state="specializing"} 0
hotpod_pool_pods{environment="node",environment_namespace="ns",state="starting"} 0
hotpod_pool_pods{environment="node",environment_namespace="ns",state="warm"} 2
`
		if err := testutil.GatherAndCompare(w.reg, strings.NewReader(want), "hotpod_pool_claims_total", "hotpod_pool_pods"); err != nil {
			t.Error(err)
		}
		families, err := w.reg.Gather()
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range families {
			if !strings.HasPrefix(f.GetName(), "hotpod_pool_") {
				t.Errorf("metric %s is not named after the pool", f.GetName())
			}
		}
	})
}

func TestNew_RefusesWhatCannotWork(t *testing.T) {
	if _, err := New(Config{}, Deps{}); err == nil {
		t.Error("an empty configuration was taken")
	}
	w := &world{t: t}
	w.restart()
	_, err := New(testConfig(), Deps{Registerer: w.reg})
	if err == nil || errors.Unwrap(err) == nil {
		t.Errorf("metrics that are registered twice: %v", err)
	}
}

func TestState_HasAWordForEach(t *testing.T) {
	var words []string
	for s := Starting; s <= Gone; s++ {
		words = append(words, s.String())
	}
	want := []string{"starting", "warm", "claimed", "specializing", "hot", "draining", "gone"}
	if !slices.Equal(words, want) {
		t.Errorf("states are called %v", words)
	}
}
