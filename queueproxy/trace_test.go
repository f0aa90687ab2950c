package queueproxy_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"hotpod.dev/internal/testproxy"
	"hotpod.dev/queueproxy"
	"hotpod.dev/wire"
)

func TestNewTracer_IsOffUntilAnEndpointIsNamed(t *testing.T) {
	for name, c := range map[string]struct {
		env map[string]string
		on  bool
	}{
		"nothing":  {nil, false},
		"endpoint": {map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318"}, true},
		"traces":   {map[string]string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://c:4318/v1/traces"}, true},
		"disabled": {map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318", "OTEL_SDK_DISABLED": "true"}, false},
	} {
		if tr := queueproxy.NewTracer(func(k string) string { return c.env[k] }); (tr != nil) != c.on {
			t.Errorf("%s: %v", name, tr)
		}
	}
}

func TestTracer_PutsItsSpanBetweenCallerAndFunction(t *testing.T) {
	got := make(chan string, 10)
	collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var m map[string]any
		_ = json.NewDecoder(r.Body).Decode(&m)
		b, _ := json.Marshal(m)
		got <- r.URL.Path + " " + r.Header.Get("X-Key") + " " + string(b)
	}))
	defer collector.Close()
	tracer := queueproxy.NewTracer(func(k string) string {
		return map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": collector.URL + "/", "OTEL_EXPORTER_OTLP_HEADERS": "X-Key=secret"}[k]
	})
	seen := make(chan []string, 10)
	p := startTraced(t, testproxy.Backend(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { seen <- r.Header.Values("Traceparent") })), tracer)
	p.assign(wire.Assignment{Limit: 1})
	c := p.dial()
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); _ = tracer.Run(ctx) }()

	c.Send(get("traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\n"))
	c.Answer("GET")
	parent := <-seen
	if len(parent) != 1 || !strings.HasPrefix(parent[0], "00-0af7651916cd43dd8448eb211c80319c-") || strings.Contains(parent[0], "b7ad6b7169203331") {
		t.Errorf("the function's parent is %q", parent)
	}
	c.Send(get("traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00\n")) // not sampled: untouched
	c.Answer("GET")
	if parent := <-seen; len(parent) != 1 || !strings.HasSuffix(parent[0], "-b7ad6b7169203331-00") {
		t.Errorf("the parent of what is not sampled is %q", parent)
	}
	stop()
	select {
	case text := <-got:
		if !strings.HasPrefix(text, "/v1/traces secret ") || !strings.Contains(text, `"parentSpanId":"b7ad6b7169203331"`) || strings.Count(text, `"spanId"`) != 1 ||
			!strings.Contains(text, `"spanId":"`+parent[0][36:52]+`"`) {
			t.Errorf("spans = %s", text)
		}
	case <-time.After(5 * time.Second):
		t.Error("no span came")
	}
	<-done
}
