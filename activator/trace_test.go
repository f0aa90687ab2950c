package activator

import (
	"slices"
	"strings"
	"testing"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
)

const parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

func TestTrace_SpanIsTheCallersChildAndThePodsParent(t *testing.T) {
	spans := tracetest.NewInMemoryExporter()
	provider := sdktrace.NewTracerProvider(sdktrace.WithSyncer(spans))
	a, c := newTest(t, func(c *Config) { c.Tracer = provider.Tracer("test") }), newCluster()
	x := request(c)
	x.headers = map[string]string{"traceparent": parent}
	serveHot(a, c, x)
	got := spans.GetSpans()
	got = slices.DeleteFunc(got, func(s tracetest.SpanStub) bool { return s.Name != "activator" })
	if len(got) != 1 {
		t.Fatalf("%d spans", len(got))
	}
	if trace, span := got[0].Parent.TraceID().String(), got[0].Parent.SpanID().String(); !strings.Contains(parent, trace+"-"+span) {
		t.Errorf("the span's parent is %s-%s", trace, span)
	}
	want := "traceparent: 00-0af7651916cd43dd8448eb211c80319c-" + got[0].SpanContext.SpanID().String() + "-01\r\n"
	if !strings.Contains(x.headOut[0], want) {
		t.Errorf("the pod got %q, want %q in it", x.headOut[0], want)
	}
}

func TestTrace_WithoutATracerTheHeadersPassThrough(t *testing.T) {
	a, c := newTest(t), newCluster()
	x := request(c)
	x.headers = map[string]string{"traceparent": parent}
	serveHot(a, c, x)
	if strings.Contains(x.headOut[0], "traceparent") {
		t.Errorf("headers %q", x.headOut)
	}
}

// serveHot serves x at a pod that becomes hot.
func serveHot(a *Activator, c *cluster, x *fakeExchange) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		a.Serve(x)
	}()
	for a.waiting() != 1 {
		waitABit()
	}
	a.placed(placement(1, c.add("a", 1, lasting(0))))
	<-done
}
