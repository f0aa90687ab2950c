package v1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// HTTPTrigger is a route: a URL that calls a function.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:shortName=ht,categories=hotpod
// +kubebuilder:printcolumn:name="Host",type=string,JSONPath=`.spec.host`,priority=1
// +kubebuilder:printcolumn:name="URL",type=string,JSONPath=`.spec.relativeurl`
// +kubebuilder:printcolumn:name="Prefix",type=string,JSONPath=`.spec.prefix`
// +kubebuilder:printcolumn:name="Methods",type=string,JSONPath=`.spec.methods`
// +kubebuilder:printcolumn:name="Function",type=string,JSONPath=`.spec.functionref.name`
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Reason",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].reason`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
type HTTPTrigger struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitzero"`

	Spec HTTPTriggerSpec `json:"spec"`
	// +optional
	Status HTTPTriggerStatus `json:"status,omitzero"`
}

// HTTPTriggerList is a list of routes.
//
// +kubebuilder:object:root=true
type HTTPTriggerList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitzero"`

	Items []HTTPTrigger `json:"items"`
}

// HTTPTriggerSpec is what users declare of a route.
//
// +kubebuilder:validation:XValidation:rule="(has(self.relativeurl) && self.relativeurl.size() > 0) || (has(self.prefix) && self.prefix.size() > 0)",message="a route needs a path: set relativeurl (exact) or prefix (the path and what is below it)"
type HTTPTriggerSpec struct {
	// Host that the request must name exactly; empty means any.
	// +optional
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="self.size() == 0 || self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*$')",message="host is a DNS name in lower case without scheme, port or wildcard, for example shop.example.com"
	Host string `json:"host,omitempty"`
	// RelativeURL is the exact path, in which {var} and {var:regex} match one segment.
	// +optional
	// +kubebuilder:validation:MaxLength=2048
	// +kubebuilder:validation:XValidation:rule="self.size() == 0 || self.startsWith('/')",message="a path begins with '/', for example /hello"
	// +kubebuilder:validation:XValidation:rule="self != '/'",message="the path '/' alone belongs to the router: use a longer one, for example /hello"
	// +kubebuilder:validation:XValidation:rule="!self.matches('(^|/)[.][.](/|$)')",message="a path has no '..' segment"
	// +kubebuilder:validation:XValidation:rule="self.contains('{') || self.matches('^[^?# ]*$')",message="a path has no query, fragment or blank ('?', '#', ' ')"
	// +kubebuilder:validation:XValidation:rule="!(self in ['/router-healthz', '/readyz', '/_version', '/auth/login'])",message="/router-healthz, /readyz, /_version and /auth/login belong to the router: use another path"
	// +kubebuilder:validation:XValidation:rule="self != '/fission-function' && !self.startsWith('/fission-function/')",message="/fission-function/ holds the internal addresses of functions: use another path"
	RelativeURL string `json:"relativeurl,omitempty"`
	// Prefix matches the path itself and everything below it; it wins over RelativeURL.
	// +optional
	// +kubebuilder:validation:MaxLength=2048
	// +kubebuilder:validation:XValidation:rule="self.size() == 0 || self.startsWith('/')",message="a path begins with '/', for example /hello"
	// +kubebuilder:validation:XValidation:rule="self != '/'",message="the path '/' alone belongs to the router: use a longer one, for example /hello"
	// +kubebuilder:validation:XValidation:rule="!self.matches('(^|/)[.][.](/|$)')",message="a path has no '..' segment"
	// +kubebuilder:validation:XValidation:rule="self.contains('{') || self.matches('^[^?# ]*$')",message="a path has no query, fragment or blank ('?', '#', ' ')"
	// +kubebuilder:validation:XValidation:rule="!(self in ['/router-healthz', '/readyz', '/_version', '/auth/login'])",message="/router-healthz, /readyz, /_version and /auth/login belong to the router: use another path"
	// +kubebuilder:validation:XValidation:rule="self != '/fission-function' && !self.startsWith('/fission-function/')",message="/fission-function/ holds the internal addresses of functions: use another path"
	Prefix *string `json:"prefix,omitempty"`
	// KeepPrefix passes the prefix on to the function instead of trimming it.
	// +optional
	KeepPrefix bool `json:"keepPrefix,omitempty"`
	// Method is deprecated: use Methods.
	// +optional
	// +kubebuilder:validation:Enum="";GET;HEAD;POST;PUT;PATCH;DELETE;CONNECT;OPTIONS;TRACE
	Method string `json:"method,omitempty"`
	// Methods that the route answers; empty together with Method means GET.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=9
	// +kubebuilder:validation:items:Enum=GET;HEAD;POST;PUT;PATCH;DELETE;CONNECT;OPTIONS;TRACE
	Methods []string `json:"methods,omitempty"`
	// InvocationMode is "" (wait for the answer) or "async".
	// +optional
	// +kubebuilder:validation:Enum="";async
	InvocationMode string `json:"invocationMode,omitempty"`
	// FunctionReference names the function or functions to call.
	FunctionReference FunctionReference `json:"functionref"`
	// CreateIngress is deprecated: use RouteConfig.
	// +optional
	CreateIngress bool `json:"createingress,omitempty"`
	// IngressConfig is deprecated: use RouteConfig.
	// +optional
	IngressConfig IngressConfig `json:"ingressconfig,omitzero"`
	// RouteConfig publishes the route by the cluster's own ingress.
	// +optional
	RouteConfig *RouteConfig `json:"routeConfig,omitempty"`
	// CorsConfig answers cross-origin requests.
	// +optional
	CorsConfig *CorsConfig `json:"corsConfig,omitempty"`
}

