package main

import (
	"context"
	"io"
	"strings"
	"testing"
	"time"
)

func TestParse_TakesDefaultsFromTheEnvironment(t *testing.T) {
	env := map[string]string{
		"POD_IP": "10.0.0.7", "POD_UID": "u", "HOTPOD_CONTROL_KEY": "k", "HOTPOD_RUNTIME_ADDRESS": "10.0.0.7:8888", "HOTPOD_GRACE": "7s",
	}
	cfg, _, err := parse([]string{"--replay-limit=5"}, func(k string) string { return env[k] }, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if cfg.RequestAddress != "10.0.0.7:8012" || cfg.ControlAddress != "10.0.0.7:8022" || cfg.RuntimeAddress != "10.0.0.7:8888" ||
		cfg.PodUID != "u" || cfg.ControlKey != "k" || cfg.Grace != 7*time.Second || cfg.ReplayLimit != 5 {
		t.Errorf("configuration = %+v", cfg)
	}
	env["HOTPOD_GRACE"], env["HOTPOD_MAX_WAITING"] = "soon", "many"
	if _, _, err := parse(nil, func(k string) string { return env[k] }, io.Discard); err == nil ||
		!strings.Contains(err.Error(), "HOTPOD_GRACE") || !strings.Contains(err.Error(), "HOTPOD_MAX_WAITING") {
		t.Errorf("faults = %v", err)
	}
}

func TestRun_SaysWhatIsMissing(t *testing.T) {
	err := run(context.Background(), nil, func(string) string { return "" }, io.Discard)
	if err == nil || !strings.Contains(err.Error(), "read configuration") {
		t.Errorf("run = %v", err)
	}
}
