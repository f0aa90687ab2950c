package xds

import (
	"cmp"
	"net"
	"slices"
	"strconv"
	"time"

	clusterv3 "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	endpointv3 "github.com/envoyproxy/go-control-plane/envoy/config/endpoint/v3"
	leastrequestv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/load_balancing_policies/least_request/v3"
	upstreamhttpv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/upstreams/http/v3"
	typev3 "github.com/envoyproxy/go-control-plane/envoy/type/v3"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

const (
	// connectTimeout is short, since a connection that fails goes elsewhere.
	connectTimeout = time.Second
	// upstreamIdle must be shorter than the queue-proxy's and the activator's own, so that Envoy never sends a
	// request into a connection that the other end is closing.
	upstreamIdle = 30 * time.Second
	// pingInterval and pingTimeout find dead HTTP/2 connections to pods, with patience for one that is starved of CPU.
	pingInterval = 15 * time.Second
	pingTimeout  = 20 * time.Second
	// bufferLimit bounds what a connection buffers in each direction.
	bufferLimit = 256 << 10
	// unlimited is for Envoy's circuit breakers: the bounds are in the queues of activator and queue-proxy.
	unlimited = 1 << 30
	// maxHeaders and maxHeadersKB bound the headers of a message in both directions.
	maxHeaders   = 1000
	maxHeadersKB = 96

	// nobody stands for the activators while none is known: a request that cannot connect is tried again for some
	// seconds, one without any endpoint fails at once.
	nobody = "127.0.0.1:1"

	metadataNamespace = "hotpod"
	metadataFunction  = "function"
)

// functionCluster is where a function's requests go. Its endpoints come apart, see functionEndpoints.
func functionCluster(f Function) *clusterv3.Cluster {
	return &clusterv3.Cluster{
		Name:                          f.ID.UID,
		ClusterDiscoveryType:          &clusterv3.Cluster_Type{Type: clusterv3.Cluster_EDS},
		EdsClusterConfig:              &clusterv3.Cluster_EdsClusterConfig{EdsConfig: viaADS()},
		ConnectTimeout:                durationpb.New(connectTimeout),
		PerConnectionBufferLimitBytes: wrapperspb.UInt32(bufferLimit),
		LoadBalancingPolicy:           leastRequest(),
		// With no pod left at priority 0 all requests must go to the activators, not back to dead pods.
		CommonLbConfig: &clusterv3.Cluster_CommonLbConfig{HealthyPanicThreshold: &typev3.Percent{Value: 0}},
		CircuitBreakers: &clusterv3.CircuitBreakers{Thresholds: []*clusterv3.CircuitBreakers_Thresholds{{
			MaxConnections: wrapperspb.UInt32(unlimited), MaxPendingRequests: wrapperspb.UInt32(unlimited),
			MaxRequests: wrapperspb.UInt32(unlimited), MaxRetries: wrapperspb.UInt32(unlimited),
		}}},
		TypedExtensionProtocolOptions: map[string]*anypb.Any{
			"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": pack(upstreamProtocol(f.HTTP2)),
		},
		Metadata: &corev3.Metadata{FilterMetadata: map[string]*structpb.Struct{
			metadataNamespace: {Fields: map[string]*structpb.Value{metadataFunction: structpb.NewStringValue(f.ID.String())}},
		}},
	}
}

// leastRequest looks at every pod, so that a free one is found if there is one.
func leastRequest() *clusterv3.LoadBalancingPolicy {
	return &clusterv3.LoadBalancingPolicy{Policies: []*clusterv3.LoadBalancingPolicy_Policy{{
		TypedExtensionConfig: &corev3.TypedExtensionConfig{
			Name:        "envoy.load_balancing_policies.least_request",
			TypedConfig: pack(&leastrequestv3.LeastRequest{SelectionMethod: leastrequestv3.LeastRequest_FULL_SCAN}),
		},
	}}}
}

// upstreamProtocol is HTTP/1.1, or HTTP/2 without TLS by prior knowledge, whatever the client speaks.
func upstreamProtocol(http2 bool) *upstreamhttpv3.HttpProtocolOptions {
	explicit := &upstreamhttpv3.HttpProtocolOptions_ExplicitHttpConfig{
		ProtocolConfig: &upstreamhttpv3.HttpProtocolOptions_ExplicitHttpConfig_HttpProtocolOptions{
			HttpProtocolOptions: &corev3.Http1ProtocolOptions{},
		},
	}
	if http2 {
		explicit.ProtocolConfig = &upstreamhttpv3.HttpProtocolOptions_ExplicitHttpConfig_Http2ProtocolOptions{
			Http2ProtocolOptions: upstreamHTTP2(),
		}
	}
	return &upstreamhttpv3.HttpProtocolOptions{
		CommonHttpProtocolOptions: &corev3.HttpProtocolOptions{
			IdleTimeout: durationpb.New(upstreamIdle), MaxHeadersCount: wrapperspb.UInt32(maxHeaders),
			MaxResponseHeadersKb: wrapperspb.UInt32(maxHeadersKB),
		},
		UpstreamProtocolOptions: &upstreamhttpv3.HttpProtocolOptions_ExplicitHttpConfig_{
			ExplicitHttpConfig: explicit,
		},
	}
}

// upstreamHTTP2 finds out by pings that a pod vanished: the many requests of one connection would hang on it.
func upstreamHTTP2() *corev3.Http2ProtocolOptions {
	return &corev3.Http2ProtocolOptions{
		MaxConcurrentStreams:        wrapperspb.UInt32(streams),
		InitialStreamWindowSize:     wrapperspb.UInt32(http2Window),
		InitialConnectionWindowSize: wrapperspb.UInt32(http2ConnectionWindow),
		ConnectionKeepalive: &corev3.KeepaliveSettings{
			Interval: durationpb.New(pingInterval), Timeout: durationpb.New(pingTimeout),
		},
	}
}

// viaADS says that a resource comes over the one discovery stream.
func viaADS() *corev3.ConfigSource {
	return &corev3.ConfigSource{
		ResourceApiVersion:    corev3.ApiVersion_V3,
		ConfigSourceSpecifier: &corev3.ConfigSource_Ads{Ads: &corev3.AggregatedConfigSource{}},
	}
}

// functionEndpoints are the pods of the newest generation that has any, and the activators for when they do not do.
// Older generations still run, but Envoy may no longer choose them.
func functionEndpoints(uid string, hot []Pod, activators []string) *endpointv3.ClusterLoadAssignment {
	newest := int64(0)
	for _, p := range hot {
		newest = max(newest, p.Generation)
	}
	var addresses []string
	for _, p := range hot {
		if p.Generation == newest {
			addresses = append(addresses, p.Address)
		}
	}
	if len(activators) == 0 {
		activators = []string{nobody}
	}
	return &endpointv3.ClusterLoadAssignment{
		ClusterName: uid,
		// The first group stands there also when it is empty: priorities have no gaps.
		Endpoints: []*endpointv3.LocalityLbEndpoints{locality(0, addresses), locality(1, activators)},
	}
}

func locality(priority uint32, addresses []string) *endpointv3.LocalityLbEndpoints {
	l := &endpointv3.LocalityLbEndpoints{Priority: priority}
	for _, a := range slices.Compact(slices.SortedFunc(slices.Values(addresses), cmp.Compare[string])) {
		l.LbEndpoints = append(l.LbEndpoints, &endpointv3.LbEndpoint{
			HostIdentifier: &endpointv3.LbEndpoint_Endpoint{Endpoint: &endpointv3.Endpoint{Address: address(a)}},
		})
	}
	return l
}

// address turns "host:port" into Envoy's form; the port is 0 when there is none. The host "::" means every address of
// the machine, those of IPv4 too.
func address(hostPort string) *corev3.Address {
	host, port, err := net.SplitHostPort(hostPort)
	if err != nil {
		host = hostPort
	}
	n, _ := strconv.ParseUint(port, 10, 16)
	return &corev3.Address{Address: &corev3.Address_SocketAddress{SocketAddress: &corev3.SocketAddress{
		Address: host, PortSpecifier: &corev3.SocketAddress_PortValue{PortValue: uint32(n)}, Ipv4Compat: host == "::",
	}}}
}
