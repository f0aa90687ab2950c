package cli

import (
	"strings"

	"github.com/spf13/pflag"

	v1 "hotpod.dev/api/v1"
)

// publishFlags say how a route is published outside the cluster, and in which way it calls, named as in Fission.
type publishFlags struct {
	ingress                    bool
	rule, tls                  string
	ingressAnnotations         []string
	provider, path, routeTLS   string
	hosts, annotations, gates  []string
	alias, version, invocation string
}

func (p *publishFlags) add(f *pflag.FlagSet) {
	f.StringVar(&p.alias, "function-alias", "", "alias of the function")
	f.StringVar(&p.version, "function-version", "", "version of the function")
	f.StringVar(&p.invocation, "invocation-mode", "", "async: answer at once and call later")
	f.StringVar(&p.provider, "route-provider", "", "what publishes the route outside the cluster: ingress, gateway, or route for one of OpenShift")
	f.StringSliceVar(&p.hosts, "route-host", nil, "host names of the published route")
	f.StringVar(&p.path, "route-path", "", "path of the published route (default: that of the route)")
	f.StringArrayVar(&p.annotations, "route-annotation", nil, "annotation of the published object, key=value")
	f.StringVar(&p.routeTLS, "route-tls", "", "Secret in the platform's namespace with the certificate (provider ingress or route; with route also default, the cluster's own)")
	f.StringSliceVar(&p.gates, "gateway", nil, "Gateway to attach to, NAME or NAMESPACE/NAME (provider gateway)")
	f.BoolVar(&p.ingress, "createingress", false, "older form of --route-provider ingress")
	f.StringVar(&p.rule, "ingressrule", "", "older form of --route-host and --route-path: host=path")
	f.StringArrayVar(&p.ingressAnnotations, "ingressannotation", nil, "older form of --route-annotation")
	f.StringVar(&p.tls, "ingresstls", "", "older form of --route-tls")
}

// apply sets what the user gave.
func (p *publishFlags) apply(f *pflag.FlagSet, s *v1.HTTPTriggerSpec) error {
	if f.Changed("function-alias") {
		s.FunctionReference.Alias = p.alias
	}
	if f.Changed("function-version") {
		s.FunctionReference.Version = p.version
	}
	if f.Changed("invocation-mode") {
		s.InvocationMode = p.invocation
	}
	if err := p.applyRoute(f, s); err != nil {
		return err
	}
	return p.applyIngress(f, s)
}

func (p *publishFlags) applyRoute(f *pflag.FlagSet, s *v1.HTTPTriggerSpec) error {
	given := false
	for _, flag := range []string{"route-provider", "route-host", "route-path", "route-annotation", "route-tls", "gateway"} {
		given = given || f.Changed(flag)
	}
	if !given {
		return nil
	}
	if s.RouteConfig == nil {
		s.RouteConfig = &v1.RouteConfig{Provider: p.provider}
	}
	c := s.RouteConfig
	if f.Changed("route-provider") {
		c.Provider = p.provider
	}
	if c.Provider != "ingress" && c.Provider != "gateway" && c.Provider != "route" {
		return usagef("--route-provider %q: it is ingress, gateway or route", c.Provider)
	}
	if f.Changed("route-host") {
		c.Hostnames = p.hosts
	}
	if f.Changed("route-path") {
		c.Path = p.path
	}
	if f.Changed("route-tls") {
		c.TLS = p.routeTLS
	}
	if f.Changed("gateway") {
		c.Gateway = &v1.GatewayConfig{}
		for _, g := range p.gates {
			namespace, name, both := strings.Cut(g, "/")
			if !both {
				namespace, name = "", g
			}
			c.Gateway.ParentRefs = append(c.Gateway.ParentRefs, v1.GatewayParentRef{Namespace: namespace, Name: name})
		}
	}
	return setPairs(&c.Annotations, p.annotations, "--route-annotation")
}

func (p *publishFlags) applyIngress(f *pflag.FlagSet, s *v1.HTTPTriggerSpec) error {
	if f.Changed("createingress") {
		s.CreateIngress = p.ingress
	}
	if f.Changed("ingressrule") {
		host, path, ok := strings.Cut(p.rule, "=")
		if !ok {
			return usagef("--ingressrule %q: write it as host=path", p.rule)
		}
		s.IngressConfig.Host, s.IngressConfig.Path = host, path
	}
	if f.Changed("ingresstls") {
		s.IngressConfig.TLS = p.tls
	}
	return setPairs(&s.IngressConfig.Annotations, p.ingressAnnotations, "--ingressannotation")
}
