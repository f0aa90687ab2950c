package v1

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// Function is code to run, with the settings of how it runs and scales.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:shortName=fn,categories=hotpod
// +kubebuilder:printcolumn:name="Environment",type=string,JSONPath=`.spec.environment.name`
// +kubebuilder:printcolumn:name="Package",type=string,JSONPath=`.spec.package.packageref.name`,priority=1
// +kubebuilder:printcolumn:name="Executor",type=string,JSONPath=`.spec.InvokeStrategy.ExecutionStrategy.ExecutorType`,priority=1
// +kubebuilder:printcolumn:name="Concurrency",type=integer,JSONPath=`.spec.concurrency`,priority=1
// +kubebuilder:printcolumn:name="Pods",type=integer,JSONPath=`.status.scale.ready`
// +kubebuilder:printcolumn:name="Wanted",type=integer,JSONPath=`.status.scale.wanted`,priority=1
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Reason",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].reason`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:validation:XValidation:rule="self.metadata.name.size() <= 63 && self.metadata.name.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$')",message="metadata.name is a label value of pods: it has at most 63 lower-case letters, digits and '-', and begins and ends with a letter or digit"
type Function struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitzero"`

	Spec FunctionSpec `json:"spec"`
	// +optional
	Status FunctionStatus `json:"status,omitzero"`
}

// FunctionList is a list of functions.
//
// +kubebuilder:object:root=true
type FunctionList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitzero"`

	Items []Function `json:"items"`
}

