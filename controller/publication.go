package controller

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/manifests/tenant"
)

// Ways to publish a route.
const (
	providerIngress = "ingress"
	providerGateway = "gateway"
	providerRoute   = "route"
)

const (
	// labelRouteUID is on what publishes a route, with the route's UID.
	labelRouteUID = "hotpod.dev/route-uid"
	// annotationRoute is on it too, with the route's "namespace/name".
	annotationRoute = "hotpod.dev/route"
	// annotationClass was how an Ingress named its class before there was a field, and cannot stand beside it.
	annotationClass = "kubernetes.io/ingress.class"
	// defaultCertificate stands for the cluster's own certificate.
	defaultCertificate = "default"
)

// publishedKinds are the kinds of objects that publish routes.
func publishedKinds() map[string]schema.GroupVersionKind {
	return map[string]schema.GroupVersionKind{
		providerIngress: {Group: "networking.k8s.io", Version: "v1", Kind: "Ingress"},
		providerGateway: {Group: "gateway.networking.k8s.io", Version: "v1", Kind: "HTTPRoute"},
		providerRoute:   {Group: "route.openshift.io", Version: "v1", Kind: "Route"},
	}
}

// publication is how a route is to be published. Its object is beside the router, whose Service it leads to.
type publication struct {
	provider    string
	hosts       []string
	path        string
	match       string // Exact, Prefix, or ImplementationSpecific for a path that the user wrote for their controller
	annotations map[string]string
	tls         string
	parents     []v1.GatewayParentRef
}

// publicationOf reads what a route says of its publication; nil when it is not to be published.
func publicationOf(t *v1.HTTPTrigger) (*publication, error) {
	var p publication
	switch s := &t.Spec; {
	case s.RouteConfig != nil:
		c := s.RouteConfig
		p = publication{provider: c.Provider, hosts: c.Hostnames, path: c.Path, annotations: c.Annotations, tls: c.TLS}
		if c.Gateway != nil {
			p.parents = c.Gateway.ParentRefs
		}
	case s.CreateIngress:
		c := s.IngressConfig
		p = publication{provider: providerIngress, path: c.Path, annotations: c.Annotations, tls: c.TLS}
		if c.Host != "" && c.Host != "*" {
			p.hosts = []string{c.Host}
		}
	default:
		return nil, nil //nolint:nilnil // as documented
	}
	if len(p.hosts) == 0 && t.Spec.Host != "" {
		p.hosts = []string{t.Spec.Host}
	}
	p.setPath(t)
	return &p, p.check(t)
}

// setPath takes the route's own path where no other is given: of a template, what is before its first variable.
func (p *publication) setPath(t *v1.HTTPTrigger) {
	own, match := t.Spec.RelativeURL, "Exact"
	if t.Spec.Prefix != nil && *t.Spec.Prefix != "" {
		own, match = *t.Spec.Prefix, "Prefix"
	}
	if literal, _, template := strings.Cut(own, "{"); template {
		own, match = literal[:strings.LastIndexByte(literal, '/')+1], "Prefix"
	}
	switch p.path {
	case "":
		p.path, p.match = own, match
	case own:
		p.match = match
	default:
		p.match = "ImplementationSpecific"
	}
}

// check returns every reason why the publication cannot be as it is.
func (p *publication) check(t *v1.HTTPTrigger) error {
	var errs []error
	if h := t.Spec.Host; h != "" && !slices.Contains(p.hosts, h) {
		errs = append(errs, fmt.Errorf("the route answers for host %s only, and is to be published as %s", h, strings.Join(p.hosts, ", ")))
	}
	if p.provider == providerRoute && len(p.hosts) > 1 {
		errs = append(errs, errors.New("a Route has one host: make a route for each"))
	}
	for _, key := range slices.Sorted(maps.Keys(p.annotations)) {
		if strings.HasSuffix(key, "-snippet") {
			errs = append(errs, fmt.Errorf("annotation %s would put configuration of any kind into the controller of the Ingress, which serves others too", key))
		}
	}
	return errors.Join(errs...)
}

