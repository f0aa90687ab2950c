package v1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// FissionTenant says that functions may be in a namespace: where the controller looks after tenants, it brings there what the
// parts need.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:scope=Cluster,shortName=ftenant,categories=hotpod
// +kubebuilder:printcolumn:name="Tenant",type=string,JSONPath=`.spec.namespace`
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Reason",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].reason`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
type FissionTenant struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitzero"`

	Spec FissionTenantSpec `json:"spec"`
	// +optional
	Status FissionTenantStatus `json:"status,omitzero"`
}

// FissionTenantList is a list of tenants.
//
// +kubebuilder:object:root=true
type FissionTenantList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitzero"`

	Items []FissionTenant `json:"items"`
}

// FissionTenantSpec is what administrators declare of a tenant.
//
// +kubebuilder:validation:XValidation:rule="(!has(self.functionNamespace) || self.functionNamespace.size() == 0 || self.functionNamespace == self.namespace) && (!has(self.builderNamespace) || self.builderNamespace.size() == 0 || self.builderNamespace == self.namespace)",message="a tenant's pods run in its own namespace: leave functionNamespace and builderNamespace empty"
type FissionTenantSpec struct {
	// Namespace of the tenant's objects and pods. It cannot be changed.
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$')",message="namespace is the name of one"
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="namespace cannot be changed: create another tenant"
	Namespace string `json:"namespace"`
	// FunctionNamespace is empty or Namespace.
	// +optional
	// +kubebuilder:validation:MaxLength=63
	FunctionNamespace string `json:"functionNamespace,omitempty"`
	// BuilderNamespace is empty or Namespace.
	// +optional
	// +kubebuilder:validation:MaxLength=63
	BuilderNamespace string `json:"builderNamespace,omitempty"`
}

// FissionTenantStatus is what the platform reports of a tenant.
type FissionTenantStatus struct {
	// ObservedGeneration is the generation that the conditions speak of.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`
	// Conditions: RBACProvisioned, WatchActive, Ready.
	// +optional
	// +patchMergeKey=type
	// +patchStrategy=merge
	// +listType=map
	// +listMapKey=type
	Conditions []metav1.Condition `json:"conditions,omitempty" patchStrategy:"merge" patchMergeKey:"type"`
}

// Validate returns every fault of the tenant that can be seen without the API server, as FieldErrors.
func (t *FissionTenant) Validate() error {
	var f faults
	s := t.Spec
	f.when(!matches(`[a-z0-9]([-a-z0-9]*[a-z0-9])?`, s.Namespace), "spec.namespace", "namespace is the name of one")
	other := func(n string) bool { return n != "" && n != s.Namespace }
	f.when(other(s.FunctionNamespace) || other(s.BuilderNamespace), "spec",
		"a tenant's pods run in its own namespace: leave functionNamespace and builderNamespace empty")
	return f.join()
}