// FunctionSpec is what users declare of a function.
//
// +kubebuilder:validation:XValidation:rule="(has(self.InvokeStrategy) && has(self.InvokeStrategy.ExecutionStrategy) && has(self.InvokeStrategy.ExecutionStrategy.ExecutorType) ? self.InvokeStrategy.ExecutionStrategy.ExecutorType : 'poolmgr') == 'container' || (has(self.environment) && has(self.environment.name) && self.environment.name.size() > 0)",message="spec.environment.name is required: the Environment whose pods run the function"
// +kubebuilder:validation:XValidation:rule="(has(self.InvokeStrategy) && has(self.InvokeStrategy.ExecutionStrategy) && has(self.InvokeStrategy.ExecutionStrategy.ExecutorType) ? self.InvokeStrategy.ExecutionStrategy.ExecutorType : 'poolmgr') != 'container' || has(self.podspec)",message="executor type container needs spec.podspec: the container to run"
// +kubebuilder:validation:XValidation:rule="!has(self.provisionedConcurrency) || !((has(self.InvokeStrategy) && has(self.InvokeStrategy.ExecutionStrategy) && has(self.InvokeStrategy.ExecutionStrategy.ExecutorType) ? self.InvokeStrategy.ExecutionStrategy.ExecutorType : 'poolmgr') in ['newdeploy', 'container'])",message="provisionedConcurrency goes with executor type poolmgr only"
// +kubebuilder:validation:XValidation:rule="!has(self.env) || self.env.all(e, !(e.name.startsWith('FISSION_') || e.name.startsWith('HOTPOD_') || e.name in ['RESOURCE_VERSION_COUNT', 'LD_PRELOAD', 'NODE_OPTIONS', 'PYTHONPATH', 'HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY', 'http_proxy', 'https_proxy', 'no_proxy']))",message="env sets a reserved name: FISSION_*, HOTPOD_*, RESOURCE_VERSION_COUNT, LD_PRELOAD, NODE_OPTIONS, PYTHONPATH and the proxy variables belong to the platform"
// +kubebuilder:validation:XValidation:rule="!has(self.env) || self.env.all(e, !has(e.valueFrom) || (!has(e.valueFrom.fieldRef) && !has(e.valueFrom.resourceFieldRef) && !has(e.valueFrom.fileKeyRef)))",message="env takes values from secretKeyRef and configMapKeyRef only, not from fieldRef, resourceFieldRef or fileKeyRef"
// +kubebuilder:validation:XValidation:rule="!has(self.env) || self.env.all(e, !has(e.valueFrom) || ((!has(e.value) || e.value.size() == 0) && has(e.valueFrom.secretKeyRef) != has(e.valueFrom.configMapKeyRef)))",message="a variable has a value, or a valueFrom with one of secretKeyRef and configMapKeyRef"
// +kubebuilder:validation:XValidation:rule="!has(self.envFrom) || self.envFrom.all(e, has(e.secretRef) != has(e.configMapRef))",message="each entry of envFrom names one of secretRef and configMapRef"
type FunctionSpec struct {
	// Environment that runs the function; it must be in the function's namespace.
	// +optional
	Environment EnvironmentReference `json:"environment,omitzero"`
	// Package that holds the code.
	// +optional
	Package FunctionPackageRef `json:"package,omitzero"`
	// Secrets mounted under /secrets.
	// +optional
	// +nullable
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=256
	Secrets []SecretReference `json:"secrets,omitempty"`
	// ConfigMaps mounted under /configs.
	// +optional
	// +nullable
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=256
	ConfigMaps []ConfigMapReference `json:"configmaps,omitempty"`
	// Env are environment variables of the function, in place of those of its environment. $(NAME) in a value stands for a
	// variable of envFrom, or of env further up.
	// +optional
	// +nullable
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=256
	Env []corev1.EnvVar `json:"env,omitempty"`
	// EnvFrom makes environment variables of all keys of Secrets and ConfigMaps; the last of those with one name holds.
	// +optional
	// +nullable
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=256
	EnvFrom []corev1.EnvFromSource `json:"envFrom,omitempty"`
	// Resources of the function's own pods.
	// +optional
	Resources corev1.ResourceRequirements `json:"resources,omitzero"`
	// InvokeStrategy says how pods are made and scaled.
	// +optional
	InvokeStrategy InvokeStrategy `json:"InvokeStrategy,omitzero"`
	// FunctionTimeout in seconds bounds a request's run; 0 means 60.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=31536000
	FunctionTimeout int `json:"functionTimeout,omitempty"`
	// IdleTimeout in seconds after which an idle pod goes; nil means 120, of a container 60.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=31536000
	IdleTimeout *int `json:"idletimeout,omitempty"`
	// Concurrency is the maximum of hot pods of poolmgr; 0 means 500. With newdeploy and container MaxScale is.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=1000000
	Concurrency int `json:"concurrency,omitempty"`
	// RequestsPerPod is the number of requests inside one pod at a time; 0 means 1, with newdeploy and container no limit.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=1000000
	RequestsPerPod int `json:"requestsPerPod,omitempty"`
	// OnceOnly gives each pod a single request in its life.
	// +optional
	OnceOnly bool `json:"onceOnly,omitempty"`
	// RetainPods is the number of hot pods kept when idle.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=1000000
	RetainPods int `json:"retainPods,omitempty"`
	// Streaming, when present, exempts the function's streams from functionTimeout.
	// +optional
	Streaming *StreamingConfig `json:"streaming,omitempty"`
	// ProvisionedConcurrency keeps pods hot ahead of requests.
	// +optional
	ProvisionedConcurrency *ProvisionedConcurrency `json:"provisionedConcurrency,omitempty"`
	// PodSpec is a core/v1 PodSpec, required by the container executor.
	// +optional
	// +kubebuilder:validation:Type=object
	// +kubebuilder:pruning:PreserveUnknownFields
	PodSpec *runtime.RawExtension `json:"podspec,omitempty"`
	// Versioning mints versions of the function. Accepted, without effect yet.
	// +optional
	// +kubebuilder:validation:Type=object
	// +kubebuilder:pruning:PreserveUnknownFields
	Versioning *runtime.RawExtension `json:"versioning,omitempty"`
	// State gives the function a keyspace. Accepted, without effect yet.
	// +optional
	// +kubebuilder:validation:Type=object
	// +kubebuilder:pruning:PreserveUnknownFields
	State *runtime.RawExtension `json:"state,omitempty"`
	// Invocation tunes asynchronous calls. Accepted, without effect yet.
	// +optional
	// +kubebuilder:validation:Type=object
	// +kubebuilder:pruning:PreserveUnknownFields
	Invocation *runtime.RawExtension `json:"invocation,omitempty"`
	// Tool offers the function to language models. Accepted, without effect yet.
	// +optional
	// +kubebuilder:validation:Type=object
	// +kubebuilder:pruning:PreserveUnknownFields
	Tool *runtime.RawExtension `json:"tool,omitempty"`
	// Agent makes calls session-scoped. Accepted, without effect yet.
	// +optional
	// +kubebuilder:validation:Type=object
	// +kubebuilder:pruning:PreserveUnknownFields
	Agent *runtime.RawExtension `json:"agent,omitempty"`
}

