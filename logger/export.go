package logger

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/protobuf/proto"

	"hotpod.dev/logstore"
)

// Exporter sends lines on as OTLP over HTTP, each at least once: how far it is stands in the database. It follows OpenTelemetry's
// variables OTEL_EXPORTER_OTLP_ENDPOINT, _HEADERS, _TIMEOUT and _COMPRESSION, and those with LOGS_ in them, which win.
type Exporter struct {
	lines    *logstore.Lines
	log      *slog.Logger
	client   *http.Client
	endpoint string // empty means that nothing is sent
	headers  map[string]string
	gzip     bool
	sent     prometheus.Counter
	failed   prometheus.Counter
}

const (
	// exportAtOnce are sent in one call.
	exportAtOnce = 512
	// exportDelay is how old a line has to be: by then it is known whose it is.
	exportDelay = 3 * time.Second
	// exportPause is between two looks for lines.
	exportPause   = time.Second
	exportTimeout = 10 * time.Second
)

// NewExporter reads the variables. The error says which cannot be used.
func NewExporter(lines *logstore.Lines, getenv func(string) string, log *slog.Logger, r prometheus.Registerer) (*Exporter, error) {
	variable := func(name string) string {
		if v := getenv("OTEL_EXPORTER_OTLP_LOGS_" + name); v != "" {
			return v
		}
		return getenv("OTEL_EXPORTER_OTLP_" + name)
	}
	e := &Exporter{lines: lines, log: log, headers: map[string]string{}, gzip: variable("COMPRESSION") == "gzip"}
	e.sent = prometheus.NewCounter(prometheus.CounterOpts{
		Namespace: "hotpod", Subsystem: "logger", Name: "exported_lines_total", Help: "Lines and groups of lines that a collector took.",
	})
	e.failed = prometheus.NewCounter(prometheus.CounterOpts{
		Namespace: "hotpod", Subsystem: "logger", Name: "export_failures_total", Help: "Calls that a collector did not take, which are made again.",
	})
	if r != nil {
		r.MustRegister(e.sent, e.failed)
	}
	if getenv("OTEL_SDK_DISABLED") == "true" || getenv("OTEL_LOGS_EXPORTER") == "none" {
		return e, nil
	}
	if e.endpoint = getenv("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT"); e.endpoint == "" && getenv("OTEL_EXPORTER_OTLP_ENDPOINT") != "" {
		e.endpoint = strings.TrimSuffix(getenv("OTEL_EXPORTER_OTLP_ENDPOINT"), "/") + "/v1/logs"
	}
	return e, e.configure(variable)
}

func (e *Exporter) configure(variable func(string) string) error {
	if e.endpoint == "" {
		return nil
	}
	if u, err := url.Parse(e.endpoint); err != nil || u.Host == "" {
		return fmt.Errorf("the OTLP endpoint is no URL: %q", e.endpoint)
	}
	if p := variable("PROTOCOL"); p != "" && p != "http/protobuf" {
		return fmt.Errorf("the OTLP protocol %q is not spoken: only http/protobuf is", p)
	}
	for pair := range strings.SplitSeq(variable("HEADERS"), ",") {
		name, value, _ := strings.Cut(pair, "=")
		if name = strings.TrimSpace(name); name != "" {
			if decoded, err := url.QueryUnescape(value); err == nil {
				value = decoded
			}
			e.headers[name] = strings.TrimSpace(value)
		}
	}
	timeout := exportTimeout
	if ms, err := strconv.Atoi(variable("TIMEOUT")); err == nil && ms > 0 {
		timeout = time.Duration(ms) * time.Millisecond
	}
	e.client = &http.Client{Timeout: timeout}
	return nil
}

// Run sends lines until ctx ends.
func (e *Exporter) Run(ctx context.Context) error {
	if e.endpoint == "" {
		return nil
	}
	for pause := exportPause; ; {
		more, err := e.some(ctx)
		switch {
		case ctx.Err() != nil:
			return nil //nolint:nilerr // it was told to end
		case err != nil:
			e.failed.Inc()
			pause = min(2*pause, pauseLast)
			e.log.Warn("lines cannot be exported, will be tried again", "error", err, "after", pause)
		case more:
			pause = exportPause
			continue
		default:
			pause = exportPause
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return nil
		}
	}
}

// some sends the next lines and reports whether there may be more that are old enough.
func (e *Exporter) some(ctx context.Context) (more bool, err error) {
	lines, err := e.lines.NotExported(ctx, exportAtOnce)
	if err != nil {
		return false, err
	}
	full := len(lines) == exportAtOnce
	ripe := time.Now().Add(-exportDelay)
	for i := range lines {
		if lines[i].Time.After(ripe) && !lines[i].Time.After(time.Now().Add(exportDelay)) {
			lines, full = lines[:i], false
			break
		}
	}
	if len(lines) == 0 {
		return false, nil
	}
	if err := e.send(ctx, lines); err != nil {
		return false, err
	}
	e.sent.Add(float64(len(lines)))
	return full, e.lines.Exported(ctx, lines[len(lines)-1].ID)
}

// send makes one call. What the collector says it will never take is given up.
func (e *Exporter) send(ctx context.Context, lines []logstore.Line) error {
	body, err := proto.Marshal(otlp(lines))
	if err != nil {
		return fmt.Errorf("encode lines: %w", err)
	}
	if e.gzip {
		var packed bytes.Buffer
		w := gzip.NewWriter(&packed)
		_, err1 := w.Write(body)
		if err := errors.Join(err1, w.Close()); err != nil {
			return fmt.Errorf("pack lines: %w", err)
		}
		body = packed.Bytes()
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, e.endpoint, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("make the call: %w", err)
	}
	req.Header.Set("Content-Type", "application/x-protobuf")
	if e.gzip {
		req.Header.Set("Content-Encoding", "gzip")
	}
	for name, value := range e.headers {
		req.Header.Set(name, value)
	}
	res, err := e.client.Do(req)
	if err != nil {
		return fmt.Errorf("call the collector: %w", err)
	}
	defer res.Body.Close()
	answer, _ := io.ReadAll(io.LimitReader(res.Body, 1<<10))
	switch {
	case res.StatusCode < http.StatusMultipleChoices:
		return nil
	case res.StatusCode == http.StatusBadRequest:
		e.failed.Inc()
		e.log.Error("the collector refuses lines, which are not exported", "lines", len(lines), "answer", string(answer))
		return nil
	}
	return fmt.Errorf("the collector answered %s: %s", res.Status, answer)
}
