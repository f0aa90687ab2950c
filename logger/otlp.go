package logger

import (
	"encoding/hex"
	"time"

	collector "go.opentelemetry.io/proto/otlp/collector/logs/v1"
	common "go.opentelemetry.io/proto/otlp/common/v1"
	logspb "go.opentelemetry.io/proto/otlp/logs/v1"
	resource "go.opentelemetry.io/proto/otlp/resource/v1"

	"hotpod.dev/logline"
	"hotpod.dev/logstore"
)

// otlp groups lines by their sources, which are resources of OpenTelemetry. It names things by its conventions.
func otlp(lines []logstore.Line) *collector.ExportLogsServiceRequest {
	req := &collector.ExportLogsServiceRequest{}
	resources := map[logstore.Source]*logspb.ScopeLogs{}
	observed := unixNano(time.Now())
	for i := range lines {
		l := &lines[i]
		logs, ok := resources[l.Source]
		if !ok {
			logs = &logspb.ScopeLogs{Scope: &common.InstrumentationScope{Name: "hotpod.dev/logger"}}
			resources[l.Source] = logs
			req.ResourceLogs = append(req.ResourceLogs, &logspb.ResourceLogs{
				Resource: &resource.Resource{Attributes: attributes(&l.Source)}, ScopeLogs: []*logspb.ScopeLogs{logs},
			})
		}
		logs.LogRecords = append(logs.LogRecords, record(l, observed))
	}
	return req
}

func record(l *logstore.Line, observed uint64) *logspb.LogRecord {
	r := &logspb.LogRecord{
		TimeUnixNano: unixNano(l.Time), ObservedTimeUnixNano: observed, Body: text(l.Text),
		SeverityNumber: logspb.SeverityNumber(l.Level), SeverityText: logline.LevelName(l.Level), //nolint:gosec // 0 to 24
	}
	if l.RequestID != "" {
		r.Attributes = append(r.Attributes, attribute("request.id", l.RequestID))
	}
	if trace, err := hex.DecodeString(l.TraceID); err == nil && len(trace) == 16 {
		r.TraceId = trace
	}
	return r
}

func attributes(s *logstore.Source) []*common.KeyValue {
	name := s.Function
	if name == "" {
		name = s.Environment
	}
	out := []*common.KeyValue{
		attribute("service.name", name), attribute("service.namespace", s.Namespace), attribute("k8s.namespace.name", s.PodNamespace),
		attribute("k8s.pod.name", s.Pod), attribute("k8s.pod.uid", s.PodUID), attribute("k8s.container.name", s.Container),
	}
	if s.Environment != "" {
		out = append(out, attribute("hotpod.environment", s.Environment))
	}
	if s.Function != "" {
		generation := &common.AnyValue{Value: &common.AnyValue_IntValue{IntValue: s.Generation}}
		out = append(out, attribute("faas.name", s.Function), attribute("hotpod.function.uid", s.FunctionUID),
			&common.KeyValue{Key: "hotpod.function.generation", Value: generation})
	}
	return out
}

func attribute(key, value string) *common.KeyValue {
	return &common.KeyValue{Key: key, Value: text(value)}
}

func text(s string) *common.AnyValue {
	return &common.AnyValue{Value: &common.AnyValue_StringValue{StringValue: s}}
}

func unixNano(t time.Time) uint64 { return uint64(max(t.UnixNano(), 0)) }
