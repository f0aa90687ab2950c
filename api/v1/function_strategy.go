package v1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// InvokeStrategy says how pods are made and scaled.
type InvokeStrategy struct {
	// ExecutionStrategy holds the scale bounds.
	// +optional
	ExecutionStrategy ExecutionStrategy `json:"ExecutionStrategy,omitzero"`
	// StrategyType is "" or "execution".
	// +optional
	// +kubebuilder:validation:Enum="";execution
	StrategyType string `json:"StrategyType,omitempty"`
}

// ExecutionStrategy holds a function's executor and scale bounds.
//
// +kubebuilder:validation:XValidation:rule="!has(self.ExecutorType) || !(self.ExecutorType in ['newdeploy', 'container']) || (has(self.MaxScale) && self.MaxScale > 0)",message="executor types newdeploy and container need MaxScale above 0"
// +kubebuilder:validation:XValidation:rule="!has(self.MinScale) || !has(self.MaxScale) || self.MaxScale == 0 || self.MinScale <= self.MaxScale",message="MinScale is at most MaxScale"
type ExecutionStrategy struct {
	// ExecutorType is "poolmgr" (default), "newdeploy" or "container".
	// +optional
	// +kubebuilder:validation:Enum="";poolmgr;newdeploy;container
	ExecutorType string `json:"ExecutorType,omitempty"`
	// MinScale is the number of pods kept at least.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=1000000
	MinScale int `json:"MinScale,omitempty"`
	// MaxScale is the number of pods at most (newdeploy, container).
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=1000000
	MaxScale int `json:"MaxScale,omitempty"`
	// TargetCPUPercent is deprecated and has no effect.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=100
	TargetCPUPercent int `json:"TargetCPUPercent,omitempty"`
	// SpecializationTimeout in seconds bounds the wait for a pod; 0 means 120.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=31536000
	SpecializationTimeout int `json:"SpecializationTimeout,omitempty"`
	// Metrics are kept for compatibility: the pool scales by concurrency.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=64
	Metrics []OpenObject `json:"hpaMetrics,omitempty"`
	// Behavior is kept for compatibility: the pool scales by concurrency.
	// +optional
	// +kubebuilder:validation:Type=object
	// +kubebuilder:pruning:PreserveUnknownFields
	Behavior *runtime.RawExtension `json:"hpaBehavior,omitempty"`
}

// OpenObject is an object of any shape.
//
// +kubebuilder:validation:Type=object
// +kubebuilder:pruning:PreserveUnknownFields
type OpenObject struct {
	runtime.RawExtension `json:",inline"`
}

// StreamingConfig exempts streams from functionTimeout.
type StreamingConfig struct {
	// Protocol is "auto" (default), "sse", "chunked" or "websocket".
	// +optional
	// +kubebuilder:default=auto
	// +kubebuilder:validation:Enum=auto;sse;chunked;websocket
	Protocol string `json:"protocol,omitempty"`
	// IdleTimeoutSeconds without a byte end a stream; 0 means 60.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=31536000
	IdleTimeoutSeconds int `json:"idleTimeoutSeconds,omitempty"`
	// MaxDurationSeconds of a stream; 0 means no bound.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=31536000
	MaxDurationSeconds int `json:"maxDurationSeconds,omitempty"`
}

// ProvisionedConcurrency keeps pods hot ahead of requests.
type ProvisionedConcurrency struct {
	// Target is the number of hot pods kept.
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000000
	Target int `json:"target"`
	// Windows change the target on a schedule.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=32
	Windows []ProvisionedWindow `json:"windows,omitempty"`
}

// ProvisionedWindow changes a provisioned target for a while.
type ProvisionedWindow struct {
	// Name of the window.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	Name string `json:"name"`
	// Start is a cron expression.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	Start string `json:"start"`
	// Duration of the window.
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]+([.][0-9]+)?(ns|us|ms|s|m|h))+$')",message="duration is a time such as 30m or 12h"
	Duration metav1.Duration `json:"duration"`
	// Target inside the window.
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=1000000
	Target int `json:"target"`
}
