package xds

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	xdscorev3 "github.com/cncf/xds/go/xds/core/v3"
	xdsmatcherv3 "github.com/cncf/xds/go/xds/type/matcher/v3"
	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	headermutationv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/header_mutation/v3"
	specifierv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/router/cluster_specifiers/matcher/v3"
	matcherv3 "github.com/envoyproxy/go-control-plane/envoy/type/matcher/v3"

	"hotpod.dev/wire"
)

// request is what a matching tree looks at, by header name.
type request map[string]string

// interpret walks a matching tree as Envoy does, which TestEnvoy_MatchesAsTheTreeSays holds it to. It returns nil when
// nothing matches.
func interpret(tb testing.TB, m *matcher, r request) *routev3.Route {
	tb.Helper()
	var found *routev3.Route
	switch kind := m.MatcherType.(type) {
	case *xdsmatcherv3.Matcher_MatcherTree_:
		found = interpretTree(tb, kind.MatcherTree, r)
	case *xdsmatcherv3.Matcher_MatcherList_:
		for _, rule := range kind.MatcherList.Matchers {
			if found == nil && holds(tb, rule.Predicate, r) {
				found = follow(tb, rule.OnMatch, r)
			}
		}
	}
	if found == nil && m.OnNoMatch != nil {
		found = follow(tb, m.OnNoMatch, r)
	}
	return found
}

// interpretAll walks the trees of a listener's tables, the first of which may lead to the others.
func interpretAll(tb testing.TB, tables []*routev3.RouteConfiguration, r request) *routev3.Route {
	tb.Helper()
	route := interpret(tb, tables[0].VirtualHosts[0].Matcher, r)
	if leap := leapOf(tb, route); leap != "" {
		at := slices.IndexFunc(tables, func(t *routev3.RouteConfiguration) bool { return t.Name == leap })
		return interpret(tb, tables[at].VirtualHosts[0].Matcher, r)
	}
	return route
}

// leapOf names the table that a route leads to, "" when it is the end.
func leapOf(tb testing.TB, r *routev3.Route) string {
	tb.Helper()
	config := r.GetTypedPerFilterConfig()[filterScope]
	if config == nil {
		return ""
	}
	mutations := &headermutationv3.HeaderMutationPerRoute{}
	if err := config.UnmarshalTo(mutations); err != nil {
		tb.Fatal(err)
	}
	return mutations.Mutations.RequestMutations[0].GetAppend().Header.Value
}

func outlineAll(tb testing.TB, tables []*routev3.RouteConfiguration) string {
	tb.Helper()
	text := ""
	for _, t := range tables {
		text += t.Name + ":\n" + string(outline(tb, t.VirtualHosts[0].Matcher))
	}
	return text
}

func interpretTree(tb testing.TB, tree *xdsmatcherv3.Matcher_MatcherTree, r request) *routev3.Route {
	tb.Helper()
	value, ok := r[inputHeader(tb, tree.Input)]
	if !ok {
		return nil
	}
	if exact := tree.GetExactMatchMap(); exact != nil {
		if next := exact.Map[value]; next != nil {
			return follow(tb, next, r)
		}
		return nil
	}
	for end := len(value); end > 0; end-- {
		if next := tree.GetPrefixMatchMap().GetMap()[value[:end]]; next != nil {
			if found := follow(tb, next, r); found != nil {
				return found
			}
		}
	}
	return nil
}

func follow(tb testing.TB, o *onMatch, r request) *routev3.Route {
	tb.Helper()
	if m := o.GetMatcher(); m != nil {
		return interpret(tb, m, r)
	}
	route := actionOf(tb, o)
	for _, h := range route.GetMatch().GetHeaders() {
		method := h.GetStringMatch()
		if m := method.GetSafeRegex(); m != nil && !slices.Contains(strings.Split(m.Regex, "|"), r[h.Name]) || m == nil && method.GetExact() != r[h.Name] {
			return refuseMethod() // as the listener's reply says
		}
	}
	if clusters := specifierOf(tb, route); clusters != nil {
		return interpretShared(tb, route, interpret(tb, clusters, r).GetRoute().GetCluster())
	}
	return route
}

