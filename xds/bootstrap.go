package xds

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	bootstrapv3 "github.com/envoyproxy/go-control-plane/envoy/config/bootstrap/v3"
	clusterv3 "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	endpointv3 "github.com/envoyproxy/go-control-plane/envoy/config/endpoint/v3"
	listenerv3 "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
	metricsv3 "github.com/envoyproxy/go-control-plane/envoy/config/metrics/v3"
	overloadv3 "github.com/envoyproxy/go-control-plane/envoy/config/overload/v3"
	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	routerv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/router/v3"
	hcmv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/http_connection_manager/v3"
	connectionsv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/resource_monitors/downstream_connections/v3"
	upstreamhttpv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/upstreams/http/v3"
	stringv3 "github.com/envoyproxy/go-control-plane/envoy/type/matcher/v3"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/structpb"

	"hotpod.dev/wire"
)

// BootstrapConfig says how an Envoy starts.
type BootstrapConfig struct {
	// XDS is the address of the discovery server, "host:port".
	XDS string
	// Admin is where Envoy's admin interface listens, on a loopback address; "" means 127.0.0.1:9901.
	Admin string
	// Debug is where /metrics, /healthz and /readyz are served, "ip:port"; "" means nowhere.
	Debug string
	// Guard is where Envoy asks whether a call of the internal listener may come in, "ip:port"; "" means that all may.
	Guard string
	// Secrets is the folder of SecretFiles, by which the discovery server and Envoy know one another; "" means that they talk
	// plainly.
	Secrets string
	// NodeID names the Envoy in logs and metrics; "" means "envoy". Envoy's --service-node wins over it.
	NodeID string
	// Tracing must be the same as the server's Config.Tracing.
	Tracing Tracing
}

// Validate returns every fault of the configuration.
func (c BootstrapConfig) Validate() error {
	errs := []error{c.Tracing.validate()}
	if _, _, err := net.SplitHostPort(c.XDS); err != nil {
		errs = append(errs, fmt.Errorf("xds address %q is not host:port", c.XDS))
	}
	if a, err := netip.ParseAddrPort(c.Admin); c.Admin != "" && (err != nil || !a.Addr().IsLoopback()) {
		errs = append(errs, fmt.Errorf("admin address %q is not a loopback ip:port: whoever reaches it can stop Envoy", c.Admin))
	}
	if _, err := netip.ParseAddrPort(c.Debug); c.Debug != "" && err != nil {
		errs = append(errs, fmt.Errorf("debug address %q is not ip:port", c.Debug))
	}
	if _, err := netip.ParseAddrPort(c.Guard); c.Guard != "" && err != nil {
		errs = append(errs, fmt.Errorf("guard address %q is not ip:port", c.Guard))
	}
	return errors.Join(errs...)
}

const (
	clusterXDS   = "xds"
	clusterAdmin = "admin"
	// maxConnections bounds the clients' connections of one Envoy.
	maxConnections = 100_000
	// Linux's numbers: the file is made for another machine, maybe on another system.
	solSocket, soSndbuf, soKeepalive              = 1, 7, 9
	solTCP, tcpKeepidle, tcpKeepintvl, tcpKeepcnt = 6, 4, 5, 6
)

// Bootstrap returns the configuration that an Envoy starts with, as indented JSON: how to reach the discovery server,
// and nothing of what is discovered.
func Bootstrap(c BootstrapConfig) ([]byte, error) {
	if err := c.Validate(); err != nil {
		return nil, fmt.Errorf("make bootstrap: %w", err)
	}
	if c.Admin == "" {
		c.Admin = "127.0.0.1:9901"
	}
	if c.NodeID == "" {
		c.NodeID = "envoy"
	}
	text, err := protojson.Marshal(bootstrap(c))
	if err != nil {
		return nil, fmt.Errorf("write bootstrap: %w", err)
	}
	return indent(text)
}

// indent makes the text the same on every run; protojson's own white space is not.
func indent(text []byte) ([]byte, error) {
	var v any
	if err := json.Unmarshal(text, &v); err != nil {
		return nil, err
	}
	out, err := json.MarshalIndent(v, "", "  ")
	return append(out, '\n'), err
}

