package v1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// FunctionStatus is what the platform reports of a function.
type FunctionStatus struct {
	// ObservedGeneration is the generation that the conditions speak of.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`
	// Conditions: Ready, PackageReady; SettingsValid where there is something to say of the settings, Provisioned
	// where pods are.
	// +optional
	// +patchMergeKey=type
	// +patchStrategy=merge
	// +listType=map
	// +listMapKey=type
	Conditions []metav1.Condition `json:"conditions,omitempty" patchStrategy:"merge" patchMergeKey:"type"`
	// Scale says how many pods the function has and why. A function that was never called has none. It is written a
	// moment after a change, and the load in it is that of then.
	// +optional
	Scale *FunctionScale `json:"scale,omitempty"`
}

// FunctionScale is what the autoscaler decided last.
type FunctionScale struct {
	// Wanted is the number of pods that the function shall have.
	Wanted int `json:"wanted"`
	// Ready pods take requests.
	Ready int `json:"ready"`
	// Starting pods are being specialized.
	// +optional
	Starting int `json:"starting,omitempty"`
	// WarmAvailable pods of the environment have no function yet.
	WarmAvailable int `json:"warmAvailable"`
	// Reason of the decision: the rule that had the last word.
	// +optional
	Reason string `json:"reason,omitempty"`
	// LastChange is when another number of pods was wanted last.
	// +optional
	LastChange *metav1.Time `json:"lastChange,omitempty"`
	// Metric that the load is measured in: concurrency or rps.
	// +optional
	Metric string `json:"metric,omitempty"`
	// Target is the load that a pod shall have.
	// +optional
	Target string `json:"target,omitempty"`
	// StableWindow is the load over the stable window.
	// +optional
	StableWindow string `json:"stableWindow,omitempty"`
	// PanicWindow is the load over the panic window.
	// +optional
	PanicWindow string `json:"panicWindow,omitempty"`
	// Panicking says that nothing is taken away because the load rose steeply.
	// +optional
	Panicking bool `json:"panicking,omitempty"`
	// Minimum is the number of pods that is kept without load now.
	// +optional
	Minimum int `json:"minimum,omitempty"`
	// Maximum is the number of pods at most.
	// +optional
	Maximum int `json:"maximum,omitempty"`
	// Provisioned is what provisionedConcurrency wants now.
	// +optional
	Provisioned int `json:"provisioned,omitempty"`
	// Begun is the newest generation that has had its initial scale.
	// +optional
	Begun int64 `json:"begun,omitempty"`
}
