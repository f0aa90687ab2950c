package v1

import (
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// Function is code to run, with the settings of how it runs and scales.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
type Function struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Spec   FunctionSpec   `json:"spec"`
	Status FunctionStatus `json:"status,omitempty"`
}

// FunctionList is a list of functions.
//
// +kubebuilder:object:root=true
type FunctionList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`

	Items []Function `json:"items"`
}

// FunctionSpec is what users declare of a function.
type FunctionSpec struct {
	// Environment that runs the function; it must be in the function's namespace.
	Environment EnvironmentReference `json:"environment,omitempty"`
	// Package that holds the code.
	Package FunctionPackageRef `json:"package,omitempty"`
	// Secrets mounted under /secrets.
	Secrets []SecretReference `json:"secrets,omitempty"`
	// ConfigMaps mounted under /configs.
	ConfigMaps []ConfigMapReference `json:"configmaps,omitempty"`
	// Env are environment variables of the function.
	Env []corev1.EnvVar `json:"env,omitempty"`
	// EnvFrom takes environment variables from Secrets and ConfigMaps.
	EnvFrom []corev1.EnvFromSource `json:"envFrom,omitempty"`
	// Resources of the function's own pods.
	Resources corev1.ResourceRequirements `json:"resources,omitempty"`
	// InvokeStrategy says how pods are made and scaled.
	InvokeStrategy InvokeStrategy `json:"InvokeStrategy,omitempty"`
	// FunctionTimeout in seconds bounds a request's run; 0 means 60.
	FunctionTimeout int `json:"functionTimeout,omitempty"`
	// IdleTimeout in seconds after which an idle pod goes; nil means 120.
	IdleTimeout *int `json:"idletimeout,omitempty"`
	// Concurrency is the maximum of hot pods; 0 means 500.
	Concurrency int `json:"concurrency,omitempty"`
	// RequestsPerPod is the number of requests inside one pod at a time; 0 means 1.
	RequestsPerPod int `json:"requestsPerPod,omitempty"`
	// OnceOnly gives each pod a single request in its life.
	OnceOnly bool `json:"onceOnly,omitempty"`
	// RetainPods is the number of hot pods kept when idle.
	RetainPods int `json:"retainPods,omitempty"`
	// Streaming, when present, exempts the function's streams from functionTimeout.
	Streaming *StreamingConfig `json:"streaming,omitempty"`
	// ProvisionedConcurrency keeps pods hot ahead of requests.
	ProvisionedConcurrency *ProvisionedConcurrency `json:"provisionedConcurrency,omitempty"`
	// PodSpec is a core/v1 PodSpec, required by the container executor.
	PodSpec *runtime.RawExtension `json:"podspec,omitempty"`
}

// EnvironmentReference names an environment.
type EnvironmentReference struct {
	// Namespace of the environment; empty means the referrer's.
	Namespace string `json:"namespace,omitempty"`
	// Name of the environment.
	Name string `json:"name,omitempty"`
}

// FunctionPackageRef names a package and the entry point in it.
type FunctionPackageRef struct {
	// PackageRef names the package.
	PackageRef PackageRef `json:"packageref,omitempty"`
	// FunctionName is the entry point, in the environment's own notation (for example "main.handler").
	FunctionName string `json:"functionName,omitempty"`
}

// PackageRef names a package at a version.
type PackageRef struct {
	// Namespace of the package; empty means the function's.
	Namespace string `json:"namespace,omitempty"`
	// Name of the package.
	Name string `json:"name,omitempty"`
	// ResourceVersion of the package; a new value makes a new generation of the function.
	ResourceVersion string `json:"resourceversion,omitempty"`
}

// SecretReference names a Secret whose keys become files.
type SecretReference struct {
	// Namespace of the Secret; it must be the function's.
	Namespace string `json:"namespace,omitempty"`
	// Name of the Secret.
	Name string `json:"name"`
	// MountPath below /secrets; empty means <namespace>/<name>.
	MountPath string `json:"mountPath,omitempty"`
}

// ConfigMapReference names a ConfigMap whose keys become files.
type ConfigMapReference struct {
	// Namespace of the ConfigMap; it must be the function's.
	Namespace string `json:"namespace,omitempty"`
	// Name of the ConfigMap.
	Name string `json:"name"`
	// MountPath below /configs; empty means <namespace>/<name>.
	MountPath string `json:"mountPath,omitempty"`
}

// InvokeStrategy says how pods are made and scaled.
type InvokeStrategy struct {
	// ExecutionStrategy holds the scale bounds.
	ExecutionStrategy ExecutionStrategy `json:"ExecutionStrategy,omitempty"`
	// StrategyType is "" or "execution".
	StrategyType string `json:"StrategyType,omitempty"`
}

// ExecutionStrategy holds a function's executor and scale bounds.
type ExecutionStrategy struct {
	// ExecutorType is "poolmgr" (default), "newdeploy" or "container".
	ExecutorType string `json:"ExecutorType,omitempty"`
	// MinScale is the number of pods kept at least.
	MinScale int `json:"MinScale,omitempty"`
	// MaxScale is the number of pods at most (newdeploy, container).
	MaxScale int `json:"MaxScale,omitempty"`
	// TargetCPUPercent is deprecated and has no effect.
	TargetCPUPercent int `json:"TargetCPUPercent,omitempty"`
	// SpecializationTimeout in seconds bounds the wait for a pod; 0 means 120.
	SpecializationTimeout int `json:"SpecializationTimeout,omitempty"`
}

// StreamingConfig exempts streams from functionTimeout.
type StreamingConfig struct {
	// Protocol is "auto" (default), "sse", "chunked" or "websocket".
	Protocol string `json:"protocol,omitempty"`
	// IdleTimeoutSeconds without a byte end a stream; 0 means 60.
	IdleTimeoutSeconds int `json:"idleTimeoutSeconds,omitempty"`
	// MaxDurationSeconds of a stream; 0 means no bound.
	MaxDurationSeconds int `json:"maxDurationSeconds,omitempty"`
}

// ProvisionedConcurrency keeps pods hot ahead of requests.
type ProvisionedConcurrency struct {
	// Target is the number of hot pods kept.
	Target int `json:"target,omitempty"`
	// Windows change the target on a schedule.
	Windows []ProvisionedWindow `json:"windows,omitempty"`
}

// ProvisionedWindow changes a provisioned target for a while.
type ProvisionedWindow struct {
	// Name of the window.
	Name string `json:"name"`
	// Start is a cron expression.
	Start string `json:"start"`
	// Duration of the window.
	Duration metav1.Duration `json:"duration"`
	// Target inside the window.
	Target int `json:"target"`
}

// FunctionStatus is what the platform reports of a function.
type FunctionStatus struct {
	// ObservedGeneration is the generation that the conditions speak of.
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`
	// Conditions: Ready, PackageReady.
	Conditions []metav1.Condition `json:"conditions,omitempty"`
}