// EnvironmentReference names an environment.
type EnvironmentReference struct {
	// Namespace of the environment; empty means the referrer's.
	// +optional
	// +kubebuilder:validation:MaxLength=63
	Namespace string `json:"namespace,omitempty"`
	// Name of the environment.
	// +optional
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:XValidation:rule="self.size() == 0 || self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$')",message="a name has lower-case letters, digits and '-', begins and ends with a letter or digit, and has at most 63 characters"
	Name string `json:"name,omitempty"`
}

// FunctionPackageRef names a package and the entry point in it.
type FunctionPackageRef struct {
	// PackageRef names the package.
	// +optional
	PackageRef PackageRef `json:"packageref,omitzero"`
	// FunctionName is the entry point, in the environment's own notation (for example "main.handler").
	// +optional
	// +kubebuilder:validation:MaxLength=1024
	FunctionName string `json:"functionName,omitempty"`
}

// PackageRef names a package at a version.
type PackageRef struct {
	// Namespace of the package; empty means the function's.
	// +optional
	// +kubebuilder:validation:MaxLength=63
	Namespace string `json:"namespace,omitempty"`
	// Name of the package.
	// +optional
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name,omitempty"`
	// ResourceVersion of the package; a new value makes a new generation of the function.
	// +optional
	// +kubebuilder:validation:MaxLength=128
	ResourceVersion string `json:"resourceversion,omitempty"`
}

// SecretReference names a Secret whose keys become files.
type SecretReference struct {
	// Namespace of the Secret; it must be the function's.
	// +optional
	// +kubebuilder:validation:MaxLength=63
	Namespace string `json:"namespace,omitempty"`
	// Name of the Secret.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name"`
	// MountPath below /secrets; empty means <namespace>/<name>.
	// +optional
	// +kubebuilder:validation:MaxLength=1024
	// +kubebuilder:validation:XValidation:rule="!self.startsWith('/') && !self.matches('(^|/)[.]{0,2}/') && !self.matches('(^|/)[.]{1,2}$')",message="mountPath is a relative path without '.', '..' or empty segments"
	MountPath string `json:"mountPath,omitempty"`
}

// ConfigMapReference names a ConfigMap whose keys become files.
type ConfigMapReference struct {
	// Namespace of the ConfigMap; it must be the function's.
	// +optional
	// +kubebuilder:validation:MaxLength=63
	Namespace string `json:"namespace,omitempty"`
	// Name of the ConfigMap.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name"`
	// MountPath below /configs; empty means <namespace>/<name>.
	// +optional
	// +kubebuilder:validation:MaxLength=1024
	// +kubebuilder:validation:XValidation:rule="!self.startsWith('/') && !self.matches('(^|/)[.]{0,2}/') && !self.matches('(^|/)[.]{1,2}$')",message="mountPath is a relative path without '.', '..' or empty segments"
	MountPath string `json:"mountPath,omitempty"`
}
