package v1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// HTTPTrigger is a route: a URL that calls a function.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
type HTTPTrigger struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Spec   HTTPTriggerSpec   `json:"spec"`
	Status HTTPTriggerStatus `json:"status,omitempty"`
}

// HTTPTriggerList is a list of routes.
//
// +kubebuilder:object:root=true
type HTTPTriggerList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`

	Items []HTTPTrigger `json:"items"`
}

// HTTPTriggerSpec is what users declare of a route.
type HTTPTriggerSpec struct {
	// Host that the request must name exactly; empty means any.
	Host string `json:"host,omitempty"`
	// RelativeURL is the exact path, in which {var} and {var:regex} match one segment.
	RelativeURL string `json:"relativeurl,omitempty"`
	// Prefix matches the path itself and everything below it; it wins over RelativeURL.
	Prefix *string `json:"prefix,omitempty"`
	// KeepPrefix passes the prefix on to the function instead of trimming it.
	KeepPrefix bool `json:"keepPrefix,omitempty"`
	// Method is deprecated: use Methods.
	Method string `json:"method,omitempty"`
	// Methods that the route answers; empty together with Method means GET.
	Methods []string `json:"methods,omitempty"`
	// InvocationMode is "" (wait for the answer) or "async".
	InvocationMode string `json:"invocationMode,omitempty"`
	// FunctionReference names the function or functions to call.
	FunctionReference FunctionReference `json:"functionref"`
	// CreateIngress is deprecated: use RouteConfig.
	CreateIngress bool `json:"createingress,omitempty"`
	// IngressConfig is deprecated: use RouteConfig.
	IngressConfig IngressConfig `json:"ingressconfig,omitempty"`
	// RouteConfig publishes the route by the cluster's own ingress.
	RouteConfig *RouteConfig `json:"routeConfig,omitempty"`
	// CorsConfig answers cross-origin requests.
	CorsConfig *CorsConfig `json:"corsConfig,omitempty"`
}

// FunctionReference names a function, or several with weights.
type FunctionReference struct {
	// Type is "name" or "function-weights".
	Type string `json:"type"`
	// Name of the function, for type "name".
	Name string `json:"name,omitempty"`
	// Alias of the function; excludes Version.
	Alias string `json:"alias,omitempty"`
	// Version of the function; excludes Alias.
	Version string `json:"version,omitempty"`
	// FunctionWeights maps function names to their share, for type "function-weights".
	FunctionWeights map[string]int `json:"functionweights,omitempty"`
}

// IngressConfig is the older way to publish a route.
type IngressConfig struct {
	// Annotations of the Ingress.
	Annotations map[string]string `json:"annotations,omitempty"`
	// Path of the Ingress rule.
	Path string `json:"path,omitempty"`
	// Host of the Ingress rule.
	Host string `json:"host,omitempty"`
	// TLS names a Secret with the certificate.
	TLS string `json:"tls,omitempty"`
}

// RouteConfig publishes a route by the cluster's own ingress.
type RouteConfig struct {
	// Provider is "ingress" or "gateway".
	Provider string `json:"provider,omitempty"`
	// Hostnames of the published route.
	Hostnames []string `json:"hostnames,omitempty"`
	// Path of the published route.
	Path string `json:"path,omitempty"`
	// Annotations of the published object.
	Annotations map[string]string `json:"annotations,omitempty"`
	// TLS names a Secret with the certificate.
	TLS string `json:"tls,omitempty"`
	// Gateway says which gateways the route attaches to.
	Gateway *GatewayConfig `json:"gateway,omitempty"`
}

// GatewayConfig says which gateways a route attaches to.
type GatewayConfig struct {
	// ParentRefs are the gateways.
	ParentRefs []GatewayParentRef `json:"parentRefs,omitempty"`
}

// GatewayParentRef names a gateway.
type GatewayParentRef struct {
	// Name of the gateway.
	Name string `json:"name"`
	// Namespace of the gateway; empty means the route's.
	Namespace string `json:"namespace,omitempty"`
	// SectionName of the listener.
	SectionName string `json:"sectionName,omitempty"`
}

// CorsConfig answers cross-origin requests.
type CorsConfig struct {
	// AllowOrigins lists origins, or "*".
	AllowOrigins []string `json:"allowOrigins,omitempty"`
	// AllowMethods lists methods.
	AllowMethods []string `json:"allowMethods,omitempty"`
	// AllowHeaders lists request headers.
	AllowHeaders []string `json:"allowHeaders,omitempty"`
	// ExposeHeaders lists response headers.
	ExposeHeaders []string `json:"exposeHeaders,omitempty"`
	// AllowCredentials lets browsers send credentials; excludes the origin "*".
	AllowCredentials bool `json:"allowCredentials,omitempty"`
	// MaxAge is how long a browser may keep the answer, as a Go duration ("10m") or seconds.
	MaxAge string `json:"maxAge,omitempty"`
}

// HTTPTriggerStatus is what the platform reports of a route.
type HTTPTriggerStatus struct {
	// ObservedGeneration is the generation that the conditions speak of.
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`
	// Conditions: RouteAdmitted, Ready.
	Conditions []metav1.Condition `json:"conditions,omitempty"`
}

// Types of function references.
const (
	ReferenceName    = "name"
	ReferenceWeights = "function-weights"
)