func bootstrap(c BootstrapConfig) *bootstrapv3.Bootstrap {
	b := &bootstrapv3.Bootstrap{
		Node:  &corev3.Node{Id: c.NodeID, Cluster: "hotpod"},
		Admin: &bootstrapv3.Admin{Address: address(c.Admin)},
		DynamicResources: &bootstrapv3.Bootstrap_DynamicResources{
			LdsConfig: viaADS(), AdsConfig: discovery(), // clusters come on demand: there is no CdsConfig
		},
		StaticResources: &bootstrapv3.Bootstrap_StaticResources{Clusters: []*clusterv3.Cluster{xdsCluster(c.XDS)}},
		StatsConfig:     &metricsv3.StatsConfig{StatsMatcher: &metricsv3.StatsMatcher{StatsMatcher: keptStats()}},
		LayeredRuntime:  runtimeSettings(c.Guard != ""),
		OverloadManager: connectionLimit(),
		ClusterManager:  &bootstrapv3.ClusterManager{UpstreamBindConfig: upstreamSockets()},
		// Tables come as messages that are garbage when they are built: a good part of them would stay resident.
		MemoryAllocatorManager: &bootstrapv3.MemoryAllocatorManager{
			BytesToRelease: 16 << 20, MemoryReleaseInterval: durationpb.New(time.Second),
		},
	}
	if c.Tracing.enabled() {
		b.StaticResources.Clusters = append(b.StaticResources.Clusters, staticCluster(clusterTracing, c.Tracing.address()))
	}
	if c.Secrets != "" {
		b.StaticResources.Clusters[0].TransportSocket = secured(c.Secrets)
	}
	if c.Guard != "" {
		b.StaticResources.Clusters = append(b.StaticResources.Clusters, staticCluster(clusterGuard, c.Guard))
	}
	if c.Debug != "" {
		b.StaticResources.Clusters = append(b.StaticResources.Clusters, staticCluster(clusterAdmin, c.Admin))
		b.StaticResources.Listeners = []*listenerv3.Listener{debugListener(c.Debug)}
	}
	return b
}

// upstreamSockets keeps what the kernel takes of a body before a pod has read any of it well below what is kept for a
// replay. And it finds out that a pod vanished with its node while requests wait
// for their answers, which have no other bound here.
func upstreamSockets() *corev3.BindConfig {
	option := func(what string, level, name, value int64) *corev3.SocketOption {
		return &corev3.SocketOption{Description: what, Level: level, Name: name, Value: &corev3.SocketOption_IntValue{IntValue: value}}
	}
	return &corev3.BindConfig{SocketOptions: []*corev3.SocketOption{
		option("send buffer", solSocket, soSndbuf, wire.KernelBuffer),
		option("keepalive", solSocket, soKeepalive, 1),
		option("keepalive, idle", solTCP, tcpKeepidle, keepaliveIdle),
		option("keepalive, interval", solTCP, tcpKeepintvl, keepaliveInterval),
		option("keepalive, probes", solTCP, tcpKeepcnt, keepaliveProbes),
	}}
}

// discovery is the one stream to the server. It is made again soon after it broke, so that a restart is not noticed.
func discovery() *corev3.ApiConfigSource {
	return &corev3.ApiConfigSource{
		ApiType: corev3.ApiConfigSource_DELTA_GRPC, TransportApiVersion: corev3.ApiVersion_V3, SetNodeOnFirstMessageOnly: true,
		GrpcServices: []*corev3.GrpcService{{TargetSpecifier: &corev3.GrpcService_EnvoyGrpc_{EnvoyGrpc: &corev3.GrpcService_EnvoyGrpc{
			ClusterName: clusterXDS,
			RetryPolicy: &corev3.RetryPolicy{RetryBackOff: &corev3.BackoffStrategy{
				BaseInterval: durationpb.New(50 * time.Millisecond), MaxInterval: durationpb.New(time.Second),
			}},
		}}}},
	}
}

func xdsCluster(target string) *clusterv3.Cluster {
	c := staticCluster(clusterXDS, target)
	c.TypedExtensionProtocolOptions = map[string]*anypb.Any{
		"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": pack(&upstreamhttpv3.HttpProtocolOptions{
			UpstreamProtocolOptions: &upstreamhttpv3.HttpProtocolOptions_ExplicitHttpConfig_{
				ExplicitHttpConfig: &upstreamhttpv3.HttpProtocolOptions_ExplicitHttpConfig{
					ProtocolConfig: &upstreamhttpv3.HttpProtocolOptions_ExplicitHttpConfig_Http2ProtocolOptions{
						Http2ProtocolOptions: &corev3.Http2ProtocolOptions{ConnectionKeepalive: &corev3.KeepaliveSettings{
							Interval: durationpb.New(10 * time.Second), Timeout: durationpb.New(5 * time.Second),
						}},
					},
				},
			},
		}),
	}
	return c
}

