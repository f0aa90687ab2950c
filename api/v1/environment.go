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
type Environment struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Spec   EnvironmentSpec   `json:"spec"`
	Status EnvironmentStatus `json:"status,omitempty"`
}

// EnvironmentList is a list of environments.
//
// +kubebuilder:object:root=true
type EnvironmentList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`

	Items []Environment `json:"items"`
}

// EnvironmentSpec is what users declare of an environment.
type EnvironmentSpec struct {
	// Version of the environment contract: 1 loads a single file, 2 adds archives and builders, 3 adds poolsize.
	Version int `json:"version"`
	// Runtime is the image that runs functions.
	Runtime Runtime `json:"runtime"`
	// Builder is the image that builds source archives; empty means that the environment cannot build.
	Builder Builder `json:"builder,omitempty"`
	// AllowedFunctionsPerContainer is "single" (default) or "infinite".
	AllowedFunctionsPerContainer string `json:"allowedFunctionsPerContainer,omitempty"`
	// AllowAccessToExternalNetwork is kept for compatibility with service meshes.
	AllowAccessToExternalNetwork bool `json:"allowAccessToExternalNetwork,omitempty"`
	// Resources of the runtime container.
	Resources corev1.ResourceRequirements `json:"resources,omitempty"`
	// Poolsize is the number of warm pods kept ready; 0 keeps none. Versions 1 and 2 always keep three.
	Poolsize int `json:"poolsize,omitempty"`
	// TerminationGracePeriod in seconds that a pod may take to finish its requests; nil means 90.
	TerminationGracePeriod *int64 `json:"terminationGracePeriod,omitempty"`
	// KeepArchive leaves a zip archive packed instead of unpacking it into a folder.
	KeepArchive bool `json:"keeparchive,omitempty"`
	// ImagePullSecret names a Secret with registry credentials.
	ImagePullSecret string `json:"imagepullsecret,omitempty"`
}

// Runtime is the image that runs functions.
type Runtime struct {
	// Image of the runtime container.
	Image string `json:"image"`
	// Container is a core/v1 Container merged into the runtime container (environment variables, probes, …).
	Container *runtime.RawExtension `json:"container,omitempty"`
	// PodSpec is a core/v1 PodSpec merged into the environment's pods.
	PodSpec *runtime.RawExtension `json:"podspec,omitempty"`
}

// Builder is the image that turns source archives into deployable ones.
type Builder struct {
	// Image of the builder container.
	Image string `json:"image,omitempty"`
	// Command that builds; empty means "build".
	Command string `json:"command,omitempty"`
	// Container is a core/v1 Container merged into the builder container.
	Container *runtime.RawExtension `json:"container,omitempty"`
	// PodSpec is a core/v1 PodSpec merged into the builder's pod.
	PodSpec *runtime.RawExtension `json:"podspec,omitempty"`
}

// EnvironmentStatus is what the platform reports of an environment.
type EnvironmentStatus struct {
	// ObservedGeneration is the generation that the conditions speak of.
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`
	// Conditions: Ready.
	Conditions []metav1.Condition `json:"conditions,omitempty"`
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