// FunctionReference names a function, or several with weights.
//
// +kubebuilder:validation:XValidation:rule="self.type != 'name' || (has(self.name) && self.name.size() > 0)",message="functionref of type name needs name: the function to call"
// +kubebuilder:validation:XValidation:rule="self.type != 'function-weights' || (has(self.functionweights) && self.functionweights.size() > 0)",message="functionref of type function-weights needs functionweights: function names with their shares"
// +kubebuilder:validation:XValidation:rule="!(has(self.alias) && self.alias.size() > 0 && has(self.version) && self.version.size() > 0)",message="functionref names an alias or a version, not both"
// +kubebuilder:validation:XValidation:rule="self.type == 'name' || ((!has(self.alias) || self.alias.size() == 0) && (!has(self.version) || self.version.size() == 0))",message="functionref.alias and functionref.version go with type name only"
type FunctionReference struct {
	// Type is "name" or "function-weights".
	// +kubebuilder:validation:Enum=name;function-weights
	Type string `json:"type"`
	// Name of the function, for type "name".
	// +optional
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:XValidation:rule="self.size() == 0 || self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$')",message="a name has lower-case letters, digits and '-', begins and ends with a letter or digit, and has at most 63 characters"
	Name string `json:"name,omitempty"`
	// Alias of the function; excludes Version.
	// +optional
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:XValidation:rule="self.size() == 0 || self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$')",message="a name has lower-case letters, digits and '-', begins and ends with a letter or digit, and has at most 63 characters"
	Alias string `json:"alias,omitempty"`
	// Version of the function; excludes Alias.
	// +optional
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:XValidation:rule="self.size() == 0 || self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$')",message="a name has lower-case letters, digits and '-', begins and ends with a letter or digit, and has at most 63 characters"
	Version string `json:"version,omitempty"`
	// FunctionWeights maps function names to their share, for type "function-weights".
	// +optional
	// +nullable
	// +kubebuilder:validation:MaxProperties=16
	// +kubebuilder:validation:XValidation:rule="self.all(f, self[f] >= 0 && self[f] <= 1000000)",message="a weight is between 0 and 1000000"
	// +kubebuilder:validation:XValidation:rule="self.size() == 0 || self.exists(f, self[f] > 0)",message="at least one function needs a weight above 0"
	FunctionWeights map[string]int `json:"functionweights,omitempty"`
}

// IngressConfig is the older way to publish a route.
//
// +kubebuilder:validation:XValidation:rule="!has(self.path) || self.path.size() == 0 || self.path.startsWith('/')",message="ingressconfig.path begins with '/'"
type IngressConfig struct {
	// Annotations of the Ingress.
	// +optional
	// +nullable
	Annotations map[string]string `json:"annotations,omitempty"`
	// Path of the Ingress rule.
	// +optional
	// +kubebuilder:validation:MaxLength=2048
	Path string `json:"path,omitempty"`
	// Host of the Ingress rule.
	// +optional
	// +kubebuilder:validation:MaxLength=253
	Host string `json:"host,omitempty"`
	// TLS names a Secret with the certificate.
	// +optional
	TLS string `json:"tls,omitempty"`
}

