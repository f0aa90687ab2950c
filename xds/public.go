package xds

import (
	"net/http"
	"slices"
	"strings"

	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
)

// Paths of the platform's own.
const (
	pathHome     = "/"
	pathHealth   = "/router-healthz"
	pathReady    = "/readyz"
	pathVersion  = "/_version"
	pathInternal = "/fission-function/"
)

// publicTree is the matching of the public listener: the platform's own paths, the regions that have a table of their
// own, the request's host, any host.
func publicTree(hosts map[string]*bucket, own ownPaths, regions []string, shareFrom int) *matcher {
	stages, late, last := hostStages(hosts, shareFrom)
	home := exactly(headerPath, map[string]*onMatch{pathHome: ownPath(empty)})
	all := slices.Concat(own.stages(), []*matcher{leaps(tablePublic, regions)}, stages, []*matcher{home}, late)
	return chain(act(last), all...).GetMatcher()
}

// regionTree is the matching of a region: as the whole would decide for the paths in it.
func regionTree(hosts map[string]*bucket, shareFrom int) *matcher {
	stages, late, last := hostStages(hosts, shareFrom)
	if m := chain(act(last), slices.Concat(stages, late)...).GetMatcher(); m != nil {
		return m
	}
	return &matcher{OnNoMatch: act(last)}
}

// hostStages are the stages of the request's host and of any host, what is left to be tried at the end, and what answers
// if all that finds nothing.
func hostStages(buckets map[string]*bucket, shareFrom int) (stages, late []*matcher, last *routev3.Route) {
	anyHost := buckets[""]
	if anyHost == nil {
		anyHost = newBucket()
	}
	hosts, wrongMethod := map[string]*onMatch{}, map[string]*onMatch{}
	for host, b := range buckets {
		if host == "" {
			continue
		}
		stages, late := b.stages(anyHost, nil)
		hosts[host] = chain(nil, stages...)
		if rest := chain(nil, late...); rest != nil {
			wrongMethod[host] = rest
		}
	}
	last = notFound()
	var shared map[string]*served
	if len(wrongMethod)+len(anyHost.templates)+len(anyHost.subtreeTemplates) == 0 { // nothing is left to be tried at the end
		shared = anyHost.plainPaths(shareFrom)
	}
	if shared != nil {
		last = sharedExact(shared)
	}
	stages, late = anyHost.stages(nil, shared)
	return append([]*matcher{exactly(headerAuthority, hosts)}, stages...),
		append([]*matcher{exactly(headerAuthority, wrongMethod)}, late...), last
}

// ownPaths are those of the platform itself.
type ownPaths struct {
	version string
	// guarded says that there are templates, from which the internal paths must be kept. A literal route cannot have
	// them.
	guarded bool
}

func (t *table) ownPaths(version string) ownPaths {
	return ownPaths{version: version, guarded: t.templates}
}

func (o ownPaths) stages() []*matcher {
	own := exactly(headerPath, map[string]*onMatch{
		pathHealth:  ownPath(empty),
		pathReady:   ownPath(empty),
		pathVersion: ownPath(func() *routev3.Route { return versionReply(o.version) }),
	})
	if o.guarded {
		return []*matcher{own, beginning(map[string]*onMatch{pathInternal: act(notFound())})}
	}
	return []*matcher{own}
}

func empty() *routev3.Route { return reply(http.StatusOK, "") }

func ownPath(answer func() *routev3.Route) *onMatch {
	return chain(act(refuseMethod()), exactly(headerMethod, map[string]*onMatch{
		http.MethodGet:     act(answer()),
		http.MethodOptions: chain(act(answer()), inOrder(when(act(refuseOrigin()), preflight()...))),
	}))
}

// stages returns the matching of a host's routes in order, and what is left to be tried when nothing else matched:
// the paths whose wrong methods nobody else answered. lower is the bucket that is tried after this one, or nil; shared
// paths are left out.
//
// A wrong method must fall through to whatever else matches the path, and end in 405 when nothing does. Where it is
// known that nothing else matches, 405 stands right there; where it is not known, it comes late. That keeps the second
// list small.
func (b *bucket) stages(lower *bucket, shared map[string]*served) (stages, late []*matcher) {
	exact := make(map[string]*onMatch, len(b.exact)-len(shared))
	for path, routes := range b.exact {
		if shared[path] != nil {
			continue
		}
		covered := path == pathHome || b.coversPath(path) || lower.answers(path)
		for _, spelled := range spellings(path) {
			exact[spelled] = methods(routes, exactPart, spelled, covered)
		}
	}
	subtrees := make(map[string]*onMatch, len(b.subtrees))
	lateSubtrees := map[string]*onMatch{}
	for subtree, routes := range b.subtrees {
		covered := b.coversSubtree(subtree) || lower.coversWhole(subtree)
		if !covered && lower.touches(subtree) {
			covered = true
			for _, spelled := range spellings(subtree) {
				lateSubtrees[spelled] = act(refuseMethod())
			}
		}
		for _, spelled := range spellings(subtree) {
			subtrees[spelled] = methods(routes, subtreePart, spelled, covered)
		}
	}
	templates, lateTemplates := b.templateRules()
	return []*matcher{exactly(headerPath, exact), templates, beginning(subtrees)},
		[]*matcher{lateTemplates, beginning(lateSubtrees)}
}