// object makes what publishes the route.
func (p *publication) object(t *v1.HTTPTrigger, platform, service string) *unstructured.Unstructured {
	o := publishedRef(t.Namespace, t.Name, p.provider, platform)
	o.SetLabels(map[string]string{"app.kubernetes.io/part-of": "hotpod", tenant.LabelManagedBy: byController, labelRouteUID: string(t.UID)})
	annotations := maps.Clone(p.annotations)
	if annotations == nil {
		annotations = map[string]string{}
	}
	class := annotations[annotationClass]
	delete(annotations, annotationClass)
	annotations[annotationRoute] = t.Namespace + "/" + t.Name
	o.SetAnnotations(annotations)
	switch p.provider {
	case providerGateway:
		o.Object["spec"] = p.httpRoute(t.Namespace, service)
	case providerRoute:
		o.Object["spec"] = p.openshift(t, service)
	default:
		o.Object["spec"] = p.ingress(class, service)
	}
	return o
}

// publishedRef names what publishes a route. A namespace has no dots, so no two routes have one name.
func publishedRef(namespace, name, provider, platform string) *unstructured.Unstructured {
	o := &unstructured.Unstructured{Object: map[string]any{}}
	o.SetGroupVersionKind(publishedKinds()[provider])
	o.SetNamespace(platform)
	o.SetName(namespace + "." + name)
	return o
}

func (p *publication) ingress(class, service string) map[string]any {
	backend := map[string]any{"service": map[string]any{"name": service, "port": map[string]any{"name": "http"}}}
	paths := map[string]any{"paths": []any{map[string]any{"path": p.path, "pathType": p.match, "backend": backend}}}
	rules := []any{}
	for _, host := range p.hosts {
		rules = append(rules, map[string]any{"host": host, "http": paths})
	}
	if len(rules) == 0 {
		rules = append(rules, map[string]any{"http": paths})
	}
	spec := map[string]any{"rules": rules}
	if class != "" {
		spec["ingressClassName"] = class
	}
	if p.tls != "" {
		certificate := map[string]any{"secretName": p.tls}
		if len(p.hosts) > 0 {
			certificate["hosts"] = list(p.hosts)
		}
		spec["tls"] = []any{certificate}
	}
	return spec
}

func (p *publication) httpRoute(namespace, service string) map[string]any {
	match := "PathPrefix"
	if p.match == "Exact" {
		match = "Exact"
	}
	parents := make([]any, 0, len(p.parents))
	for _, g := range p.parents {
		parent := map[string]any{"name": g.Name, "namespace": namespace}
		if g.Namespace != "" {
			parent["namespace"] = g.Namespace
		}
		if g.SectionName != "" {
			parent["sectionName"] = g.SectionName
		}
		if g.Port != 0 {
			parent["port"] = int64(g.Port)
		}
		parents = append(parents, parent)
	}
	spec := map[string]any{"parentRefs": parents, "rules": []any{map[string]any{
		"matches":     []any{map[string]any{"path": map[string]any{"type": match, "value": p.path}}},
		"backendRefs": []any{map[string]any{"name": service, "port": int64(80)}},
	}}}
	if len(p.hosts) > 0 {
		spec["hostnames"] = list(p.hosts)
	}
	return spec
}

func (p *publication) openshift(t *v1.HTTPTrigger, service string) map[string]any {
	spec := map[string]any{
		"path": p.path, "port": map[string]any{"targetPort": "http"},
		"to": map[string]any{"kind": "Service", "name": service, "weight": int64(100)}, "wildcardPolicy": "None",
	}
	if len(p.hosts) > 0 {
		spec["host"] = p.hosts[0]
	} else {
		spec["subdomain"] = t.Name + "-" + t.Namespace
	}
	if p.tls != "" {
		tls := map[string]any{"termination": "edge", "insecureEdgeTerminationPolicy": "Redirect"}
		if p.tls != defaultCertificate {
			tls["externalCertificate"] = map[string]any{"name": p.tls}
		}
		spec["tls"] = tls
	}
	return spec
}

func list(texts []string) []any {
	out := make([]any, len(texts))
	for i, text := range texts {
		out[i] = text
	}
	return out
}
