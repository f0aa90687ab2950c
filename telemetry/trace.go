package telemetry

import (
	"context"
	"fmt"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"
)

// Tracing makes spans. Its zero value makes none.
type Tracing struct {
	// Provider makes tracers; it is never nil after NewTracing.
	Provider trace.TracerProvider
	// Enabled says whether spans go anywhere. The W3C headers pass through untouched when not.
	Enabled bool

	shutdown func(context.Context) error
}

// NewTracing returns the tracing of a component. It is off unless getenv names an OTLP endpoint
// (OTEL_EXPORTER_OTLP_ENDPOINT or OTEL_EXPORTER_OTLP_TRACES_ENDPOINT) and OTEL_SDK_DISABLED is not "true"; the
// exporter reads the other standard variables itself.
func NewTracing(ctx context.Context, component string, getenv func(string) string) (*Tracing, error) {
	if !configured(getenv) {
		return &Tracing{Provider: noop.NewTracerProvider()}, nil
	}
	exporter, err := otlptracehttp.New(ctx)
	if err != nil {
		return nil, fmt.Errorf("make trace exporter: %w", err)
	}
	attributes, err := resource.New(ctx, resource.WithAttributes(serviceName(component)), resource.WithFromEnv())
	if err != nil {
		return nil, fmt.Errorf("describe trace resource: %w", err)
	}
	p := sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter), sdktrace.WithResource(attributes))
	return &Tracing{Provider: p, Enabled: true, shutdown: p.Shutdown}, nil
}

// Shutdown sends what is left, until ctx ends.
func (t *Tracing) Shutdown(ctx context.Context) error {
	if t.shutdown == nil {
		return nil
	}
	return t.shutdown(ctx)
}

// Propagator reads and writes the W3C trace context and baggage headers.
func Propagator() propagation.TextMapPropagator {
	return propagation.NewCompositeTextMapPropagator(propagation.TraceContext{}, propagation.Baggage{})
}

func configured(getenv func(string) string) bool {
	if getenv("OTEL_SDK_DISABLED") == "true" {
		return false
	}
	return getenv("OTEL_EXPORTER_OTLP_ENDPOINT") != "" || getenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") != ""
}

func serviceName(component string) attribute.KeyValue {
	return attribute.String("service.name", "hotpod-"+component)
}
