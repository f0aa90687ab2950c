package telemetry

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
)

func TestLogger_WritesJSONThatNamesTheComponent(t *testing.T) {
	var out bytes.Buffer
	log, err := Logger(&out, "activator", "warn")
	if err != nil {
		t.Fatal(err)
	}
	log.Info("not shown")
	log.Warn("shown", "function", "hello")
	var line map[string]any
	if err := json.Unmarshal(out.Bytes(), &line); err != nil {
		t.Fatalf("%q: %v", out.String(), err)
	}
	if line["component"] != "activator" || line["function"] != "hello" || line["msg"] != "shown" {
		t.Errorf("line = %v", line)
	}
	if _, err := Logger(&out, "x", "loud"); err == nil || !strings.Contains(err.Error(), "debug, info") {
		t.Errorf("a level that is none: %v", err)
	}
}

func TestDebug_ServesMetricsHealthAndReadiness(t *testing.T) {
	down := errors.New("no connection to the autoscaler")
	reg := NewRegistry()
	reg.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "hotpod_test_things", Help: "Things."}, func() float64 { return 7 }))
	h := Debug{Registry: reg, Ready: func() error { return down }}.Handler()
	get := func(path string) (int, string) {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		return w.Code, w.Body.String()
	}
	if code, body := get("/metrics"); code != 200 || !strings.Contains(body, "hotpod_test_things 7") {
		t.Errorf("/metrics = %d", code)
	}
	if code, _ := get("/healthz"); code != 200 {
		t.Errorf("/healthz = %d", code)
	}
	if code, body := get("/readyz"); code != 503 || !strings.Contains(body, "autoscaler") {
		t.Errorf("/readyz = %d %q", code, body)
	}
	down = nil
	if code, _ := get("/readyz"); code != 200 {
		t.Errorf("/readyz after recovery = %d", code)
	}
	if code, _ := get("/debug/pprof/"); code != 404 {
		t.Errorf("profiling is served though it was not asked for: %d", code)
	}
}

func TestNewTracing_IsOffUntilAnEndpointIsNamed(t *testing.T) {
	for name, c := range map[string]struct {
		env  map[string]string
		want bool
	}{
		"nothing set":      {nil, false},
		"endpoint":         {map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}, true},
		"traces endpoint":  {map[string]string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://127.0.0.1:4318"}, true},
		"disabled by hand": {map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://x", "OTEL_SDK_DISABLED": "true"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			tr, err := NewTracing(t.Context(), "xds", func(k string) string { return c.env[k] })
			if err != nil {
				t.Fatal(err)
			}
			if tr.Enabled != c.want {
				t.Errorf("Enabled = %v", tr.Enabled)
			}
			if err := tr.Shutdown(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
}
