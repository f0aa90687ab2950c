package xds

import (
	"net/http"
	"strconv"
	"strings"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	stringv3 "github.com/envoyproxy/go-control-plane/envoy/type/matcher/v3"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"hotpod.dev/wire"
)

// everyPath is the match of an action whose path the tree has matched already.
func everyPath() *routev3.RouteMatch {
	return &routev3.RouteMatch{PathSpecifier: &routev3.RouteMatch_Prefix{Prefix: "/"}}
}

// action sends what a part of the route matched to its functions; path is how a literal was spelled.
func (r *served) action(p part, path string) *routev3.Route {
	route := functionAction(r.String(), r.backends)
	template := ""
	switch {
	case p == exactPart && !r.KeepPath:
		route.GetRoute().PathRewrite = "/"
	case p == subtreePart && !r.KeepPath:
		trim(route, path)
	}
	switch {
	case p == exactPart && r.Exact.Regex != "":
		template = r.Exact.Text
	case p == subtreePart && r.Subtree.Regex != "":
		template = r.Subtree.Text + restVariable
	}
	if template != "" {
		route.RequestHeadersToAdd = []*corev3.HeaderValueOption{set(wire.HeaderTemplate, literally(template))}
	}
	return route
}

// usual is what a part leads to when nobody else has the path.
func (r *served) usual(p part, path string) *onMatch {
	if path != (claim{r, p}).pattern().Text {
		return act(wrongMethod(r.action(p, path), r.Methods))
	}
	if r.kept[p] == nil {
		r.kept[p] = frozen(act(wrongMethod(r.action(p, path), r.Methods)))
	}
	return r.kept[p]
}

// restVariable stands for what is below a subtree template, so that the template describes the whole path.
const restVariable = "{_:.*}"

// trim takes subtree, which ends in "/", off the path but for that slash.
func trim(route *routev3.Route, subtree string) {
	route.Match = &routev3.RouteMatch{PathSpecifier: &routev3.RouteMatch_Prefix{Prefix: subtree}}
	route.GetRoute().PrefixRewrite = "/"
}

// functionAction sends requests to functions. Which function it was, Envoy reads from the cluster's metadata.
func functionAction(name string, backends []backend) *routev3.Route {
	action := &routev3.RouteAction{Timeout: &durationpb.Duration{}}
	if len(backends) == 1 {
		action.ClusterSpecifier = &routev3.RouteAction_Cluster{Cluster: backends[0].ID.UID}
	} else {
		weighted := &routev3.WeightedCluster{}
		for _, b := range backends {
			weighted.Clusters = append(weighted.Clusters, &routev3.WeightedCluster_ClusterWeight{
				Name: b.ID.UID, Weight: wrapperspb.UInt32(b.weight),
			})
		}
		action.ClusterSpecifier = &routev3.RouteAction_WeightedClusters{WeightedClusters: weighted}
	}
	return &routev3.Route{Name: name, Match: everyPath(), Action: &routev3.Route_Route{Route: action}}
}

// corsVariants returns what answers a request that is no preflight: the route, with the headers that let the page of
// an allowed origin read the answer.
func corsVariants(c *CORS, plain func() *routev3.Route) *onMatch {
	if c == nil {
		return act(plain())
	}
	if !c.Any && len(c.Origins) == 0 {
		denied := plain()
		denied.ResponseHeadersToRemove = accessControlHeaders()
		return act(denied)
	}
	var rules []*rule
	variant := func(origin string, condition *predicate) {
		r := plain()
		r.ResponseHeadersToAdd = c.headers(origin)
		rules = append(rules, when(act(r), condition))
	}
	if len(c.Origins) > 0 {
		variant("%REQ(ORIGIN)%", is(headerOrigin, c.Origins...))
	}
	if c.Any {
		variant("*", present(headerOrigin))
	}
	return chain(act(plain()), inOrder(rules...))
}

func (c *CORS) headers(origin string) []*corev3.HeaderValueOption {
	headers := []*corev3.HeaderValueOption{set("Access-Control-Allow-Origin", origin)}
	if c.Credentials {
		headers = append(headers, set("Access-Control-Allow-Credentials", "true"))
	}
	if c.Expose != "" {
		headers = append(headers, set("Access-Control-Expose-Headers", literally(c.Expose)))
	}
	return headers
}

