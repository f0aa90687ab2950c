package perf

import (
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

func TestObservations_MakeRowsThatTheGoalsFind(t *testing.T) {
	var r Results
	for _, p := range points() {
		for _, name := range []string{"hotpod", "Envoy alone"} {
			o := observations{throughput: []float64{2}, p50: []float64{2}, p99: []float64{2}, cpu: []float64{2}}
			for _, l := range languages() {
				o.add(&r, Row{Scenario: "warm", Contestant: name, Parameters: with(p.parameters(), paramEnvironment, l.folder)})
			}
		}
	}
	for _, l := range languages() {
		all := map[string]string{"connections": "all", paramEnvironment: l.folder}
		r.Add(Row{Scenario: "warm", Contestant: "hotpod", Parameters: all, Metric: "failures"}, 0)
	}
	goals, err := DefaultGoals()
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range Judge(goals, r.Rows) {
		if v.Goal.Value.Scenario == "warm" && !v.Met() {
			t.Errorf("%s: %+v", v.Goal.Name, v)
		}
	}
}

// TestPlainEnvoy measures a real runtime through a real Envoy, as the scenario does.
func TestPlainEnvoy_BeforeARealRuntime(t *testing.T) {
	if testing.Short() {
		t.Skip("starts processes; run without -short")
	}
	program, err := findEnvoy("")
	if err != nil {
		t.Skip(err)
	}
	if _, err := exec.LookPath("node"); err != nil {
		t.Skip("node is not on PATH: install Node.js")
	}
	var addresses nextAddress
	backend, err := startRuntime(t.Context(), "../environments/nodejs", "", addresses.take())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(backend.stop)
	hello, err := filepath.Abs("../examples/hello.js")
	if err != nil {
		t.Fatal(err)
	}
	took, err := backend.load(t.Context(), hello)
	if err != nil || took <= 0 {
		t.Fatal(took, err)
	}
	envoy, err := startEnvoy(t.Context(), program, plainConfig, backend.address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(envoy.stop)
	m := run(t, Load{New: Dialer(envoy.address, "/"), Connections: 4, Rate: 100, Duration: 500 * time.Millisecond})
	if m.Requests != 50 || m.Failures != 0 {
		t.Errorf("%d requests, %d failures: %v", m.Requests, m.Failures, m.FirstError)
	}
	if pid, ok := listenerOf(envoy.address); !ok || pid != envoy.cmd.Process.Pid {
		t.Errorf("listener of Envoy's address is %d %v, want %d", pid, ok, envoy.cmd.Process.Pid)
	}
}

func TestStartRuntime_SaysWhatIsWrong(t *testing.T) {
	var addresses nextAddress
	if _, err := startRuntime(t.Context(), t.TempDir(), "", addresses.take()); err == nil {
		t.Error("started a runtime from an empty folder")
	}
}
