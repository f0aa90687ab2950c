package activator

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"hotpod.dev/proxy"
	"hotpod.dev/wire"
)

// span is a request's span. Its zero value records nothing.
type span struct {
	trace.Span
}

// span begins the span of a request, a child of the caller's.
func (a *Activator) span(x proxy.Exchange, id wire.FunctionID) span {
	if a.config.Tracer == nil {
		return span{}
	}
	ctx := propagation.TraceContext{}.Extract(context.Background(), carrier{x})
	_, s := a.config.Tracer.Start(ctx, "activator", //nolint:spancheck // ended by end
		trace.WithSpanKind(trace.SpanKindServer), trace.WithAttributes(
			attribute.String("faas.name", id.Name), attribute.String("k8s.namespace.name", id.Namespace),
		))
	return span{s} //nolint:spancheck // see end
}

// inject makes the pod's span a child of this one.
func (s span) inject(o *proxy.Options) {
	if s.Span == nil {
		return
	}
	lines := propagation.MapCarrier{}
	propagation.TraceContext{}.Inject(trace.ContextWithSpan(context.Background(), s.Span), lines)
	for name, value := range lines {
		o.DropRequest = append(o.DropRequest, name)
		o.RequestHeader = append(o.RequestHeader, name+": "+value+"\r\n"...)
	}
}

func (s span) end(r result) {
	if s.Span == nil {
		return
	}
	s.SetAttributes(attribute.String("hotpod.result", string(r)))
	if r != resultAnswered && r != resultGone {
		s.SetStatus(codes.Error, string(r))
	}
	s.End()
}

// carrier reads an exchange's headers.
type carrier struct{ x proxy.Exchange }

func (c carrier) Get(name string) string { return c.x.Header(name) }
func (carrier) Set(string, string)       {}
func (carrier) Keys() []string           { return nil }