// Executors of functions.
const (
	ExecutorPool      = "poolmgr"
	ExecutorNewDeploy = "newdeploy"
	ExecutorContainer = "container"
)

// Defaults of functions.
const (
	DefaultConcurrency           = 500
	DefaultRequestsPerPod        = 1
	DefaultFunctionTimeout       = 60 * time.Second
	DefaultIdleTimeout           = 120 * time.Second
	DefaultSpecializationTimeout = 120 * time.Second
)

// Executor returns the function's executor, with its default.
func (f *Function) Executor() string {
	if t := f.Spec.InvokeStrategy.ExecutionStrategy.ExecutorType; t != "" {
		return t
	}
	return ExecutorPool
}

// MaxPods returns the maximum of hot pods, at least 1.
func (f *Function) MaxPods() int {
	if f.Spec.Concurrency <= 0 {
		return DefaultConcurrency
	}
	return f.Spec.Concurrency
}

// RequestsPerPod returns the number of requests that may be inside one pod at a time, at least 1.
func (f *Function) RequestsPerPod() int {
	if f.Spec.OnceOnly || f.Spec.RequestsPerPod <= 0 {
		return DefaultRequestsPerPod
	}
	return f.Spec.RequestsPerPod
}

// RunTimeout returns the bound of a request's run inside the function.
func (f *Function) RunTimeout() time.Duration {
	return seconds(f.Spec.FunctionTimeout, DefaultFunctionTimeout)
}

// IdleTimeout returns how long a pod may idle before it goes.
func (f *Function) IdleTimeout() time.Duration {
	if f.Spec.IdleTimeout == nil {
		return DefaultIdleTimeout
	}
	return time.Duration(*f.Spec.IdleTimeout) * time.Second
}

// HoldTimeout returns how long a request may wait for a pod.
func (f *Function) HoldTimeout() time.Duration {
	return seconds(f.Spec.InvokeStrategy.ExecutionStrategy.SpecializationTimeout, DefaultSpecializationTimeout)
}

// EnvironmentKey returns "namespace/name" of the function's environment.
func (f *Function) EnvironmentKey() string {
	return key(f.Spec.Environment.Namespace, f.Namespace, f.Spec.Environment.Name)
}

// PackageKey returns "namespace/name" of the function's package, "" when it names none.
func (f *Function) PackageKey() string {
	if f.Spec.Package.PackageRef.Name == "" {
		return ""
	}
	return key(f.Spec.Package.PackageRef.Namespace, f.Namespace, f.Spec.Package.PackageRef.Name)
}

func key(namespace, fallback, name string) string {
	if namespace == "" {
		namespace = fallback
	}
	return namespace + "/" + name
}

func seconds(n int, fallback time.Duration) time.Duration {
	if n <= 0 {
		return fallback
	}
	return time.Duration(n) * time.Second
}
