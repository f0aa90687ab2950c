package xds

import (
	"time"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	listenerv3 "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
	headermutationv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/header_mutation/v3"
	ondemandv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/on_demand/v3"
	routerv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/router/v3"
	filterstatev3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/set_filter_state/v3"
	hcmv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/http_connection_manager/v3"
	uuidv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/request_id/uuid/v3"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

const (
	// flushTimeout bounds how long a client may leave the end of an answer unread. Other bounds of requests are kept by
	// activator and queue-proxy, as the function has them: a timer of Envoy's for each costs 3 % of a request.
	flushTimeout = 5 * time.Minute
	// The keepalive finds out within two minutes that the other end vanished without a word. Idle and interval are in
	// seconds.
	keepaliveIdle, keepaliveInterval, keepaliveProbes = 60, 20, 3
	// headersTimeout bounds the time in which a client sends its request's headers.
	headersTimeout = 30 * time.Second
	// clientIdle is how long a client's connection may be without a request.
	clientIdle = 5 * time.Minute
	// drainTime is how long connections of a listener that goes may finish.
	drainTime = 30 * time.Second
	// onDemandTimeout bounds the wait for a cluster; it is longer than this server needs for a restart.
	onDemandTimeout = 15 * time.Second
	// streams is the number of requests that a client may have in flight on one HTTP/2 connection.
	streams = 128
	// http2Window and http2ConnectionWindow bound what a client may send ahead, per request and per connection.
	http2Window           = 256 << 10
	http2ConnectionWindow = 1 << 20
)

// listeners are the public and the internal one, and that of Services where there are any.
func listeners(c Config) []*listenerv3.Listener {
	all := []*listenerv3.Listener{listener(c, tablePublic, c.Public), listener(c, tableInternal, c.Internal)}
	if len(c.Services) > 0 {
		all = append(all, listener(c, tableServices, c.Services))
	}
	return all
}

func listener(c Config, name string, addresses []string) *listenerv3.Listener {
	manager := connectionManager(c, name)
	if name == tableServices { // clients write a host in several ways
		manager.StripPortMode = &hcmv3.HttpConnectionManager_StripAnyHostPort{StripAnyHostPort: true}
		manager.StripTrailingHostDot = true
	}
	l := &listenerv3.Listener{
		Name: name, StatPrefix: name, Address: address(addresses[0]),
		PerConnectionBufferLimitBytes: wrapperspb.UInt32(bufferLimit),
		TcpKeepalive: &corev3.TcpKeepalive{
			KeepaliveTime: wrapperspb.UInt32(keepaliveIdle), KeepaliveInterval: wrapperspb.UInt32(keepaliveInterval),
			KeepaliveProbes: wrapperspb.UInt32(keepaliveProbes),
		},
		FilterChains: []*listenerv3.FilterChain{{Filters: []*listenerv3.Filter{{
			Name:       "envoy.filters.network.http_connection_manager",
			ConfigType: &listenerv3.Filter_TypedConfig{TypedConfig: pack(manager)},
		}}}},
	}
	for _, a := range addresses[1:] {
		l.AdditionalAddresses = append(l.AdditionalAddresses, &listenerv3.AdditionalAddress{Address: address(a)})
	}
	return l
}

func connectionManager(c Config, name string) *hcmv3.HttpConnectionManager {
	return &hcmv3.HttpConnectionManager{
		StatPrefix:                    name,
		RouteSpecifier:                &hcmv3.HttpConnectionManager_ScopedRoutes{ScopedRoutes: scopedRoutes()},
		HttpFilters:                   httpFilters(name),
		EarlyHeaderMutationExtensions: []*corev3.TypedExtensionConfig{earlyHeaders(name)},
		LocalReplyConfig:              localReplies(name, c.Tracing.enabled()),
		Tracing:                       c.Tracing.connectionManager(),
		AccessLog:                     append(accessLog(c.AccessLog), timelineLog(c)...),
		UpgradeConfigs:                []*hcmv3.HttpConnectionManager_UpgradeConfig{{UpgradeType: "websocket"}},

		// Dots are resolved before anything is matched. Repeated slashes are kept: they mean something to functions.
		NormalizePath: wrapperspb.Bool(true),
		// The peer is the client: its address is appended to X-Forwarded-For.
		UseRemoteAddress:           wrapperspb.Bool(true),
		PreserveExternalRequestId:  true,
		GenerateRequestId:          wrapperspb.Bool(c.Tracing.enabled()), // else activator and queue-proxy do it cheaper
		RequestIdExtension:         requestIDs(),
		ServerHeaderTransformation: hcmv3.HttpConnectionManager_PASS_THROUGH,

		StreamIdleTimeout:     durationpb.New(0),
		StreamFlushTimeout:    durationpb.New(flushTimeout),
		RequestHeadersTimeout: durationpb.New(headersTimeout),
		DrainTimeout:          durationpb.New(drainTime),
		MaxRequestHeadersKb:   wrapperspb.UInt32(maxHeadersKB),
		CommonHttpProtocolOptions: &corev3.HttpProtocolOptions{
			IdleTimeout: durationpb.New(clientIdle), MaxHeadersCount: wrapperspb.UInt32(maxHeaders),
		},
		HttpProtocolOptions: &corev3.Http1ProtocolOptions{AcceptHttp_10: true, DefaultHostForHttp_10: "localhost"},
		Http2ProtocolOptions: &corev3.Http2ProtocolOptions{
			MaxConcurrentStreams:        wrapperspb.UInt32(streams),
			InitialStreamWindowSize:     wrapperspb.UInt32(http2Window),
			InitialConnectionWindowSize: wrapperspb.UInt32(http2ConnectionWindow),
		},
	}
}

// requestIDs leaves a client's X-Request-Id as it is, where Envoy would write its sampling decision into it.
func requestIDs() *hcmv3.RequestIDExtension {
	return &hcmv3.RequestIDExtension{TypedConfig: pack(&uuidv3.UuidRequestIdConfig{PackTraceReason: wrapperspb.Bool(false)})}
}

// httpFilters are what a request passes through, in order.
func httpFilters(listener string) []*hcmv3.HttpFilter {
	filter := func(name string, config proto.Message) *hcmv3.HttpFilter {
		return &hcmv3.HttpFilter{Name: name, ConfigType: &hcmv3.HttpFilter_TypedConfig{TypedConfig: pack(config)}}
	}
	var first []*hcmv3.HttpFilter
	if listener == tableInternal {
		first = append(first, filter("envoy.filters.http.ext_authz", guard()))
	}
	return append(first,
		asleep(filter(filterScope, &headermutationv3.HeaderMutation{})),
		asleep(filter(filterAgain, &filterstatev3.Config{ClearRouteCache: true})),
		filter("envoy.filters.http.on_demand", &ondemandv3.OnDemand{
			Odcds: &ondemandv3.OnDemandCds{Source: viaADS(), Timeout: durationpb.New(onDemandTimeout)},
		}),
		filter("envoy.filters.http.router", &routerv3.Router{
			SuppressEnvoyHeaders: true,
			// Names made up for each request, to count it by cluster and status: keptStats has none of them, and they
			// would cost 16,000 instructions.
			DynamicStats: wrapperspb.Bool(false),
		}),
	)
}

// asleep is a filter that only some routes wake.
func asleep(f *hcmv3.HttpFilter) *hcmv3.HttpFilter {
	f.Disabled = true
	return f
}
