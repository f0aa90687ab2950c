package v1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// EnvironmentStatus is what the platform reports of an environment.
type EnvironmentStatus struct {
	// ObservedGeneration is the generation that the conditions speak of.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`
	// Conditions: Ready; SettingsValid where there is something to say of the annotations.
	// +optional
	// +patchMergeKey=type
	// +patchStrategy=merge
	// +listType=map
	// +listMapKey=type
	Conditions []metav1.Condition `json:"conditions,omitempty" patchStrategy:"merge" patchMergeKey:"type"`
	// Pool says how many warm pods there are, how many there shall be, and why. It is written a moment after a change.
	// +optional
	Pool *EnvironmentPool `json:"pool,omitempty"`
}

// EnvironmentPool is what is known of an environment's warm pods.
type EnvironmentPool struct {
	// Wanted is the number of warm pods that there shall be.
	Wanted int `json:"wanted"`
	// Reason of that number.
	// +optional
	Reason string `json:"reason,omitempty"`
	// Warm pods wait for a function.
	Warm int `json:"warm"`
	// Starting pods will be warm soon.
	// +optional
	Starting int `json:"starting,omitempty"`
	// Busy pods have a function.
	// +optional
	Busy int `json:"busy,omitempty"`
	// Unschedulable pods find no node.
	// +optional
	Unschedulable int `json:"unschedulable,omitempty"`
	// Maximum of the warm pods, whatever is claimed.
	// +optional
	Maximum int `json:"maximum,omitempty"`
	// ClaimsPerSecond in the busiest 20 seconds of the last five minutes.
	// +optional
	ClaimsPerSecond string `json:"claimsPerSecond,omitempty"`
	// LeadTime is how long it takes to replace a claimed pod.
	// +optional
	LeadTime string `json:"leadTime,omitempty"`
	// LastUsed is when a function last had, or wanted, a pod of the environment.
	// +optional
	LastUsed *metav1.Time `json:"lastUsed,omitempty"`
}
