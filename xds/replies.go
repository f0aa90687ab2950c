package xds

import (
	"net/http"

	accesslogv3 "github.com/envoyproxy/go-control-plane/envoy/config/accesslog/v3"
	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	streamlogv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/access_loggers/stream/v3"
	hcmv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/http_connection_manager/v3"
	stringv3 "github.com/envoyproxy/go-control-plane/envoy/type/matcher/v3"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"hotpod.dev/wire"
)

// fault is an error that Envoy itself answers, in the words of the contract.
type fault struct {
	flags  []string // Envoy's response flags, any of them; or
	status uint32   // Envoy's own status
	answer uint32   // the status that the client sees; 0 keeps Envoy's
	grpc   uint32   // the same for gRPC, of whose clients Envoy makes a gRPC status; 0 is answer
	wire.Error
}

// faults are tried in order.
func faults() []fault {
	return []fault{
		{flags: []string{"UH", "NC", "UF", "UO"}, answer: http.StatusInternalServerError, grpc: http.StatusServiceUnavailable, Error: wire.Error{
			Component: "executor", Reason: "executor_unavailable", Message: "no pod and no activator can be reached: call again, or look at the activator",
		}},
		{flags: []string{"UC", "UR", "UPE"}, answer: http.StatusInternalServerError, Error: wire.Error{
			Component: "function", Reason: "function_error", Message: "the pod went away while it had the request",
		}},
		{flags: []string{"SI", "UT", "DT", "UMSDR"}, answer: http.StatusGatewayTimeout, Error: wire.Error{
			Component: "timeout", Reason: "stream_idle", Message: "nothing was sent or received for too long",
		}},
		{flags: []string{"OM", "RL", "RLSE"}, answer: http.StatusServiceUnavailable, Error: wire.Error{
			Component: "router", Reason: "overloaded", Message: "the router has too much to do: call again later",
		}},
		{status: http.StatusRequestTimeout, Error: router("request_timeout", "the request did not arrive in time")},
		{status: http.StatusRequestEntityTooLarge, Error: router("body_too_large", "the request's body is too large")},
		{status: http.StatusRequestHeaderFieldsTooLarge, Error: router("headers_too_large", "the request's headers are too large")},
		{status: http.StatusUpgradeRequired, Error: router("upgrade_required", "the request's HTTP version is not served")},
		{flags: []string{"DPE"}, status: http.StatusBadRequest, Error: router("bad_request", "the request is not valid HTTP")},
	}
}

func router(reason, message string) wire.Error {
	return wire.Error{Component: "router", Reason: reason, Message: message}
}

// localReplies gives Envoy's own errors the form that all errors of the platform have. What routes answer directly
// (404, 405, 403) stays plain text.
func localReplies(listener string, tracing bool) *hcmv3.LocalReplyConfig {
	config := &hcmv3.LocalReplyConfig{Mappers: []*hcmv3.ResponseMapper{
		plainReply("NR", http.StatusMethodNotAllowed, textWrongMethod), // see wrongMethod
		plainReply("UO", http.StatusMethodNotAllowed, textWrongMethod), // see clusterWrongMethod
		plainReply("UDO", http.StatusNotFound, textNotFound),           // see clusterMiss
	}}
	switch listener {
	case tableInternal:
		config.Mappers = []*hcmv3.ResponseMapper{plainReply("UDO", http.StatusNotFound, textNotFound, set(headerRouteMiss, "1"))}
	case tableServices:
		config.Mappers = []*hcmv3.ResponseMapper{plainReply("UDO", http.StatusNotFound, textNoService)}
	}
	for _, f := range faults() {
		if f.grpc != 0 {
			config.Mappers = append(config.Mappers, f.mapper(both(f.filter(), grpcRequest()), f.grpc, tracing))
		}
		config.Mappers = append(config.Mappers, f.mapper(f.filter(), f.answer, tracing))
	}
	return config
}

func (f fault) mapper(when *accesslogv3.AccessLogFilter, answer uint32, tracing bool) *hcmv3.ResponseMapper {
	m := &hcmv3.ResponseMapper{
		Filter:             when,
		BodyFormatOverride: f.format(tracing),
		HeadersToAdd:       append(replyHeaders(), set(wire.HeaderComponent, f.Component)),
	}
	if answer != 0 {
		m.StatusCode = wrapperspb.UInt32(answer)
	}
	return m
}

func both(filters ...*accesslogv3.AccessLogFilter) *accesslogv3.AccessLogFilter {
	return &accesslogv3.AccessLogFilter{FilterSpecifier: &accesslogv3.AccessLogFilter_AndFilter{
		AndFilter: &accesslogv3.AndFilter{Filters: filters},
	}}
}

func grpcRequest() *accesslogv3.AccessLogFilter {
	return &accesslogv3.AccessLogFilter{FilterSpecifier: &accesslogv3.AccessLogFilter_HeaderFilter{
		HeaderFilter: &accesslogv3.HeaderFilter{Header: &routev3.HeaderMatcher{
			Name: "content-type", HeaderMatchSpecifier: &routev3.HeaderMatcher_StringMatch{StringMatch: &stringv3.StringMatcher{
				MatchPattern: &stringv3.StringMatcher_Prefix{Prefix: "application/grpc"},
			}},
		}},
	}}
}

