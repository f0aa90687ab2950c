package xds

import (
	clusterv3 "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	endpointv3 "github.com/envoyproxy/go-control-plane/envoy/config/endpoint/v3"
	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	specifierv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/router/cluster_specifiers/matcher/v3"
	typev3 "github.com/envoyproxy/go-control-plane/envoy/type/v3"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// A route of its own takes Envoy two kilobytes, a name in a matching tree a few hundred bytes. So where there are many
// plain paths, one route serves them all, and a smaller matching inside it chooses the cluster. It costs each request a
// second search, so a table with few paths gives each its own route.

// usualShare is the number of plain paths of a table from which on they share a route.
const usualShare = 64

// Clusters without a way out: what is sent to clusterMiss is answered 404, what is sent to clusterWrongMethod 405 (see
// localReplies). Functions' clusters have no such bounds, so that nothing else ends so.
const (
	clusterMiss        = "route-miss"
	clusterWrongMethod = "wrong-method"
)

// plain says that nothing distinguishes what an exact path of the route leads to from others but methods and cluster.
func (r *served) plain() bool {
	return r.CORS == nil && !r.KeepPath && r.Exact.Regex == "" && len(r.backends) == 1
}

// plainPaths are the paths of the bucket that are served by one plain route and match nothing else of it, at least
// so many or none.
func (b *bucket) plainPaths(least int) map[string]*served {
	found := map[string]*served{}
	for path, routes := range b.exact {
		if len(routes) == 1 && routes[0].plain() && path != pathHome && !b.coversPath(path) {
			found[path] = routes[0]
		}
	}
	if len(found) < least {
		return nil
	}
	return found
}

// sharedExact serves plain paths, and refuses all others with 404 and wrong methods with 405: nothing can come after it.
func sharedExact(paths map[string]*served) *routev3.Route {
	byMethod := map[string]map[string]*onMatch{}
	all, wrong := make(map[string]*onMatch, len(paths)), toCluster(clusterWrongMethod)
	for path, r := range paths {
		to := toCluster(r.backends[0].ID.UID)
		for _, spelled := range spellings(path) {
			all[spelled] = wrong
			for _, m := range r.Methods {
				if byMethod[m] == nil {
					byMethod[m] = make(map[string]*onMatch, len(paths))
				}
				byMethod[m][spelled] = to
			}
		}
	}
	methods := make(map[string]*onMatch, len(byMethod))
	for m, clusters := range byMethod {
		methods[m] = goOn(exactly(headerPath, clusters))
	}
	tree := chain(toCluster(clusterMiss), exactly(headerMethod, methods), exactly(headerPath, all)).GetMatcher()
	shared := clusterByMatch(tablePublic, tree)
	shared.GetRoute().PathRewrite = "/"
	return shared
}

// clusterByMatch is a route whose cluster a matching chooses, by actions of toCluster.
func clusterByMatch(name string, tree *matcher) *routev3.Route {
	return &routev3.Route{Name: name, Match: everyPath(), Action: &routev3.Route_Route{Route: &routev3.RouteAction{
		Timeout: &durationpb.Duration{},
		ClusterSpecifier: &routev3.RouteAction_InlineClusterSpecifierPlugin{InlineClusterSpecifierPlugin: &routev3.ClusterSpecifierPlugin{
			Extension: &corev3.TypedExtensionConfig{
				Name:        "envoy.router.cluster_specifier_plugin.matcher",
				TypedConfig: pack(&specifierv3.MatcherClusterSpecifier{ClusterMatcher: tree}),
			},
		}},
	}}}
}

// refusalCluster makes clusterMiss, which drops all that it gets, and clusterWrongMethod, which may have no request. Both
// are refused by Envoy itself, each with a flag of its own, and no function's cluster by either. It returns nil for
// other names.
func refusalCluster(name string) *clusterv3.Cluster {
	c := staticCluster(name, nobody)
	switch name {
	case clusterMiss:
		c.LoadAssignment.Policy = &endpointv3.ClusterLoadAssignment_Policy{
			DropOverloads: []*endpointv3.ClusterLoadAssignment_Policy_DropOverload{{
				Category: "drop_overload", DropPercentage: &typev3.FractionalPercent{Numerator: 100},
			}},
		}
	case clusterWrongMethod:
		c.CircuitBreakers = &clusterv3.CircuitBreakers{Thresholds: []*clusterv3.CircuitBreakers_Thresholds{{
			MaxPendingRequests: wrapperspb.UInt32(0), MaxRequests: wrapperspb.UInt32(0),
		}}}
	default:
		return nil
	}
	return c
}
