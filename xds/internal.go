package xds

import (
	"net/http"

	xdscorev3 "github.com/cncf/xds/go/xds/core/v3"
	xdsmatcherv3 "github.com/cncf/xds/go/xds/type/matcher/v3"
	clusterv3 "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	specifierv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/router/cluster_specifiers/matcher/v3"
	stringv3 "github.com/envoyproxy/go-control-plane/envoy/type/matcher/v3"
	"google.golang.org/protobuf/types/known/durationpb"
)

// headerRouteMiss tells callers of the internal listener that no function answered.
const headerRouteMiss = "X-Fission-Route-Miss"

// clusterMiss has no endpoints: what is sent there is answered 404 by the internal listener. Clusters of functions
// always have one (see nobody), so that nothing else ends in the same way.
const clusterMiss = "route-miss"

// defaultNamespace may be left out of a path.
const defaultNamespace = "default"

// internalTable is the route table of the internal listener: every function by its name, and all below it. The path
// that it looks at has a slash added, so that "…/name" and "…/name/x" begin alike.
//
// A route for each function would take two kilobytes of Envoy each. So one route serves a namespace, and inside it a
// smaller matching chooses the cluster.
func internalTable(c Config, functions []Function) *routev3.RouteConfiguration {
	r := routeTable(c, tableInternal, internalTree(functions))
	r.VirtualHosts[0].ResponseHeadersToRemove = accessControlHeaders()
	return r
}

func internalTree(functions []Function) *matcher {
	refuse := inOrder(when(act(refuseOrigin()), append([]*predicate{is(headerMethod, http.MethodOptions)}, preflight()...)...))
	own := exactly(headerPath, map[string]*onMatch{pathHealth + "/": act(empty()), pathReady + "/": act(empty())})
	return chain(act(routeMiss()), refuse, beginning(internalGroups(functions)), own).GetMatcher()
}

func routeMiss() *routev3.Route {
	miss := notFound()
	miss.ResponseHeadersToAdd = []*corev3.HeaderValueOption{set(headerRouteMiss, "1")}
	return miss
}

// internalGroups are the shared routes by the beginning of the path, and routes of their own for the functions that
// those cannot serve.
func internalGroups(functions []Function) map[string]*onMatch {
	const folded = pathInternal
	defaults := map[string]bool{}
	for _, f := range functions {
		if f.ID.Namespace == defaultNamespace {
			defaults[f.ID.Name] = true
		}
	}
	entries := map[string]*onMatch{}
	groups := map[string]map[string]*onMatch{folded: {}}
	add := func(group string, f Function) {
		path := group + f.ID.Name + "/"
		// The route of a namespace that has the name of a default function would hide what is below that function.
		if f.Silence > 0 || group != folded && defaults[f.ID.Namespace] {
			own := functionAction(f.ID.Namespace+"/"+f.ID.Name, []backend{{Function: f, weight: 1}})
			entries[path] = act(trimmed(own, group))
			return
		}
		if groups[group] == nil {
			groups[group] = map[string]*onMatch{}
		}
		groups[group][path] = toCluster(f.ID.UID)
	}
	for _, f := range functions {
		add(pathInternal+f.ID.Namespace+"/", f)
		if f.ID.Namespace == defaultNamespace {
			add(folded, f)
		}
	}
	for group, clusters := range groups {
		if len(clusters) > 0 {
			entries[group] = act(trimmed(sharedRoute(clusters), group))
		}
	}
	return entries
}

// trimmed takes the group and the function's name off the path.
func trimmed(r *routev3.Route, group string) *routev3.Route {
	r.GetRoute().RegexRewrite = &stringv3.RegexMatchAndSubstitute{
		Pattern: &stringv3.RegexMatcher{Regex: "^" + group + "[^/]+/?"}, Substitution: "/",
	}
	return r
}

// sharedRoute serves the functions of a group.
func sharedRoute(clusters map[string]*onMatch) *routev3.Route {
	tree := beginning(clusters)
	tree.OnNoMatch = toCluster(clusterMiss)
	return &routev3.Route{Name: tableInternal, Match: everyPath(), Action: &routev3.Route_Route{Route: &routev3.RouteAction{
		Timeout: &durationpb.Duration{},
		ClusterSpecifier: &routev3.RouteAction_InlineClusterSpecifierPlugin{InlineClusterSpecifierPlugin: &routev3.ClusterSpecifierPlugin{
			Extension: &corev3.TypedExtensionConfig{
				Name:        "envoy.router.cluster_specifier_plugin.matcher",
				TypedConfig: pack(&specifierv3.MatcherClusterSpecifier{ClusterMatcher: tree}),
			},
		}},
	}}}
}

func toCluster(name string) *onMatch {
	return frozen(&onMatch{OnMatch: &xdsmatcherv3.Matcher_OnMatch_Action{
		Action: &xdscorev3.TypedExtensionConfig{Name: "c", TypedConfig: pack(&specifierv3.ClusterAction{Cluster: name})},
	}})
}

// missCluster is clusterMiss.
func missCluster() *clusterv3.Cluster {
	return &clusterv3.Cluster{Name: clusterMiss, ClusterDiscoveryType: &clusterv3.Cluster_Type{Type: clusterv3.Cluster_STATIC}}
}
