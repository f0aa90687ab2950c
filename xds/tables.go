package xds

import (
	"net/http"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	hostsv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/retry/host/previous_hosts/v3"
	prioritiesv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/retry/priority/previous_priorities/v3"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"hotpod.dev/wire"
)

// Names of the listeners and of their first route tables.
const (
	tablePublic   = "public"
	tableInternal = "internal"
	tableServices = "services"
)

// routeTable holds what all routes have in common, so that a route itself stays small.
func routeTable(c Config, listener, name string, tree *matcher) *routev3.RouteConfiguration {
	r := &routev3.RouteConfiguration{
		Name: name,
		VirtualHosts: []*routev3.VirtualHost{{
			Name: "all", Domains: []string{"*"}, Matcher: tree,
			RetryPolicy:            retryPolicy(),
			RequestBodyBufferLimit: wrapperspb.UInt64(uint64(max(c.ReplayLimit, 0) + replayRoom)),
		}},
		RequestHeadersToAdd: []*corev3.HeaderValueOption{
			set(wire.HeaderFunction, "%CLUSTER_METADATA("+metadataNamespace+":"+metadataFunction+")%"),
		},
		RequestHeadersToRemove:  []string{headerPath, headerScope, "x-envoy-external-address", "x-envoy-internal"},
		ResponseHeadersToAdd:    responseHeaders(corev3.HeaderValueOption_APPEND_IF_EXISTS_OR_ADD),
		ResponseHeadersToRemove: []string{wire.HeaderBusy},
		ValidateClusters:        wrapperspb.Bool(false), // clusters come when they are called
	}
	if listener == tableInternal {
		r.VirtualHosts[0].ResponseHeadersToRemove = accessControlHeaders()
		r.RequestHeadersToRemove = append(r.RequestHeadersToRemove, signatureHeaders()...)
	}
	return r
}

// responseHeaders are on every response; the request's ID is too, by whoever answers. Vary says how that header is added to what is there.
func responseHeaders(vary corev3.HeaderValueOption_HeaderAppendAction) []*corev3.HeaderValueOption {
	return []*corev3.HeaderValueOption{
		{Header: &corev3.HeaderValue{Key: "Vary", Value: "Origin"}, AppendAction: vary},
		{Header: &corev3.HeaderValue{Key: "X-Content-Type-Options", Value: "nosniff"}, AppendAction: corev3.HeaderValueOption_ADD_IF_ABSENT},
	}
}

const (
	// replayRoom is how much more than the replay limit Envoy keeps of a body. One above the limit can be refused as well,
	// before anything of it was read, by a pod that can do nothing else. Until Envoy knows, it has taken what fits into
	// its buffers and the kernels', and until it has sent that elsewhere, it takes more.
	replayRoom = 1 << 20
	// retries bounds the attempts after the first. One spill needs one; the others bridge the time in which the only
	// activator restarts: their back-off doubles from retryFirst, of which Envoy takes a random part each time, and adds up
	// to some seven seconds.
	retries    = 24
	retryFirst = 1e6  // 1 ms, in nanoseconds
	retryMost  = 10e8 // 1 s
)

// retryPolicy repeats requests that no function has seen, each time at the other priority if it can.
func retryPolicy() *routev3.RetryPolicy {
	return &routev3.RetryPolicy{
		RetryOn:    "connect-failure,refused-stream,reset-before-request,retriable-headers",
		NumRetries: wrapperspb.UInt32(retries),
		RetriableHeaders: []*routev3.HeaderMatcher{{
			Name: wire.HeaderBusy, HeaderMatchSpecifier: &routev3.HeaderMatcher_PresentMatch{PresentMatch: true},
		}},
		RetryPriority: &routev3.RetryPolicy_RetryPriority{
			Name: "envoy.retry_priorities.previous_priorities",
			ConfigType: &routev3.RetryPolicy_RetryPriority_TypedConfig{
				TypedConfig: pack(&prioritiesv3.PreviousPrioritiesConfig{UpdateFrequency: 1}),
			},
		},
		RetryHostPredicate: []*routev3.RetryPolicy_RetryHostPredicate{{
			Name:       "envoy.retry_host_predicates.previous_hosts",
			ConfigType: &routev3.RetryPolicy_RetryHostPredicate_TypedConfig{TypedConfig: pack(&hostsv3.PreviousHostsPredicate{})},
		}},
		HostSelectionRetryMaxAttempts: 3,
		RetryBackOff: &routev3.RetryPolicy_RetryBackOff{
			BaseInterval: durationpb.New(retryFirst), MaxInterval: durationpb.New(retryMost),
		},
	}
}

// versionReply says which version runs, in Fission's words. The times are filled in by Envoy.
func versionReply(version string) *routev3.Route {
	r := reply(http.StatusOK, "")
	text := structpb.NewStringValue
	r.GetDirectResponse().BodyFormat = &corev3.SubstitutionFormatString{
		Format: &corev3.SubstitutionFormatString_JsonFormat{JsonFormat: &structpb.Struct{Fields: map[string]*structpb.Value{
			"Build": structpb.NewStructValue(&structpb.Struct{Fields: map[string]*structpb.Value{
				"Version": text(literally(version)), "GitCommit": text(""), "BuildDate": text(""),
			}}),
			"ServerTime": structpb.NewStructValue(&structpb.Struct{Fields: map[string]*structpb.Value{
				"Timezone": text("UTC"), "CurrentTime": text("%START_TIME(%Y-%m-%dT%H:%M:%E3SZ)%"),
			}}),
		}}},
	}
	return r
}