// specifierOf is the matching that chooses a route's cluster, nil when there is none.
func specifierOf(tb testing.TB, route *routev3.Route) *matcher {
	tb.Helper()
	plugin := route.GetRoute().GetInlineClusterSpecifierPlugin()
	if plugin == nil {
		return nil
	}
	specifier := &specifierv3.MatcherClusterSpecifier{}
	if err := plugin.Extension.TypedConfig.UnmarshalTo(specifier); err != nil {
		tb.Fatal(err)
	}
	return specifier.ClusterMatcher
}

// interpretShared is the route that a function whose cluster was chosen would have by itself, see known.
func interpretShared(tb testing.TB, shared *routev3.Route, cluster string) *routev3.Route {
	tb.Helper()
	switch cluster {
	case clusterMiss:
		return notFound() // as the listener's replies say
	case clusterWrongMethod:
		return refuseMethod()
	}
	namespace, name, _ := strings.Cut(cluster, "-")
	own := functionAction(namespace+"/"+name, []backend{{Function: Function{ID: wire.FunctionID{UID: cluster}}}})
	own.GetRoute().PathRewrite = shared.GetRoute().PathRewrite
	return own
}

func actionOf(tb testing.TB, o *onMatch) *routev3.Route {
	tb.Helper()
	cluster := &specifierv3.ClusterAction{}
	if o.GetAction().TypedConfig.UnmarshalTo(cluster) == nil {
		return functionAction("", []backend{{Function: Function{ID: wire.FunctionID{UID: cluster.Cluster}}}})
	}
	route := &routev3.Route{}
	if err := o.GetAction().TypedConfig.UnmarshalTo(route); err != nil {
		tb.Fatal(err)
	}
	return route
}

// decision names what a request got: a route's name or a status.
func decision(r *routev3.Route) string {
	switch {
	case r == nil:
		return "nothing"
	case r.GetDirectResponse() != nil:
		return fmt.Sprint(r.GetDirectResponse().Status)
	case r.GetRoute().PrefixRewrite != "":
		return r.Name[strings.IndexByte(r.Name, '/')+1:] + " subtree"
	case r.GetRoute().PathRewrite != "":
		return r.Name[strings.IndexByte(r.Name, '/')+1:] + " exact"
	}
	return r.Name[strings.IndexByte(r.Name, '/')+1:]
}

func inputHeader(tb testing.TB, input *xdscorev3.TypedExtensionConfig) string {
	tb.Helper()
	in := &matcherv3.HttpRequestHeaderMatchInput{}
	if err := input.TypedConfig.UnmarshalTo(in); err != nil {
		tb.Fatal(err)
	}
	return in.HeaderName
}

func holds(tb testing.TB, p *predicate, r request) bool {
	tb.Helper()
	switch kind := p.MatchType.(type) {
	case *xdsmatcherv3.Matcher_MatcherList_Predicate_AndMatcher:
		return !slices.ContainsFunc(kind.AndMatcher.Predicate, func(p *predicate) bool { return !holds(tb, p, r) })
	case *xdsmatcherv3.Matcher_MatcherList_Predicate_OrMatcher:
		return slices.ContainsFunc(kind.OrMatcher.Predicate, func(p *predicate) bool { return holds(tb, p, r) })
	}
	single := p.GetSinglePredicate()
	value, ok := r[inputHeader(tb, single.Input)]
	if regex := single.GetValueMatch().GetSafeRegex(); regex != nil {
		return ok && regexp.MustCompile("^(?:"+regex.Regex+")$").MatchString(value)
	}
	return ok && single.GetValueMatch().GetExact() == value
}

// outline writes a matching tree so that a person can read it.
func outline(tb testing.TB, m *matcher) []byte {
	tb.Helper()
	var b strings.Builder
	outlineMatcher(tb, &b, "", m)
	return []byte(b.String())
}

