package perf

import (
	"context"
	"errors"
	"net"
	"path/filepath"
	"testing"
	"time"

	"hotpod.dev/internal/envoytest"
)

func TestDisorder(t *testing.T) {
	cases := []struct {
		behaviour string
		order     []int
		overtaken float64
		displaced int
	}{
		{"nothing", nil, 0, 0},
		{"one", []int{0}, 0, 0},
		{"in order", []int{0, 1, 2, 3}, 0, 0},
		{"reversed", []int{2, 1, 0}, 1, 2},
		{"neighbours swapped", []int{1, 0, 2, 3}, 1. / 6, 1},
		{"the last comes first", []int{3, 0, 1, 2}, 0.5, 3},
	}
	for _, c := range cases {
		t.Run(c.behaviour, func(t *testing.T) {
			if overtaken, displaced := disorder(c.order); overtaken != c.overtaken || displaced != c.displaced {
				t.Errorf("%v, %d instead of %v, %d", overtaken, displaced, c.overtaken, c.displaced)
			}
		})
	}
}

func TestActivator_MeasuresTheShippedProgram(t *testing.T) {
	config := tiny(build(t, "activator"))
	config.Contest.Held = 50
	a := &activators{config: config, ip: "127.212.1.1", pods: podAddresses("127.212.2", "18080"), autoscaler: "127.212.1.1:18090"}
	var r Results
	if err := a.run(t.Context(), &r, quiet()); err != nil {
		t.Fatal(err)
	}
	for _, limit := range []string{"0", "10"} {
		at := map[string]string{"limit": limit, "connections": "64", "body": "1 kB"}
		if v := find(t, &r, nameOurs, "throughput", at); v <= 0 {
			t.Errorf("limit %s: throughput %v", limit, v)
		}
		if v := find(t, &r, nameOurs, "failures", map[string]string{"limit": limit}); v != 0 {
			t.Errorf("limit %s: %v failures", limit, v)
		}
	}
	held := map[string]string{"held": "50"}
	if v := find(t, &r, nameOurs, "failures", held); v != 0 {
		t.Errorf("%v held requests failed", v)
	}
	if v := find(t, &r, nameOurs, "released", held); v <= 0 {
		t.Errorf("released after %v ms", v)
	}
}

func TestChain_MeasuresTheShippedProgramBehindARealEnvoy(t *testing.T) {
	envoy := envoytest.Path(t)
	c := &chains{config: tiny(build(t, "queueproxy")), envoy: envoy, ip: "127.212.3.1", xds: "127.212.3.1:18000", log: quiet()}
	c.backend = backendHere(t, &backend{})
	var r Results
	if err := c.run(t.Context(), &r); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{nameOurs, nameEnvoy} {
		if v := find(t, &r, name, "cpu", map[string]string{"connections": "64", "body": "1 kB"}); v <= 0 {
			t.Errorf("%s: %v µs a request", name, v)
		}
		if v := find(t, &r, name, "failures", nil); v != 0 {
			t.Errorf("%s: %v failures", name, v)
		}
	}
}

func TestEntry_BeforeStopsBothOnAFault(t *testing.T) {
	var stopped []string
	front := &entry{address: "front", processes: []int{1}, stop: func() { stopped = append(stopped, "front") }}
	behind := &entry{address: "behind", processes: []int{2, 3}, stop: func() { stopped = append(stopped, "behind") }}
	joined, err := front.before(behind, nil)
	if err != nil || joined.address != "front" || len(joined.processes) != 3 || len(stopped) != 0 {
		t.Fatalf("%+v, %v", joined, err)
	}
	joined.stop()
	if len(stopped) != 2 {
		t.Error("stopped only", stopped)
	}
	if _, err := front.before(behind, errors.New("fault")); err == nil || len(stopped) != 4 {
		t.Error(err, stopped)
	}
	if _, err := (*entry)(nil).before(behind, errors.New("fault")); err == nil || len(stopped) != 5 {
		t.Error(err, stopped)
	}
}

func TestChild_ThatEndsOrNeverListensIsAnError(t *testing.T) {
	c, err := startChild(t.Context(), nil, "/bin/sh", "-c", "echo last words; exit 3")
	if err != nil {
		t.Fatal(err)
	}
	defer c.stop()
	if _, err := c.awaitListening(t.Context(), "127.0.0.1:1"); err == nil || !contains(err.Error(), "last words") {
		t.Error(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	silent, err := startChild(t.Context(), nil, "/bin/sh", "-c", "exec sleep 60")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.stop()
	if _, err := silent.awaitListening(ctx, "127.0.0.1:1"); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	if _, err := startChild(t.Context(), nil, filepath.Join(t.TempDir(), "none")); err == nil {
		t.Error("started a program that does not exist")
	}
}

func TestChild_IsReadyWhenItListens(t *testing.T) {
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer lis.Close()
	c, err := startChild(t.Context(), nil, "/bin/sh", "-c", "exec sleep 60")
	if err != nil {
		t.Fatal(err)
	}
	defer c.stop()
	if took, err := c.awaitListening(t.Context(), lis.Addr().String()); err != nil || took <= 0 {
		t.Error(took, err)
	}
}
