package queueproxy

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"time"

	"hotpod.dev/proxy"
	"hotpod.dev/wire"
)

const (
	spanQueue  = 1024
	spanBatch  = 256
	spanPeriod = 5 * time.Second
)

// Tracer makes a span of each request and sends them as OTLP in JSON. OpenTelemetry's own library would double the
// queue-proxy's memory. A nil Tracer makes none; the client's trace headers pass through untouched then.
type Tracer struct {
	url     string
	headers http.Header
	service string
	client  *http.Client
	spans   chan *span
	// share of the requests without a caller's decision that are traced.
	share float64
}

// NewTracer reads OpenTelemetry's standard variables; it returns nil unless they name an endpoint.
func NewTracer(getenv func(string) string) *Tracer {
	url := getenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
	if base := getenv("OTEL_EXPORTER_OTLP_ENDPOINT"); url == "" && base != "" {
		url = strings.TrimSuffix(base, "/") + "/v1/traces"
	}
	if url == "" || getenv("OTEL_SDK_DISABLED") == "true" {
		return nil
	}
	t := &Tracer{
		url: url, headers: http.Header{"Content-Type": {"application/json"}}, service: getenv("OTEL_SERVICE_NAME"),
		client: &http.Client{Timeout: 10 * time.Second}, spans: make(chan *span, spanQueue), share: share(getenv),
	}
	if t.service == "" {
		t.service = "hotpod-queueproxy"
	}
	for pair := range strings.SplitSeq(getenv("OTEL_EXPORTER_OTLP_HEADERS"), ",") {
		if name, value, ok := strings.Cut(strings.TrimSpace(pair), "="); ok {
			t.headers.Set(name, value)
		}
	}
	return t
}

// share reads how many of the requests without a caller's decision are traced; all, unless the variables say less.
func share(getenv func(string) string) float64 {
	if strings.HasSuffix(getenv("OTEL_TRACES_SAMPLER"), "always_off") {
		return 0
	}
	if n, err := strconv.ParseFloat(getenv("OTEL_TRACES_SAMPLER_ARG"), 64); err == nil {
		return n
	}
	return 1
}

// span is one request, in the names of OTLP's JSON.
type span struct {
	TraceID    string      `json:"traceId"`
	SpanID     string      `json:"spanId"`
	ParentID   string      `json:"parentSpanId,omitempty"`
	Name       string      `json:"name"`
	Kind       int         `json:"kind"`
	Start      string      `json:"startTimeUnixNano"`
	End        string      `json:"endTimeUnixNano"`
	Attributes []attribute `json:"attributes"`
	Status     *spanStatus `json:"status,omitempty"`

	tracer *Tracer
	// arrived is before the beginning of a request that had to wait.
	arrived, begun time.Time
}

type attribute struct {
	Key   string         `json:"key"`
	Value map[string]any `json:"value"`
}

type spanStatus struct {
	Code int `json:"code"`
}

// start begins the span of a request; nil when there is nobody to send it to, or the caller does not sample.
func (t *Tracer) start(x proxy.Exchange, a *assigned, arrived, now time.Time) *span {
	if t == nil {
		return nil
	}
	if x.TraceID() == "" && rand.Float64() >= t.share { //nolint:gosec // a choice, no secret
		return nil
	}
	s := &span{
		TraceID: fmt.Sprintf("%016x%016x", rand.Uint64(), rand.Uint64()), //nolint:gosec // an identity, no secret
		SpanID:  fmt.Sprintf("%016x", rand.Uint64()),                     //nolint:gosec // the same
		Name:    string(wire.StepFunction), Kind: 2, Start: nanos(now), tracer: t, arrived: arrived, begun: now,
		Attributes: []attribute{
			text("http.request.method", x.Method()), text("faas.name", a.Function.Namespace+"/"+a.Function.Name),
			text("faas.instance", a.Function.UID), text("hotpod.request_id", x.RequestID()),
		},
	}
	if id := x.TraceID(); id != "" {
		parent := x.Header("traceparent")
		if parent[len(parent)-1]&1 == 0 {
			return nil
		}
		s.TraceID, s.ParentID = strings.Clone(id), strings.Clone(parent[36:52])
	}
	return s
}

// header returns lines with the traceparent of the span at their end.
func (s *span) header(lines []byte) []byte {
	return fmt.Appendf(bytes.Clone(lines), "traceparent: 00-%s-%s-01\r\n", s.TraceID, s.SpanID)
}

// end sends the span off. When the queue is full it is lost: requests do not wait for traces.
func (s *span) end(status int) {
	if s == nil {
		return
	}
	s.End = nanos(time.Now())
	s.Attributes = append(s.Attributes, attribute{"http.response.status_code", map[string]any{"intValue": strconv.Itoa(status)}})
	if status >= 500 {
		s.Status = &spanStatus{Code: 2}
	}
	s.tracer.add(s)
	if s.begun.After(s.arrived) {
		s.tracer.add(&span{
			TraceID: s.TraceID, ParentID: s.ParentID, SpanID: fmt.Sprintf("%016x", rand.Uint64()), //nolint:gosec // an identity, no secret
			Name: string(wire.StepQueue), Kind: 1, Start: nanos(s.arrived), End: nanos(s.begun), Attributes: []attribute{},
		})
	}
}

func (t *Tracer) add(s *span) {
	select {
	case t.spans <- s:
	default:
	}
}

func nanos(t time.Time) string { return strconv.FormatInt(t.UnixNano(), 10) }

func text(key, value string) attribute {
	return attribute{strings.Clone(key), map[string]any{"stringValue": strings.Clone(value)}}
}

// Run sends spans until ctx ends, and then those that are left. It returns at once for a nil Tracer.
func (t *Tracer) Run(ctx context.Context) error {
	if t == nil {
		return nil
	}
	tick := time.NewTicker(spanPeriod)
	defer tick.Stop()
	var batch []*span
	for {
		select {
		case s := <-t.spans:
			if batch = append(batch, s); len(batch) < spanBatch {
				continue
			}
		case <-tick.C:
		case <-ctx.Done():
			for len(t.spans) > 0 {
				batch = append(batch, <-t.spans)
			}
			t.send(context.WithoutCancel(ctx), batch)
			return nil
		}
		t.send(ctx, batch)
		batch = nil
	}
}

// send gives a batch away. What the collector does not take is lost.
func (t *Tracer) send(ctx context.Context, batch []*span) {
	if len(batch) == 0 {
		return
	}
	body, err := json.Marshal(map[string]any{"resourceSpans": []any{map[string]any{
		"resource":   map[string]any{"attributes": []attribute{text("service.name", t.service)}},
		"scopeSpans": []any{map[string]any{"scope": map[string]any{"name": "hotpod.dev/queueproxy"}, "spans": batch}},
	}}})
	if err != nil {
		return
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, t.url, bytes.NewReader(body))
	if err != nil {
		return
	}
	req.Header = t.headers
	resp, err := t.client.Do(req)
	if err != nil {
		return
	}
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10))
	_ = resp.Body.Close()
}
