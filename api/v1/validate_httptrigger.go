package v1

import (
	"slices"
	"strings"
)

// Validate returns every fault of the route that can be seen without the API server, as FieldErrors.
func (t *HTTPTrigger) Validate() error {
	var f faults
	s := &t.Spec
	prefix := ""
	if s.Prefix != nil {
		prefix = *s.Prefix
	}
	f.when(s.RelativeURL == "" && prefix == "", "spec.relativeurl",
		"a route needs a path: set relativeurl (exact) or prefix (the path and what is below it)")
	f.path(s.RelativeURL, "spec.relativeurl")
	f.path(prefix, "spec.prefix")
	const dnsLabel = `[a-z0-9]([-a-z0-9]*[a-z0-9])?`
	f.when(s.Host != "" && !matches(dnsLabel+`([.]`+dnsLabel+`)*`, s.Host), "spec.host",
		"host is a DNS name in lower case without scheme, port or wildcard, for example shop.example.com")
	s.FunctionReference.validate(&f, "spec.functionref")
	f.when(s.IngressConfig.Path != "" && !strings.HasPrefix(s.IngressConfig.Path, "/"), "spec.ingressconfig.path",
		"ingressconfig.path begins with '/'")
	if s.RouteConfig != nil {
		s.RouteConfig.validate(&f, "spec.routeConfig")
	}
	if c := s.CorsConfig; c != nil {
		f.when(c.AllowCredentials && slices.Contains(c.AllowOrigins, "*"), "spec.corsConfig",
			"the origin '*' and allowCredentials exclude each other, because browsers refuse the answer: list the origins")
		f.when(!matches(`([0-9]+([.][0-9]+)?(ns|us|ms|s|m|h))+|[0-9]*`, c.MaxAge), "spec.corsConfig.maxAge",
			"maxAge is a duration such as 10m or 1h30m, or a number of seconds")
	}
	return f.join()
}

// path adds the faults of a route's path; an empty one has none.
func (f *faults) path(p, field string) {
	if p == "" {
		return
	}
	f.when(!strings.HasPrefix(p, "/"), field, "a path begins with '/', for example /hello")
	f.when(p == "/", field, "the path '/' alone belongs to the router: use a longer one, for example /hello")
	f.when(hasSegment(p, ".."), field, "a path has no '..' segment")
	f.when(!strings.Contains(p, "{") && strings.ContainsAny(p, "?# "), field, "a path has no query, fragment or blank ('?', '#', ' ')")
	f.when(slices.Contains([]string{"/router-healthz", "/readyz", "/_version", "/auth/login"}, p), field,
		"/router-healthz, /readyz, /_version and /auth/login belong to the router: use another path")
	f.when(p == "/fission-function" || strings.HasPrefix(p, "/fission-function/"), field,
		"/fission-function/ holds the internal addresses of functions: use another path")
}

func (r *FunctionReference) validate(f *faults, field string) {
	f.when(r.Type != ReferenceName && r.Type != ReferenceWeights, field+".type", "the type is name or function-weights")
	f.when(r.Type == ReferenceName && r.Name == "", field+".name", "functionref of type name needs name: the function to call")
	f.when(r.Type == ReferenceWeights && len(r.FunctionWeights) == 0, field+".functionweights",
		"functionref of type function-weights needs functionweights: function names with their shares")
	f.when(r.Alias != "" && r.Version != "", field, "functionref names an alias or a version, not both")
	f.when(r.Type != ReferenceName && (r.Alias != "" || r.Version != ""), field,
		"functionref.alias and functionref.version go with type name only")
	f.name(r.Name, field+".name")
	f.name(r.Alias, field+".alias")
	f.name(r.Version, field+".version")
	const maxWeight = 1000000
	some := len(r.FunctionWeights) == 0
	for _, w := range r.FunctionWeights {
		f.when(w < 0 || w > maxWeight, field+".functionweights", "a weight is between 0 and 1000000")
		some = some || w > 0
	}
	f.when(!some, field+".functionweights", "at least one function needs a weight above 0")
}

func (r *RouteConfig) validate(f *faults, field string) {
	gateway := r.Provider == "gateway"
	f.when(r.Path != "" && !strings.HasPrefix(r.Path, "/"), field+".path", "routeConfig.path begins with '/'")
	f.when(gateway && (r.Gateway == nil || len(r.Gateway.ParentRefs) == 0), field+".gateway",
		"routeConfig of provider gateway needs gateway.parentRefs: the Gateways to attach to")
	f.when(gateway && r.TLS != "", field+".tls",
		"routeConfig.tls goes with provider ingress only: a Gateway's listener has its own certificate")
}