// templateRules returns the matching of templates and, for later, of their paths without the method.
func (b *bucket) templateRules() (templates, late *matcher) {
	var rules, lateRules []*rule
	add := func(r *served, regex string, p part) {
		rules = append(rules, when(methods([]*served{r}, p, "", true), is(headerMethod, r.Methods...), matches(headerPath, regex)))
		lateRules = append(lateRules, when(act(refuseMethod()), matches(headerPath, regex)))
	}
	for _, r := range b.templates {
		add(r, r.Exact.Regex, exactPart)
	}
	for _, r := range b.subtreeTemplates {
		add(r, r.Subtree.Regex+".*", subtreePart)
	}
	return inOrder(rules...), inOrder(lateRules...)
}

// methods chooses among routes that have the same path, best first, by the request's method. Other methods fall
// through when the path is covered by something else, and get 405 when it is not. path is the literal as it is spelled.
func methods(routes []*served, p part, path string, covered bool) *onMatch {
	if len(routes) == 1 && routes[0].CORS == nil && !covered {
		// The usual case, in the form that takes least memory: see wrongMethod.
		return routes[0].usual(p, path)
	}
	byMethod := map[string]*onMatch{}
	var cors []*served
	for _, r := range routes {
		if r.CORS != nil {
			cors = append(cors, r)
		}
		for _, m := range r.Methods {
			if byMethod[m] == nil {
				byMethod[m] = corsVariants(r.CORS, func() *routev3.Route { return r.action(p, path) })
			}
		}
	}
	if len(cors) > 0 {
		byMethod[http.MethodOptions] = chain(byMethod[http.MethodOptions], preflights(cors))
	}
	if covered {
		return chain(nil, exactly(headerMethod, byMethod))
	}
	return chain(act(refuseMethod()), exactly(headerMethod, byMethod))
}

// preflights answers for the route that has the method which the browser asks for, else for the first.
func preflights(routes []*served) *matcher {
	var rules []*rule
	for _, r := range routes[1:] {
		rules = append(rules, when(preflightAnswer(r.CORS), present(headerOrigin), is(headerRequestMethod, r.Methods...)))
	}
	return inOrder(append(rules, when(preflightAnswer(routes[0].CORS), preflight()...))...)
}

// coversPath says whether a template or a literal subtree of the bucket matches the path.
func (b *bucket) coversPath(path string) bool {
	return b.subtrees[path] != nil || b.coversSubtree(path) ||
		slices.ContainsFunc(b.templates, func(r *served) bool { return r.Exact.whole(path) }) ||
		slices.ContainsFunc(b.subtreeTemplates, func(r *served) bool { return r.Subtree.begins(path) })
}

// coversSubtree says whether a literal subtree of the bucket contains the path and is shorter.
func (b *bucket) coversSubtree(path string) bool {
	for i := strings.LastIndexByte(path[:len(path)-1], '/'); i >= 0; i = strings.LastIndexByte(path[:i], '/') {
		if b.subtrees[path[:i+1]] != nil {
			return true
		}
	}
	return false
}

// answers says whether any route of the bucket matches the path; a nil bucket has none.
func (b *bucket) answers(path string) bool {
	return b != nil && (b.exact[path] != nil || b.coversPath(path))
}

// coversWhole says whether one literal subtree of the bucket contains the whole subtree.
func (b *bucket) coversWhole(subtree string) bool {
	return b != nil && (b.subtrees[subtree] != nil || b.coversSubtree(subtree))
}

// touches says whether the bucket may match a path of the subtree.
func (b *bucket) touches(subtree string) bool {
	if b == nil {
		return false
	}
	if len(b.templates)+len(b.subtreeTemplates) > 0 {
		return true
	}
	i, found := slices.BinarySearch(b.paths, subtree)
	return found || i < len(b.paths) && strings.HasPrefix(b.paths[i], subtree)
}
