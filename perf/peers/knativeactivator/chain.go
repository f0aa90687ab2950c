package main

import (
	"context"
	"net/http"
	"os"
	"time"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.uber.org/zap"
	netcfg "knative.dev/networking/pkg/config"
	netprobe "knative.dev/networking/pkg/http/probe"
	pkgnet "knative.dev/pkg/network"
	k8sruntime "knative.dev/pkg/observability/runtime/k8s"
	activatorconfig "knative.dev/serving/pkg/activator/config"
	activatorhandler "knative.dev/serving/pkg/activator/handler"
	activatornet "knative.dev/serving/pkg/activator/net"
	apiconfig "knative.dev/serving/pkg/apis/config"
	asmetrics "knative.dev/serving/pkg/autoscaler/metrics"
	pkghttp "knative.dev/serving/pkg/http"
	"knative.dev/serving/pkg/http/handler"
	"knative.dev/serving/pkg/logging"
	"knative.dev/serving/pkg/observability/otel"
)

// The defaults of cmd/activator's environment.
const (
	podName           = "activator"
	podIP             = "127.0.0.1"
	maxIdle           = 1000
	maxIdlePerHost    = 100
	probeTimeout      = 300 * time.Millisecond
	probeFrequency    = 200 * time.Millisecond
	addressablePods   = false
	withTLS           = false
	logProbes         = false
	noRequestTemplate = ""
)

// chain returns the activator's handlers in the order of cmd/activator, innermost first.
func chain(ctx context.Context, logger *zap.SugaredLogger) (http.Handler, error) {
	mp, tp := otel.SetupObservabilityOrDie(ctx, podName, logger, k8sruntime.NewProfilingServer(logger))
	transport := pkgnet.NewProxyAutoTransport(maxIdle, maxIdlePerHost)
	activatornet.SetProbeSettings(probeTimeout, probeFrequency)
	throttler := activatornet.NewThrottler(ctx, podIP)
	go throttler.Run(ctx, transport, addressablePods, netcfg.MeshCompatibilityModeAuto)

	store := activatorconfig.NewStore(logger)
	store.OnConfigChanged(networkConfig())

	statistics := make(chan []asmetrics.StatMessage)
	go func() {
		for range statistics {
		}
	}()
	reporter := activatorhandler.NewConcurrencyReporter(ctx, podName, statistics, mp)
	go reporter.Run(ctx.Done())

	ah := activatorhandler.New(ctx, throttler, transport, addressablePods, logger, withTLS, tp, mp)
	ah = handler.NewTimeoutHandler(ah, "activator request timeout", timeouts, logger)
	ah = reporter.Handler(ah)
	ah = activatorhandler.NewTracingAttributeHandler(tp, ah)
	ah, err := pkghttp.NewRequestLogHandler(ah, logging.NewSyncFileWriter(os.Stdout), noRequestTemplate, requestLogInput, logProbes)
	if err != nil {
		return nil, err
	}
	ah = activatorhandler.NewMetricAttributeHandler(podName, ah)
	ah = activatorhandler.WrapActivatorHandlerWithFullDuplex(ah, logger)
	ah = activatorhandler.NewContextHandler(ctx, ah, store)
	ah = otelhttp.NewHandler(ah, "handle", otelhttp.WithTracerProvider(tp), otelhttp.WithMeterProvider(mp))
	ah = &activatorhandler.ProbeHandler{NextHandler: ah}
	ah = netprobe.NewHandler(ah)
	return &activatorhandler.HealthHandler{HealthCheck: func() error { return nil }, NextHandler: ah, Logger: logger}, nil
}

// timeouts are those of cmd/activator.
func timeouts(r *http.Request) (whole, responseStart, idle time.Duration) {
	seconds := func(n *int64) time.Duration {
		if n == nil {
			return 0
		}
		return time.Duration(*n) * time.Second
	}
	if rev := activatorhandler.RevisionFrom(r.Context()); rev != nil {
		return seconds(rev.Spec.TimeoutSeconds), seconds(rev.Spec.ResponseStartTimeoutSeconds), seconds(rev.Spec.IdleTimeoutSeconds)
	}
	return apiconfig.DefaultRevisionTimeoutSeconds * time.Second,
		apiconfig.DefaultRevisionResponseStartTimeoutSeconds * time.Second,
		apiconfig.DefaultRevisionIdleTimeoutSeconds * time.Second
}

// requestLogInput is never asked: without a template nothing is logged.
func requestLogInput(r *http.Request, response *pkghttp.RequestLogResponse) *pkghttp.RequestLogTemplateInput {
	return &pkghttp.RequestLogTemplateInput{Request: r, Response: response, Revision: &pkghttp.RequestLogRevision{}}
}