// plainReply answers as a route would, with the headers that all routes add.
func plainReply(flag string, status uint32, text string, headers ...*corev3.HeaderValueOption) *hcmv3.ResponseMapper {
	return &hcmv3.ResponseMapper{
		Filter: fault{flags: []string{flag}}.filter(), StatusCode: wrapperspb.UInt32(status),
		Body:         &corev3.DataSource{Specifier: &corev3.DataSource_InlineString{InlineString: text}},
		HeadersToAdd: append(replyHeaders(), headers...),
	}
}

// replyHeaders are those of a route, which Envoy's own replies have only when there was a route.
func replyHeaders() []*corev3.HeaderValueOption {
	return append(responseHeaders(corev3.HeaderValueOption_OVERWRITE_IF_EXISTS_OR_ADD), replyID())
}

// replyID tells what a request that Envoy itself answers is known by: its client's ID, or one made up. It does for these
// what activator and queue-proxy do for all others.
func replyID() *corev3.HeaderValueOption {
	return set(wire.HeaderRequestID, `%COALESCE({"operators":[{"command":"REQ","param":"X-FISSION-REQUEST-ID","max_length":192},`+
		`{"command":"REQ","param":"X-REQUEST-ID","max_length":192},{"command":"UNIQUE_ID"}]})%`)
}

// answeredID is the ID that the answer tells.
const answeredID = "%RESP(X-FISSION-REQUEST-ID)%"

func (f fault) filter() *accesslogv3.AccessLogFilter {
	flags := &accesslogv3.AccessLogFilter{FilterSpecifier: &accesslogv3.AccessLogFilter_ResponseFlagFilter{
		ResponseFlagFilter: &accesslogv3.ResponseFlagFilter{Flags: f.flags},
	}}
	status := &accesslogv3.AccessLogFilter{FilterSpecifier: &accesslogv3.AccessLogFilter_StatusCodeFilter{
		StatusCodeFilter: &accesslogv3.StatusCodeFilter{Comparison: &accesslogv3.ComparisonFilter{
			Op: accesslogv3.ComparisonFilter_EQ, Value: &corev3.RuntimeUInt32{DefaultValue: f.status, RuntimeKey: "hotpod.unused"},
		}},
	}}
	switch {
	case f.status == 0:
		return flags
	case len(f.flags) == 0:
		return status
	}
	return &accesslogv3.AccessLogFilter{FilterSpecifier: &accesslogv3.AccessLogFilter_OrFilter{
		OrFilter: &accesslogv3.OrFilter{Filters: []*accesslogv3.AccessLogFilter{flags, status}},
	}}
}

func (f fault) format(tracing bool) *corev3.SubstitutionFormatString {
	fields := map[string]string{
		"component": f.Component, "reason": f.Reason, "message": f.Message, "requestId": answeredID,
		"explain": "hotpod explain " + answeredID,
	}
	if tracing {
		fields["traceId"] = "%TRACE_ID%"
	}
	return jsonFormat(fields)
}

func jsonFormat(fields map[string]string) *corev3.SubstitutionFormatString {
	values := make(map[string]*structpb.Value, len(fields))
	for k, v := range fields {
		values[k] = structpb.NewStringValue(v)
	}
	return &corev3.SubstitutionFormatString{Format: &corev3.SubstitutionFormatString_JsonFormat{
		JsonFormat: &structpb.Struct{Fields: values},
	}, OmitEmptyValues: true}
}

// accessLog logs requests to standard output as JSON, or not at all.
func accessLog(on bool) []*accesslogv3.AccessLog {
	if !on {
		return nil
	}
	format := jsonFormat(map[string]string{
		"time": "%START_TIME%", "method": "%REQ(:METHOD)%", "host": "%REQ(:AUTHORITY)%", "path": "%REQ(X-FISSION-FULL-URL)%",
		"route": "%ROUTE_NAME%", "status": "%RESPONSE_CODE%", "flags": "%RESPONSE_FLAGS%", "details": "%RESPONSE_CODE_DETAILS%",
		"duration_ms": "%DURATION%", "bytes_in": "%BYTES_RECEIVED%", "bytes_out": "%BYTES_SENT%", "attempts": "%UPSTREAM_REQUEST_ATTEMPT_COUNT%",
		"upstream": "%UPSTREAM_HOST%", "request_id": answeredID,
	})
	return []*accesslogv3.AccessLog{{
		Name: "envoy.access_loggers.stdout",
		ConfigType: &accesslogv3.AccessLog_TypedConfig{TypedConfig: pack(&streamlogv3.StdoutAccessLog{
			AccessLogFormat: &streamlogv3.StdoutAccessLog_LogFormat{LogFormat: format},
		})},
	}}
}
