package activator

import (
	"context"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
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
	tracer trace.Tracer
}

// span begins the span of a request, a child of the caller's.
func (a *Activator) span(x proxy.Exchange, id wire.FunctionID) span {
	if a.config.Tracer == nil {
		return span{}
	}
	ctx := propagation.TraceContext{}.Extract(context.Background(), carrier{x})
	_, s := a.config.Tracer.Start(ctx, string(wire.PartActivator), //nolint:spancheck // ended by end
		trace.WithSpanKind(trace.SpanKindServer), trace.WithAttributes(
			attribute.String("faas.name", id.Namespace+"/"+id.Name), attribute.String("hotpod.request_id", strings.Clone(x.RequestID())),
		))
	return span{s, a.config.Tracer} //nolint:spancheck // see end
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

// end ends the span, with spans for the steps of a request that was held.
func (s span) end(r result, w *waiter) {
	if s.Span == nil {
		return
	}
	s.SetAttributes(attribute.String("hotpod.result", string(r)), attribute.Bool("faas.coldstart", w.held && w.cold))
	if w.story.tries > 0 {
		s.SetAttributes(attribute.Int("hotpod.attempts", w.story.tries), attribute.String("k8s.pod.uid", w.story.pod.uid))
	}
	if r != resultAnswered && r != resultGone {
		s.SetStatus(codes.Error, string(r))
	}
	if w.held && s.IsRecording() {
		s.tell(w)
	}
	s.End()
}

// tell makes the spans of the steps. They are told when they are over: it is the pool and the pod that took them, for all
// requests that waited.
func (s span) tell(w *waiter) {
	parents := map[wire.StepName]trace.Span{"": s.Span}
	within := map[wire.StepName]wire.StepName{
		wire.StepClaim: wire.StepHold, wire.StepSpecialize: wire.StepHold, wire.StepFetch: wire.StepSpecialize, wire.StepLoad: wire.StepSpecialize,
	}
	for _, step := range w.steps() {
		begin := w.arrived.Add(time.Duration(step.Offset) * time.Microsecond)
		ctx := trace.ContextWithSpan(context.Background(), parents[within[step.Name]])
		_, child := s.tracer.Start(ctx, string(step.Name), trace.WithTimestamp(begin))
		parents[step.Name] = child
		child.End(trace.WithTimestamp(begin.Add(time.Duration(step.Micros) * time.Microsecond)))
	}
}

// sampled says that the request's trace is recorded.
func (s span) sampled() bool { return s.Span != nil && s.SpanContext().IsSampled() }

// traceID is that of the span, or the caller's where there is no span.
func (s span) traceID(x proxy.Exchange) string {
	if s.Span != nil {
		return s.SpanContext().TraceID().String()
	}
	return strings.Clone(x.TraceID())
}

// observe adds a value to h, with the trace as its exemplar where it is recorded.
func (s span) observe(h prometheus.Histogram, value float64) {
	if !s.sampled() {
		h.Observe(value)
		return
	}
	if e, ok := h.(prometheus.ExemplarObserver); ok {
		e.ObserveWithExemplar(value, prometheus.Labels{"trace_id": s.SpanContext().TraceID().String()})
	}
}

// carrier reads an exchange's headers.
type carrier struct{ x proxy.Exchange }

func (c carrier) Get(name string) string { return c.x.Header(name) }
func (carrier) Set(string, string)       {}
func (carrier) Keys() []string           { return nil }
