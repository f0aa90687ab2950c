package xds

import (
	"cmp"
	"net/http"
	"slices"
	"strings"

	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
)

// Functions with a Service are called by the names that Services have: NAME.NAMESPACE, with or without ".svc" and the
// cluster's domain, and by further hosts that they name. All such requests come to a listener of their own, which the
// outside does not reach by the router's Service, so that a client's Host header opens nothing there. Its tables know
// hosts only; the path and the method are the function's. What is matched is the host with a dot added, in headerPath, so that
// regions and leaps work as they do with paths.

// serviceNames are the hosts that can be the name of a Service. The cluster's domain need not be known.
const serviceNames = "[^.]+[.][^.]+[.](?:svc[.](?:[^.]+[.])*)?"

// textNoService is the answer to a host that leads nowhere.
const textNoService = "no function with a Service has this host: call http://NAME.NAMESPACE/, and annotate the function with hotpod.dev/service\n"

// hostname is a host that leads to a function.
type hostname struct {
	// host ends in a dot; those of names have anything below them that may follow the name of a Service.
	host string
	name bool
	Function
}

// serviceItems are the addresses of functions, sorted by host. A host that two functions want is the older one's.
func serviceItems(functions map[Key]Function) []item[hostname] {
	var out []item[hostname]
	for _, f := range functions {
		if !f.Service {
			continue
		}
		name := hostname{f.ID.Name + "." + f.ID.Namespace + ".", true, f}
		out = append(out, item[hostname]{name.host, true, name})
		for host := range strings.FieldsFuncSeq(f.Hosts, func(r rune) bool { return r == ',' }) {
			further := hostname{host + ".", false, f}
			out = append(out, item[hostname]{further.host, false, further})
		}
	}
	slices.SortFunc(out, func(a, b item[hostname]) int {
		return cmp.Or(byHead(a, b), cmp.Compare(a.value.Since, b.value.Since), cmp.Compare(a.value.ID.UID, b.value.ID.UID))
	})
	return slices.CompactFunc(out, func(a, b item[hostname]) bool { return a.head == b.head && a.open == b.open })
}

// renderServices makes the matching of a region: one route, inside which the host chooses the cluster.
func renderServices(prefix string, addresses []hostname, regions []string) *matcher {
	names, hosts := map[string]*onMatch{}, map[string]*onMatch{}
	for _, a := range addresses {
		if a.name {
			names[a.host] = toCluster(a.ID.UID)
		} else {
			hosts[a.host] = toCluster(a.ID.UID)
		}
	}
	var stages []*matcher
	if len(names) > 0 {
		stages = append(stages, inOrder(when(goOn(beginning(names)), matches(headerPath, serviceNames))))
	}
	inside := chain(toCluster(clusterMiss), append(stages, exactly(headerPath, hosts))...).GetMatcher()
	last := act(noService())
	if inside != nil {
		last = act(clusterByMatch(tableServices, inside))
	}
	if prefix == "" && len(regions) > 0 {
		return chain(last, leaps(tableServices, regions)).GetMatcher()
	}
	return &matcher{OnNoMatch: last}
}

func noService() *routev3.Route { return reply(http.StatusNotFound, textNoService) }