// RouteConfig publishes a route by the cluster's own ingress.
//
// +kubebuilder:validation:XValidation:rule="!has(self.path) || self.path.size() == 0 || self.path.startsWith('/')",message="routeConfig.path begins with '/'"
// +kubebuilder:validation:XValidation:rule="self.provider != 'gateway' || (has(self.gateway) && has(self.gateway.parentRefs) && self.gateway.parentRefs.size() > 0)",message="routeConfig of provider gateway needs gateway.parentRefs: the Gateways to attach to"
// +kubebuilder:validation:XValidation:rule="self.provider != 'gateway' || !has(self.tls) || self.tls.size() == 0",message="routeConfig.tls goes with provider ingress only: a Gateway's listener has its own certificate"
type RouteConfig struct {
	// Provider is "ingress", "gateway", or "route" for a Route of OpenShift.
	// +kubebuilder:validation:Enum=ingress;gateway;route
	Provider string `json:"provider"`
	// Hostnames of the published route.
	// +optional
	// +listType=set
	Hostnames []string `json:"hostnames,omitempty"`
	// Path of the published route.
	// +optional
	// +kubebuilder:validation:MaxLength=2048
	Path string `json:"path,omitempty"`
	// Annotations of the published object.
	// +optional
	// +nullable
	Annotations map[string]string `json:"annotations,omitempty"`
	// TLS names a Secret with the certificate, in the platform's namespace; of a Route also "default", the cluster's own one.
	// +optional
	TLS string `json:"tls,omitempty"`
	// Gateway says which gateways the route attaches to.
	// +optional
	Gateway *GatewayConfig `json:"gateway,omitempty"`
}

// GatewayConfig says which gateways a route attaches to.
type GatewayConfig struct {
	// ParentRefs are the gateways.
	// +optional
	// +listType=atomic
	ParentRefs []GatewayParentRef `json:"parentRefs,omitempty"`
}

// GatewayParentRef names a gateway.
type GatewayParentRef struct {
	// Name of the gateway.
	Name string `json:"name"`
	// Namespace of the gateway; empty means the route's.
	// +optional
	Namespace string `json:"namespace,omitempty"`
	// SectionName of the listener.
	// +optional
	SectionName string `json:"sectionName,omitempty"`
	// Port of the listener; 0 means any.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=65535
	Port int32 `json:"port,omitempty"`
}

// CorsConfig answers cross-origin requests.
//
// +kubebuilder:validation:XValidation:rule="!(has(self.allowCredentials) && self.allowCredentials && has(self.allowOrigins) && '*' in self.allowOrigins)",message="the origin '*' and allowCredentials exclude each other, because browsers refuse the answer: list the origins"
type CorsConfig struct {
	// AllowOrigins lists origins, or "*".
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=64
	AllowOrigins []string `json:"allowOrigins,omitempty"`
	// AllowMethods lists methods.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=16
	AllowMethods []string `json:"allowMethods,omitempty"`
	// AllowHeaders lists request headers.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=64
	AllowHeaders []string `json:"allowHeaders,omitempty"`
	// ExposeHeaders lists response headers.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=64
	ExposeHeaders []string `json:"exposeHeaders,omitempty"`
	// AllowCredentials lets browsers send credentials; excludes the origin "*".
	// +optional
	AllowCredentials bool `json:"allowCredentials,omitempty"`
	// MaxAge is how long a browser may keep the answer, as a Go duration ("10m") or seconds.
	// +optional
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self.matches('^(([0-9]+([.][0-9]+)?(ns|us|ms|s|m|h))+|[0-9]*)$')",message="maxAge is a duration such as 10m or 1h30m, or a number of seconds"
	MaxAge string `json:"maxAge,omitempty"`
}

// HTTPTriggerStatus is what the platform reports of a route.
type HTTPTriggerStatus struct {
	// ObservedGeneration is the generation that the conditions speak of.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`
	// Conditions: RouteAdmitted, Ready.
	// +optional
	// +patchMergeKey=type
	// +patchStrategy=merge
	// +listType=map
	// +listMapKey=type
	Conditions []metav1.Condition `json:"conditions,omitempty" patchStrategy:"merge" patchMergeKey:"type"`
}

// Types of function references.
const (
	ReferenceName    = "name"
	ReferenceWeights = "function-weights"
)
