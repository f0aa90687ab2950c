package logger_test

import (
	"bufio"
	"compress/gzip"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	collector "go.opentelemetry.io/proto/otlp/collector/logs/v1"
	"google.golang.org/protobuf/proto"

	"hotpod.dev/logger"
	"hotpod.dev/logger/client"
	"hotpod.dev/logstore"
)

func lineOf(function, text string, at time.Time) logstore.Line {
	return logstore.Line{
		Source: logstore.Source{Namespace: "default", Function: function, PodUID: "u", Pod: "p", Container: "c"}, Time: at, Text: text, Level: 17, RequestID: "r",
		TraceID: "4bf92f3577b34da6a3ce929d0e0e4736",
	}
}

func fill(t *testing.T, lines *logstore.Lines, all ...logstore.Line) {
	t.Helper()
	if err := lines.Append(t.Context(), logstore.Batch{Lines: all}); err != nil {
		t.Fatal(err)
	}
}

func ask(t *testing.T, h http.Handler, target string, secret []byte) *http.Response {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, target, nil)
	if err := client.Sign(r, secret, time.Now()); err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

func TestHandler_AnswersWhatValuesAsk(t *testing.T) {
	lines := database(t)
	fill(t, lines, lineOf("f", "one", start), lineOf("f", "two", start.Add(1)), lineOf("f", "three", start.Add(2)), lineOf("g", "two", start.Add(1)))
	h := logger.Handler(lines, slog.New(slog.DiscardHandler))
	q := logstore.Query{
		Namespace: "default", Function: "f", Pod: "p", Container: "c", Since: start.Add(1), Until: start.Add(2), RequestID: "r",
		TraceID: "4bf92f3577b34da6a3ce929d0e0e4736", Level: 13, Match: regexp.MustCompile("^t"), Limit: 5,
	}
	res := ask(t, h, client.PathLogs+"?"+client.Values(q).Encode(), nil)
	defer res.Body.Close()
	var got []string
	for s := bufio.NewScanner(res.Body); s.Scan(); {
		var l logstore.Line
		if err := json.Unmarshal(s.Bytes(), &l); err != nil {
			t.Fatal(err)
		}
		got = append(got, l.Function+" "+l.Text)
	}
	if strings.Join(got, ",") != "f two" {
		t.Errorf("got %q", got)
	}
	for _, bad := range []string{"since=x", "until=1", "level=loud", "grep=(", "limit=0"} {
		res := ask(t, h, client.PathLogs+"?"+bad, nil)
		if res.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: %s", bad, res.Status)
		}
		_ = res.Body.Close()
	}
}

func TestAuthorized_LetsSignedQuestionsPass(t *testing.T) {
	ok := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	secret := func() []byte { return []byte("secret") }
	for name, c := range map[string]struct {
		h    http.Handler
		with string
		want int
	}{
		"not required": {logger.Authorized(ok, secret, false), "", 200},
		"signed":       {logger.Authorized(ok, secret, true), "secret", 200},
		"not signed":   {logger.Authorized(ok, secret, true), "", 401},
		"wrong":        {logger.Authorized(ok, secret, true), "other", 401},
		"not known":    {logger.Authorized(ok, func() []byte { return nil }, true), "secret", 401},
	} {
		res := ask(t, c.h, "/v1/logs?x=y", []byte(c.with))
		if res.StatusCode != c.want {
			t.Errorf("%s: %s", name, res.Status)
		}
		_ = res.Body.Close()
	}
}

func TestExporter_SendsEachLineAtLeastOnce(t *testing.T) {
	lines := database(t)
	fill(t, lines, lineOf("f", "one", start), lineOf("g", "two", start.Add(1)))
	calls, answers := make(chan *collector.ExportLogsServiceRequest, 10), make(chan int, 10)
	answers <- http.StatusServiceUnavailable
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := gzip.NewReader(r.Body)
		b, _ := io.ReadAll(body)
		req := &collector.ExportLogsServiceRequest{}
		if err := proto.Unmarshal(b, req); err != nil || r.URL.Path != "/otlp/v1/logs" || r.Header.Get("X-Key") != "a b" {
			t.Errorf("%s %v: %v", r.URL, r.Header, err)
		}
		select {
		case code := <-answers:
			w.WriteHeader(code)
		default:
			calls <- req
		}
	}))
	defer server.Close()
	env := map[string]string{
		"OTEL_EXPORTER_OTLP_ENDPOINT": server.URL + "/otlp/", "OTEL_EXPORTER_OTLP_LOGS_HEADERS": "x-key=a%20b", "OTEL_EXPORTER_OTLP_COMPRESSION": "gzip",
	}
	e, err := logger.NewExporter(lines, func(name string) string { return env[name] }, slog.New(slog.DiscardHandler), nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- e.Run(ctx) }()
	req := <-calls
	if len(req.ResourceLogs) != 2 {
		t.Fatalf("got %v", req)
	}
	r := req.ResourceLogs[0].ScopeLogs[0].LogRecords[0]
	if r.Body.GetStringValue() != "one" || r.SeverityNumber != 17 || r.SeverityText != "error" || len(r.TraceId) != 16 || r.TimeUnixNano != uint64(start.UnixNano()) {
		t.Errorf("record is %v", r)
	}
	if a := req.ResourceLogs[1].Resource.Attributes[0]; a.Key != "service.name" || a.Value.GetStringValue() != "g" {
		t.Errorf("resource is %v", req.ResourceLogs[1].Resource)
	}
	fill(t, lines, lineOf("f", "three", start.Add(2)))
	if req := <-calls; len(req.ResourceLogs) != 1 || req.ResourceLogs[0].ScopeLogs[0].LogRecords[0].Body.GetStringValue() != "three" {
		t.Errorf("got %v", req)
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestNewExporter_TellsWhatItCannotDo(t *testing.T) {
	for _, env := range []map[string]string{
		{"OTEL_EXPORTER_OTLP_LOGS_ENDPOINT": "no url"},
		{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"},
	} {
		if _, err := logger.NewExporter(nil, func(name string) string { return env[name] }, nil, nil); err == nil {
			t.Errorf("%v was accepted", env)
		}
	}
}
