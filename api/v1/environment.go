package v1

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// Environment is a language: the runtime image of its pods, an optional builder image and the size of its pool.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:shortName=env,categories=hotpod
// +kubebuilder:printcolumn:name="Image",type=string,JSONPath=`.spec.runtime.image`
// +kubebuilder:printcolumn:name="Builder",type=string,JSONPath=`.spec.builder.image`,priority=1
// +kubebuilder:printcolumn:name="Version",type=integer,JSONPath=`.spec.version`,priority=1
// +kubebuilder:printcolumn:name="Poolsize",type=integer,JSONPath=`.spec.poolsize`
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Reason",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].reason`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:validation:XValidation:rule="self.metadata.name.size() <= 63 && self.metadata.name.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$')",message="metadata.name is a label value of pods: it has at most 63 lower-case letters, digits and '-', and begins and ends with a letter or digit"
type Environment struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitzero"`

	Spec EnvironmentSpec `json:"spec"`
	// +optional
	Status EnvironmentStatus `json:"status,omitzero"`
}

// EnvironmentList is a list of environments.
//
// +kubebuilder:object:root=true
type EnvironmentList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitzero"`

	Items []Environment `json:"items"`
}

// EnvironmentSpec is what users declare of an environment.
type EnvironmentSpec struct {
	// Version of the environment contract: 1 loads a single file, 2 adds archives and builders, 3 adds poolsize.
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=3
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="spec.version cannot be changed: create another environment"
	Version int `json:"version"`
	// Runtime is the image that runs functions.
	Runtime Runtime `json:"runtime"`
	// Builder is the image that builds source archives; empty means that the environment cannot build.
	// +optional
	Builder Builder `json:"builder,omitzero"`
	// AllowedFunctionsPerContainer is "single" (default) or "infinite".
	// +optional
	// +kubebuilder:validation:Enum="";single;infinite
	AllowedFunctionsPerContainer string `json:"allowedFunctionsPerContainer,omitempty"`
	// AllowAccessToExternalNetwork is kept for compatibility with service meshes.
	// +optional
	AllowAccessToExternalNetwork bool `json:"allowAccessToExternalNetwork,omitempty"`
	// Resources of the runtime container.
	// +optional
	Resources corev1.ResourceRequirements `json:"resources,omitzero"`
	// Poolsize is the number of warm pods kept ready; 0 keeps none. Versions 1 and 2 always keep three.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=10000
	Poolsize int `json:"poolsize,omitempty"`
	// TerminationGracePeriod in seconds that a pod may take to finish its requests; nil means 90.
	// +optional
	// +kubebuilder:default=90
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=86400
	TerminationGracePeriod *int64 `json:"terminationGracePeriod,omitempty"`
	// KeepArchive leaves a zip archive packed instead of unpacking it into a folder.
	// +optional
	KeepArchive bool `json:"keeparchive,omitempty"`
	// ImagePullSecret names a Secret with registry credentials.
	// +optional
	ImagePullSecret string `json:"imagepullsecret,omitempty"`
}

// Runtime is the image that runs functions.
type Runtime struct {
	// Image of the runtime container.
	// +kubebuilder:validation:MinLength=1
	Image string `json:"image"`
	// Container is a core/v1 Container merged into the runtime container (environment variables, probes, …).
	// +optional
	// +kubebuilder:validation:Type=object
	// +kubebuilder:pruning:PreserveUnknownFields
	Container *runtime.RawExtension `json:"container,omitempty"`
	// PodSpec is a core/v1 PodSpec merged into the environment's pods.
	// +optional
	// +kubebuilder:validation:Type=object
	// +kubebuilder:pruning:PreserveUnknownFields
	PodSpec *runtime.RawExtension `json:"podspec,omitempty"`
}

// Builder is the image that turns source archives into deployable ones.
type Builder struct {
	// Image of the builder container.
	// +optional
	Image string `json:"image,omitempty"`
	// Command that builds; empty means "build".
	// +optional
	Command string `json:"command,omitempty"`
	// Container is a core/v1 Container merged into the builder container.
	// +optional
	// +kubebuilder:validation:Type=object
	// +kubebuilder:pruning:PreserveUnknownFields
	Container *runtime.RawExtension `json:"container,omitempty"`
	// PodSpec is a core/v1 PodSpec merged into the builder's pod.
	// +optional
	// +kubebuilder:validation:Type=object
	// +kubebuilder:pruning:PreserveUnknownFields
	PodSpec *runtime.RawExtension `json:"podspec,omitempty"`
}

// Defaults of environments.
const (
	// DefaultPoolsize is kept by versions without a poolsize field, and set by the CLI.
	DefaultPoolsize = 3
	// DefaultTerminationGracePeriod in seconds.
	DefaultTerminationGracePeriod = 90
)

// PoolSize returns the number of warm pods to keep, never negative.
func (e *Environment) PoolSize() int {
	switch {
	case e.Spec.AllowedFunctionsPerContainer == "infinite":
		return 1
	case e.Spec.Version < 3:
		return DefaultPoolsize
	default:
		return max(e.Spec.Poolsize, 0)
	}
}

// GracePeriod returns the seconds that a pod may take to finish its requests.
func (e *Environment) GracePeriod() int64 {
	if e.Spec.TerminationGracePeriod == nil {
		return DefaultTerminationGracePeriod
	}
	return *e.Spec.TerminationGracePeriod
}
