package v1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// KubernetesWatchTrigger calls a function when objects of the cluster change.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:path=kuberneteswatchtriggers,categories=hotpod
// +kubebuilder:printcolumn:name="Type",type=string,JSONPath=`.spec.type`
// +kubebuilder:printcolumn:name="Namespace",type=string,JSONPath=`.spec.namespace`
// +kubebuilder:printcolumn:name="Function",type=string,JSONPath=`.spec.functionref.name`
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Reason",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].reason`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
type KubernetesWatchTrigger struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitzero"`

	Spec KubernetesWatchTriggerSpec `json:"spec"`
	// +optional
	Status KubernetesWatchTriggerStatus `json:"status,omitzero"`
}

// KubernetesWatchTriggerList is a list of watch triggers.
//
// +kubebuilder:object:root=true
type KubernetesWatchTriggerList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitzero"`

	Items []KubernetesWatchTrigger `json:"items"`
}

// KubernetesWatchTriggerSpec is what users declare of a watch trigger.
//
// +kubebuilder:validation:XValidation:rule="self.functionref.type == 'name'",message="a watch trigger calls one function: functionref of type name"
// +kubebuilder:validation:XValidation:rule="(!has(self.functionref.alias) || self.functionref.alias.size() == 0) && (!has(self.functionref.version) || self.functionref.version.size() == 0)",message="functionref.alias and functionref.version are not served yet: name the function alone"
type KubernetesWatchTriggerSpec struct {
	// Namespace of the objects; empty means the trigger's own, "*" all. Objects without namespace are in none.
	// +optional
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:XValidation:rule="self.size() == 0 || self == '*' || self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$')",message="namespace is the name of one, or '*' for all"
	Namespace string `json:"namespace,omitempty"`
	// Type of the objects: a kind or a resource in any case (POD, Deployment, widgets), with its group where the name
	// alone is not clear (deployments.apps, Widget.example.com).
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="self.matches('^[A-Za-z]([-A-Za-z0-9]*[A-Za-z0-9])?([.][A-Za-z0-9]([-A-Za-z0-9]*[A-Za-z0-9])?)*$')",message="type is a kind or a resource, with its group where needed: POD, Deployment, deployments.apps or Widget.example.com"
	Type string `json:"type"`
	// APIVersion of the objects, such as apps/v1; empty means the one that the cluster prefers.
	// +optional
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="self.matches('^([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[a-z0-9]*$')",message="apiVersion is a version or GROUP/VERSION, for example v1 or apps/v1"
	APIVersion string `json:"apiVersion,omitempty"`
	// LabelSelector chooses objects that have all of these labels.
	// +optional
	// +nullable
	// +kubebuilder:validation:MaxProperties=32
	LabelSelector map[string]string `json:"labelselector,omitempty"`
	// FieldSelector chooses objects by the fields that the API server can select by, as kubectl's --field-selector does:
	// metadata.name=web, status.phase!=Running.
	// +optional
	// +kubebuilder:validation:MaxLength=1024
	FieldSelector string `json:"fieldselector,omitempty"`
	// Events chooses among ADDED, MODIFIED and DELETED; none means all.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=3
	// +kubebuilder:validation:items:Enum=ADDED;MODIFIED;DELETED
	Events []string `json:"events,omitempty"`
	// Filter is a CEL expression that says of an event whether it is delivered, with the variables object and type:
	// type == 'MODIFIED' && object.status.phase == 'Failed'. One that fails on an object, for lack of a field, says no.
	// +optional
	// +kubebuilder:validation:MaxLength=4096
	Filter string `json:"filter,omitempty"`
	// SkipExisting leaves out the objects that are there when the trigger begins; else each is told as ADDED.
	// +optional
	SkipExisting bool `json:"skipExisting,omitempty"`
	// FunctionReference names the function to call.
	FunctionReference FunctionReference `json:"functionref"`
}

// KubernetesWatchTriggerStatus is what the platform reports of a watch trigger.
type KubernetesWatchTriggerStatus struct {
	// ObservedGeneration is the generation that the conditions speak of.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`
	// Conditions: Subscribed, Ready, Delivering.
	// +optional
	// +patchMergeKey=type
	// +patchStrategy=merge
	// +listType=map
	// +listMapKey=type
	Conditions []metav1.Condition `json:"conditions,omitempty" patchStrategy:"merge" patchMergeKey:"type"`
	// Resource is what Type means here: RESOURCE.VERSION.GROUP.
	// +optional
	Resource string `json:"resource,omitempty"`
	// ResourceVersion up to which all changes are delivered or given up. It is what a restart resumes from.
	// +optional
	ResourceVersion string `json:"resourceVersion,omitempty"`
	// Source tells what ResourceVersion counts; it is void when this changes.
	// +optional
	Source string `json:"source,omitempty"`
	// ResumeTime is when ResourceVersion was current.
	// +optional
	ResumeTime *metav1.Time `json:"resumeTime,omitempty"`
	// Gaps is how often changes may have been missed: the API server had forgotten where to resume from.
	// +optional
	Gaps int64 `json:"gaps,omitempty"`
	// Deliveries are the calls.
	// +optional
	Deliveries DeliveryStatus `json:"deliveries,omitzero"`
}

// AllNamespaces as KubernetesWatchTriggerSpec.Namespace means objects of every namespace.
const AllNamespaces = "*"

// Annotations by which the API server records who wrote a watch trigger; nobody can write another's name.
const (
	// AnnotationAuthor holds the name.
	AnnotationAuthor = "hotpod.dev/author"
	// AnnotationAuthorGroups holds the groups, one a line.
	AnnotationAuthorGroups = "hotpod.dev/author-groups"
)