// staticCluster reaches one address, a name too.
func staticCluster(name, target string) *clusterv3.Cluster {
	kind := clusterv3.Cluster_STRICT_DNS
	if _, err := netip.ParseAddrPort(target); err == nil {
		kind = clusterv3.Cluster_STATIC
	}
	return &clusterv3.Cluster{
		Name: name, ClusterDiscoveryType: &clusterv3.Cluster_Type{Type: kind}, ConnectTimeout: durationpb.New(connectTimeout),
		DnsLookupFamily: clusterv3.Cluster_ALL,
		LoadAssignment: &endpointv3.ClusterLoadAssignment{
			ClusterName: name, Endpoints: []*endpointv3.LocalityLbEndpoints{locality(0, []string{target})},
		},
	}
}

// keptStats are the statistics that somebody reads; those of each function's cluster would cost more than the cluster.
func keptStats() *metricsv3.StatsMatcher_InclusionList {
	prefix := func(s string) *stringv3.StringMatcher {
		return &stringv3.StringMatcher{MatchPattern: &stringv3.StringMatcher_Prefix{Prefix: s}}
	}
	return &metricsv3.StatsMatcher_InclusionList{InclusionList: &stringv3.ListStringMatcher{Patterns: []*stringv3.StringMatcher{
		prefix("server."), prefix("control_plane."), prefix("listener_manager."), prefix("cluster_manager."),
		prefix("http.public."), prefix("http.internal."), prefix("cluster.xds."), prefix("overload."),
		prefix("listener.public."), prefix("listener.internal."), prefix("runtime.load"), prefix("tracing."),
	}}}
}

func runtimeSettings(guarded bool) *bootstrapv3.LayeredRuntime {
	settings := map[string]*structpb.Value{
		// Twice what parsePattern admits: Envoy counts in its own way.
		"re2.max_program_size.error_level": structpb.NewNumberValue(2 * maxProgram),
		"re2.max_program_size.warn_level":  structpb.NewNumberValue(2 * maxProgram),
		// A chunk that is longer than it says is refused, and not read by guesswork.
		"envoy.reloadable_features.strict_chunk_parsing": structpb.NewBoolValue(true),
	}
	if guarded {
		settings[guardSwitch] = structpb.NewNumberValue(100)
	}
	return &bootstrapv3.LayeredRuntime{Layers: []*bootstrapv3.RuntimeLayer{{
		Name: "static", LayerSpecifier: &bootstrapv3.RuntimeLayer_StaticLayer{StaticLayer: &structpb.Struct{Fields: settings}},
	}}}
}

func connectionLimit() *overloadv3.OverloadManager {
	return &overloadv3.OverloadManager{ResourceMonitors: []*overloadv3.ResourceMonitor{{
		Name: "envoy.resource_monitors.global_downstream_max_connections",
		ConfigType: &overloadv3.ResourceMonitor_TypedConfig{TypedConfig: pack(&connectionsv3.DownstreamConnectionsConfig{
			MaxActiveDownstreamConnections: maxConnections,
		})},
	}}}
}

// debugListener shows the safe part of the admin interface to the outside.
func debugListener(addr string) *listenerv3.Listener {
	route := func(path, target string) *routev3.Route {
		return &routev3.Route{
			Match: &routev3.RouteMatch{PathSpecifier: &routev3.RouteMatch_Path{Path: path}},
			Action: &routev3.Route_Route{Route: &routev3.RouteAction{
				ClusterSpecifier: &routev3.RouteAction_Cluster{Cluster: clusterAdmin}, PrefixRewrite: target,
			}},
		}
	}
	manager := &hcmv3.HttpConnectionManager{
		StatPrefix: "debug",
		RouteSpecifier: &hcmv3.HttpConnectionManager_RouteConfig{RouteConfig: &routev3.RouteConfiguration{
			Name: "debug",
			VirtualHosts: []*routev3.VirtualHost{{Name: "debug", Domains: []string{"*"}, Routes: []*routev3.Route{
				route("/metrics", "/stats/prometheus"), route("/readyz", "/ready"), route("/healthz", "/server_info"),
			}}},
		}},
		HttpFilters: []*hcmv3.HttpFilter{{
			Name: "envoy.filters.http.router", ConfigType: &hcmv3.HttpFilter_TypedConfig{TypedConfig: pack(&routerv3.Router{})},
		}},
	}
	return &listenerv3.Listener{
		Name: "debug", Address: address(addr), IgnoreGlobalConnLimit: true,
		FilterChains: []*listenerv3.FilterChain{{Filters: []*listenerv3.Filter{{
			Name:       "envoy.filters.network.http_connection_manager",
			ConfigType: &listenerv3.Filter_TypedConfig{TypedConfig: pack(manager)},
		}}}},
	}
}
