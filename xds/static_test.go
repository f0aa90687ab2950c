package xds

import (
	"cmp"
	"slices"
	"strings"
	"testing"

	clusterv3 "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	endpointv3 "github.com/envoyproxy/go-control-plane/envoy/config/endpoint/v3"
	listenerv3 "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	hcmv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/http_connection_manager/v3"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

// static is a configuration that Envoy can load without a server: what would be discovered stands in place.
type static struct {
	admin     string
	listeners []*listenerv3.Listener
	tables    []*routev3.RouteConfiguration
	clusters  []*clusterv3.Cluster
	endpoints []*endpointv3.ClusterLoadAssignment
}

// bootstrap returns it as an Envoy's bootstrap. Discovery on demand stays configured, with a server that is not there.
func (s static) bootstrap(tb testing.TB) []byte {
	tb.Helper()
	b := bootstrap(BootstrapConfig{XDS: "127.0.0.1:1", Admin: cmp.Or(s.admin, "127.0.0.1:9901"), NodeID: "test"})
	b.DynamicResources.LdsConfig = nil
	for _, l := range s.listeners {
		b.StaticResources.Listeners = append(b.StaticResources.Listeners, s.withRoutes(tb, l))
	}
	for i, c := range s.clusters {
		c = proto.CloneOf(c)
		c.ClusterDiscoveryType, c.EdsClusterConfig = &clusterv3.Cluster_Type{Type: clusterv3.Cluster_STATIC}, nil
		c.LoadAssignment = s.endpoints[i]
		b.StaticResources.Clusters = append(b.StaticResources.Clusters, c)
	}
	return marshal(tb, b)
}

func (s static) withRoutes(tb testing.TB, l *listenerv3.Listener) *listenerv3.Listener {
	tb.Helper()
	l = proto.CloneOf(l)
	filter := l.FilterChains[0].Filters[0]
	manager := &hcmv3.HttpConnectionManager{}
	if err := filter.GetTypedConfig().UnmarshalTo(manager); err != nil {
		tb.Fatal(err)
	}
	// Scopes that are not discovered cannot be asked for on demand: Envoy would crash where nothing matches.
	manager.HttpFilters = slices.DeleteFunc(manager.HttpFilters, func(f *hcmv3.HttpFilter) bool { return f.Name == "envoy.filters.http.on_demand" })
	list := &hcmv3.ScopedRouteConfigurationsList{}
	for _, table := range s.tables {
		if table.Name == l.Name || strings.HasPrefix(table.Name, l.Name+" ") {
			list.ScopedRouteConfigurations = append(list.ScopedRouteConfigurations, scope(table))
		}
	}
	if len(list.ScopedRouteConfigurations) > 0 {
		manager.GetScopedRoutes().ConfigSpecifier = &hcmv3.ScopedRoutes_ScopedRouteConfigurationsList{ScopedRouteConfigurationsList: list}
	}
	filter.ConfigType = &listenerv3.Filter_TypedConfig{TypedConfig: pack(manager)}
	return l
}

func marshal(tb testing.TB, m proto.Message) []byte {
	tb.Helper()
	if v, ok := m.(interface{ ValidateAll() error }); ok {
		if err := v.ValidateAll(); err != nil {
			tb.Errorf("%T: %v", m, err)
		}
	}
	text, err := protojson.Marshal(m)
	if err != nil {
		tb.Fatal(err)
	}
	text, err = indent(text)
	if err != nil {
		tb.Fatal(err)
	}
	return text
}
