package xds

import (
	"net/http"

	xdscorev3 "github.com/cncf/xds/go/xds/core/v3"
	xdsmatcherv3 "github.com/cncf/xds/go/xds/type/matcher/v3"
	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	specifierv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/router/cluster_specifiers/matcher/v3"
	stringv3 "github.com/envoyproxy/go-control-plane/envoy/type/matcher/v3"
)

// headerRouteMiss tells callers of the internal listener that no function answered.
const headerRouteMiss = "X-Fission-Route-Miss"

// defaultNamespace may be left out of a path.
const defaultNamespace = "default"

// entry is a function in one of the groups of paths that lead to it. The path that the internal listener looks at has a
// slash added, so that "…/name" and "…/name/x" begin alike.
type entry struct {
	group string
	Function
	// alone says that the function needs a route of its own.
	alone bool
}

func (e entry) path() string { return e.group + e.ID.Name + "/" }

func (e entry) item() item[entry] { return item[entry]{e.path(), true, e} }

// entryOf is a function in a group. The route of a namespace that has the name of a default function would hide what is
// below that function, so the functions of such a namespace stand alone.
func entryOf(f Function, group string, functions map[Key]Function) entry {
	e := entry{group: group, Function: f}
	if group != pathInternal && !e.alone {
		_, e.alone = functions[Key{defaultNamespace, f.ID.Namespace}]
	}
	return e
}

// internalTree is the matching of the internal listener: every function by its name, and all below it. A route for each
// would take two kilobytes of Envoy each. So one route serves a namespace, and inside it a smaller matching chooses the
// cluster.
func internalTree(entries []entry, regions []string) *matcher {
	refuse := inOrder(when(act(refuseOrigin()), append([]*predicate{is(headerMethod, http.MethodOptions)}, preflight()...)...))
	own := exactly(headerPath, map[string]*onMatch{pathHealth + "/": act(empty()), pathReady + "/": act(empty())})
	return chain(act(routeMiss()), refuse, leaps(tableInternal, regions), beginning(internalGroups(entries)), own).GetMatcher()
}

// internalRegionTree is the matching of a region.
func internalRegionTree(entries []entry) *matcher {
	return chain(act(routeMiss()), beginning(internalGroups(entries))).GetMatcher()
}

func routeMiss() *routev3.Route {
	miss := notFound()
	miss.ResponseHeadersToAdd = append(miss.ResponseHeadersToAdd, set(headerRouteMiss, "1"))
	return miss
}

// internalGroups are the shared routes by the beginning of the path, and routes of their own for the functions that
// those cannot serve.
func internalGroups(entries []entry) map[string]*onMatch {
	routes := map[string]*onMatch{}
	groups := map[string]map[string]*onMatch{}
	for _, e := range entries {
		if e.alone {
			own := functionAction(e.ID.Namespace+"/"+e.ID.Name, []backend{{Function: e.Function, weight: 1}})
			routes[e.path()] = act(trimmed(own, e.group))
			continue
		}
		if groups[e.group] == nil {
			groups[e.group] = map[string]*onMatch{}
		}
		groups[e.group][e.path()] = toCluster(e.ID.UID)
	}
	for group, clusters := range groups {
		routes[group] = act(trimmed(sharedRoute(clusters), group))
	}
	return routes
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
	return clusterByMatch(tableInternal, tree)
}

func toCluster(name string) *onMatch {
	return frozen(&onMatch{OnMatch: &xdsmatcherv3.Matcher_OnMatch_Action{
		Action: &xdscorev3.TypedExtensionConfig{Name: "c", TypedConfig: pack(&specifierv3.ClusterAction{Cluster: name})},
	}})
}