// preflightAnswer answers a preflight.
func preflightAnswer(c *CORS) *onMatch {
	var rules []*rule
	allow := func(origin string, condition *predicate) {
		r := reply(http.StatusNoContent, "")
		r.ResponseHeadersToAdd = append(r.ResponseHeadersToAdd, c.preflightHeaders(origin)...)
		rules = append(rules, when(act(r), condition))
	}
	if len(c.Origins) > 0 {
		allow("%REQ(ORIGIN)%", is(headerOrigin, c.Origins...))
	}
	if c.Any {
		allow("*", present(headerOrigin))
	}
	return chain(act(refuseOrigin()), inOrder(rules...))
}

func (c *CORS) preflightHeaders(origin string) []*corev3.HeaderValueOption {
	headers := []*corev3.HeaderValueOption{
		set("Access-Control-Allow-Origin", origin), set("Access-Control-Allow-Methods", literally(c.Methods)),
	}
	if c.Headers != "" {
		headers = append(headers, set("Access-Control-Allow-Headers", literally(c.Headers)))
	}
	if c.Credentials {
		headers = append(headers, set("Access-Control-Allow-Credentials", "true"))
	}
	if c.MaxAge > 0 {
		headers = append(headers, set("Access-Control-Max-Age", strconv.Itoa(c.MaxAge)))
	}
	return headers
}

// preflight are the conditions of a preflight, but for the method.
func preflight() []*predicate {
	return []*predicate{present(headerOrigin), present(headerRequestMethod)}
}

func accessControlHeaders() []string {
	return []string{
		"access-control-allow-origin", "access-control-allow-credentials", "access-control-expose-headers",
		"access-control-allow-methods", "access-control-allow-headers", "access-control-max-age",
	}
}

// reply answers without a function.
func reply(status uint32, body string) *routev3.Route {
	direct := &routev3.DirectResponseAction{Status: status}
	if body != "" {
		direct.Body = &corev3.DataSource{Specifier: &corev3.DataSource_InlineString{InlineString: body}}
	}
	return &routev3.Route{
		Match: everyPath(), Action: &routev3.Route_DirectResponse{DirectResponse: direct},
		ResponseHeadersToAdd: []*corev3.HeaderValueOption{replyID()},
	}
}

const (
	textNotFound    = "404 page not found\n"
	textWrongMethod = "405 method not allowed\n"
)

func refuseMethod() *routev3.Route { return reply(http.StatusMethodNotAllowed, textWrongMethod) }

// wrongMethod makes the route itself check the method. When a matching tree ends in a route that does not match, Envoy
// reports that there is no route; nothing else ends so, since a tree ends in notFound, and the reply becomes 405. It
// costs a fraction of what a second tree by method and a route that answers 405 would, for each path.
func wrongMethod(r *routev3.Route, methods []string) *routev3.Route {
	value := &stringv3.StringMatcher{MatchPattern: &stringv3.StringMatcher_Exact{Exact: methods[0]}}
	if len(methods) > 1 {
		value.MatchPattern = &stringv3.StringMatcher_SafeRegex{SafeRegex: &stringv3.RegexMatcher{Regex: strings.Join(methods, "|")}}
	}
	r.Match.Headers = []*routev3.HeaderMatcher{{
		Name: headerMethod, HeaderMatchSpecifier: &routev3.HeaderMatcher_StringMatch{StringMatch: value},
	}}
	return r
}

func notFound() *routev3.Route { return reply(http.StatusNotFound, textNotFound) }

func refuseOrigin() *routev3.Route {
	return reply(http.StatusForbidden, "cross-origin requests not permitted\n")
}

// set replaces a header; value is in Envoy's substitution format.
func set(header, value string) *corev3.HeaderValueOption {
	return &corev3.HeaderValueOption{
		Header:       &corev3.HeaderValue{Key: header, Value: value},
		AppendAction: corev3.HeaderValueOption_OVERWRITE_IF_EXISTS_OR_ADD,
	}
}

// literally protects text from Envoy's substitution.
func literally(text string) string { return strings.ReplaceAll(text, "%", "%%") }
