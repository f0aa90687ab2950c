package xds

import (
	"time"

	accesslogv3 "github.com/envoyproxy/go-control-plane/envoy/config/accesslog/v3"
	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	grpclogv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/access_loggers/grpc/v3"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"hotpod.dev/wire"
)

const (
	// logName names the log whose entries become timelines.
	logName = "timelines"
	// logEvery is how long an Envoy gathers entries, logBuffer how many bytes of them at most. It drops what it cannot send.
	logEvery  = time.Second
	logBuffer = 64 << 10
	// oldest failed status; answers below it are told of only when they are slow.
	leastFailed = 400
)

// timelineLog makes Envoy tell this server of requests that failed, were slow or are traced, on the connection that it has.
func timelineLog(c Config) []*accesslogv3.AccessLog {
	if c.Timelines == nil {
		return nil
	}
	return []*accesslogv3.AccessLog{{
		Name: "envoy.access_loggers.http_grpc", Filter: worthTelling(c),
		ConfigType: &accesslogv3.AccessLog_TypedConfig{TypedConfig: pack(&grpclogv3.HttpGrpcAccessLogConfig{
			CommonConfig: &grpclogv3.CommonGrpcAccessLogConfig{
				LogName: logName, TransportApiVersion: corev3.ApiVersion_V3,
				BufferFlushInterval: durationpb.New(logEvery), BufferSizeBytes: wrapperspb.UInt32(logBuffer),
				GrpcService: &corev3.GrpcService{TargetSpecifier: &corev3.GrpcService_EnvoyGrpc_{
					EnvoyGrpc: &corev3.GrpcService_EnvoyGrpc{ClusterName: clusterXDS},
				}},
			},
			AdditionalRequestHeadersToLog:  []string{wire.HeaderFunction, wire.HeaderFullURL, wire.HeaderRequestID, "traceparent"},
			AdditionalResponseHeadersToLog: []string{wire.HeaderRequestID, wire.HeaderComponent, wire.HeaderServerTiming, wire.HeaderColdStart},
		})},
	}}
}

// worthTelling passes what failed, what Envoy has to say something about, what was slow, and what is traced.
func worthTelling(c Config) *accesslogv3.AccessLogFilter {
	atLeast := func(n uint32) *accesslogv3.ComparisonFilter {
		return &accesslogv3.ComparisonFilter{
			Op: accesslogv3.ComparisonFilter_GE, Value: &corev3.RuntimeUInt32{DefaultValue: n, RuntimeKey: "hotpod.unused"},
		}
	}
	filters := []*accesslogv3.AccessLogFilter{
		{FilterSpecifier: &accesslogv3.AccessLogFilter_StatusCodeFilter{StatusCodeFilter: &accesslogv3.StatusCodeFilter{Comparison: atLeast(leastFailed)}}},
		{FilterSpecifier: &accesslogv3.AccessLogFilter_DurationFilter{
			DurationFilter: &accesslogv3.DurationFilter{Comparison: atLeast(uint32(c.Slow.Milliseconds()))}, //nolint:gosec // Validate bounds it
		}},
		{FilterSpecifier: &accesslogv3.AccessLogFilter_ResponseFlagFilter{ResponseFlagFilter: &accesslogv3.ResponseFlagFilter{}}},
	}
	if c.Tracing.enabled() {
		filters = append(filters, &accesslogv3.AccessLogFilter{
			FilterSpecifier: &accesslogv3.AccessLogFilter_TraceableFilter{TraceableFilter: &accesslogv3.TraceableFilter{}},
		})
	}
	return &accesslogv3.AccessLogFilter{FilterSpecifier: &accesslogv3.AccessLogFilter_OrFilter{OrFilter: &accesslogv3.OrFilter{Filters: filters}}}
}