func outlineMatcher(tb testing.TB, b *strings.Builder, indent string, m *matcher) {
	tb.Helper()
	switch kind := m.MatcherType.(type) {
	case *xdsmatcherv3.Matcher_MatcherTree_:
		input, word, entries := inputHeader(tb, kind.MatcherTree.Input), "is", kind.MatcherTree.GetExactMatchMap().GetMap()
		if entries == nil {
			word, entries = "begins with", kind.MatcherTree.GetPrefixMatchMap().GetMap()
		}
		for _, value := range slices.Sorted(maps.Keys(entries)) {
			outlineNext(tb, b, indent, fmt.Sprintf("%s %s %s", input, word, value), entries[value])
		}
	case *xdsmatcherv3.Matcher_MatcherList_:
		for _, rule := range kind.MatcherList.Matchers {
			outlineNext(tb, b, indent, outlinePredicate(tb, rule.Predicate), rule.OnMatch)
		}
	}
	if m.OnNoMatch != nil {
		outlineNext(tb, b, indent, "else", m.OnNoMatch)
	}
}

func outlineNext(tb testing.TB, b *strings.Builder, indent, condition string, o *onMatch) {
	tb.Helper()
	if m := o.GetMatcher(); m != nil {
		if condition == "else" { // the next stage stands beside this one
			outlineMatcher(tb, b, indent, m)
			return
		}
		fmt.Fprintf(b, "%s%s\n", indent, condition)
		outlineMatcher(tb, b, indent+"  ", m)
		return
	}
	cluster := &specifierv3.ClusterAction{}
	if o.GetAction().TypedConfig.UnmarshalTo(cluster) == nil {
		fmt.Fprintf(b, "%s%s: %s\n", indent, condition, cluster.Cluster)
		return
	}
	route := actionOf(tb, o)
	if leap := leapOf(tb, route); leap != "" {
		fmt.Fprintf(b, "%s%s: see %q\n", indent, condition, leap)
		return
	}
	fmt.Fprintf(b, "%s%s: %s\n", indent, condition, outlineAction(route))
	if clusters := specifierOf(tb, route); clusters != nil {
		outlineMatcher(tb, b, indent+"  ", clusters)
	}
}

func outlinePredicate(tb testing.TB, p *predicate) string {
	tb.Helper()
	join := func(list *xdsmatcherv3.Matcher_MatcherList_Predicate_PredicateList, word string) string {
		parts := make([]string, len(list.Predicate))
		for i, p := range list.Predicate {
			parts[i] = outlinePredicate(tb, p)
		}
		return strings.Join(parts, " "+word+" ")
	}
	if and := p.GetAndMatcher(); and != nil {
		return join(and, "and")
	}
	if or := p.GetOrMatcher(); or != nil {
		return "(" + join(or, "or") + ")"
	}
	single := p.GetSinglePredicate()
	if regex := single.GetValueMatch().GetSafeRegex(); regex != nil {
		return inputHeader(tb, single.Input) + " matches " + regex.Regex
	}
	return inputHeader(tb, single.Input) + " is " + single.GetValueMatch().GetExact()
}

func outlineAction(r *routev3.Route) string {
	var parts []string
	if direct := r.GetDirectResponse(); direct != nil {
		parts = append(parts, fmt.Sprint(direct.Status))
	}
	for _, h := range r.GetMatch().GetHeaders() {
		parts = append(parts, "if "+h.GetStringMatch().GetExact()+h.GetStringMatch().GetSafeRegex().GetRegex(), "(else 405)")
	}
	if action := r.GetRoute(); action != nil {
		parts = append(parts, "route "+r.Name, "to "+action.GetCluster())
		for _, c := range action.GetWeightedClusters().GetClusters() {
			parts = append(parts, fmt.Sprintf("%s (%d)", c.Name, c.Weight.Value))
		}
		switch {
		case action.PathRewrite != "":
			parts = append(parts, "as "+action.PathRewrite)
		case action.RegexRewrite != nil:
			parts = append(parts, fmt.Sprintf("with %s as %s", action.RegexRewrite.Pattern.Regex, action.RegexRewrite.Substitution))
		case action.PrefixRewrite != "":
			parts = append(parts, fmt.Sprintf("with %s as %s", r.Match.GetPrefix(), action.PrefixRewrite))
		}
	}
	for _, h := range append(slices.Clone(r.RequestHeadersToAdd), r.ResponseHeadersToAdd...) {
		parts = append(parts, fmt.Sprintf("[%s: %s]", h.Header.Key, h.Header.Value))
	}
	for _, h := range r.ResponseHeadersToRemove {
		parts = append(parts, "[-"+h+"]")
	}
	return strings.Join(parts, " ")
}
