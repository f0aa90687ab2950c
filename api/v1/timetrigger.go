package v1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// TimeTrigger calls a function at times that a cron expression says.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:shortName=tt,categories=hotpod
// +kubebuilder:printcolumn:name="Cron",type=string,JSONPath=`.spec.cron`
// +kubebuilder:printcolumn:name="Function",type=string,JSONPath=`.spec.functionref.name`
// +kubebuilder:printcolumn:name="Last",type=date,JSONPath=`.status.lastScheduleTime`
// +kubebuilder:printcolumn:name="Next",type=string,JSONPath=`.status.nextScheduleTime`
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Reason",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].reason`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
type TimeTrigger struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitzero"`

	Spec TimeTriggerSpec `json:"spec"`
	// +optional
	Status TimeTriggerStatus `json:"status,omitzero"`
}

// TimeTriggerList is a list of time triggers.
//
// +kubebuilder:object:root=true
type TimeTriggerList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitzero"`

	Items []TimeTrigger `json:"items"`
}

// TimeTriggerSpec is what users declare of a time trigger.
//
// +kubebuilder:validation:XValidation:rule="self.functionref.type == 'name'",message="a time trigger calls one function: functionref of type name"
// +kubebuilder:validation:XValidation:rule="(!has(self.functionref.alias) || self.functionref.alias.size() == 0) && (!has(self.functionref.version) || self.functionref.version.size() == 0)",message="functionref.alias and functionref.version are not served yet: name the function alone"
type TimeTriggerSpec struct {
	// Cron says when: minute, hour, day of month, month and day of week; seconds may stand before, and before all a time
	// zone (CRON_TZ=Europe/Zurich). @hourly, @daily, @weekly, @monthly, @yearly and @every 90s are known too.
	// +kubebuilder:validation:MaxLength=256
	// +kubebuilder:validation:XValidation:rule="self.matches('^[ ]*((CRON_)?TZ=[A-Za-z0-9_+/-]+ +)?(@(yearly|annually|monthly|weekly|daily|midnight|hourly)|@every +[-+0-9.a-zµ]+|[^ ]+( +[^ ]+){4,5})[ ]*$')",message="cron has five fields (minute, hour, day of month, month, day of week), six when seconds stand before, or is @hourly, @daily, @weekly, @monthly, @yearly or @every DURATION; CRON_TZ=ZONE may stand before, for example 'CRON_TZ=Europe/Zurich 0 8 * * MON-FRI'"
	Cron string `json:"cron"`
	// TimeZone is the name of the time zone in which Cron is meant, such as Europe/Zurich; empty means UTC, or what Cron
	// says.
	// +optional
	// +kubebuilder:validation:MaxLength=64
	// +kubebuilder:validation:XValidation:rule="self.matches('^[A-Za-z0-9_+/-]*$')",message="timeZone is a name such as Europe/Zurich or UTC"
	TimeZone string `json:"timeZone,omitempty"`
	// MissedRuns says what becomes of runs whose time passed while nobody could make them: skip forgets them, once makes the
	// last of them, all makes every one, but no more than the last thousand. Empty means once.
	// +optional
	// +kubebuilder:validation:Enum="";skip;once;all
	MissedRuns string `json:"missedRuns,omitempty"`
	// FunctionReference names the function to call.
	FunctionReference FunctionReference `json:"functionref"`
	// Method of the call; empty means POST.
	// +optional
	// +kubebuilder:validation:Enum="";GET;HEAD;POST;PUT;PATCH;DELETE;OPTIONS
	Method string `json:"method,omitempty"`
	// Subpath that is called below the function; empty means /.
	// +optional
	// +kubebuilder:validation:MaxLength=2048
	// +kubebuilder:validation:XValidation:rule="self.matches('^[^# ]*$') && !self.matches('(^|/)[.][.](/|$)')",message="subpath is a path, perhaps with a query, without blanks, '#' and '..' segments, for example /report?kind=daily"
	Subpath string `json:"subpath,omitempty"`
}

// TimeTriggerStatus is what the platform reports of a time trigger.
type TimeTriggerStatus struct {
	// ObservedGeneration is the generation that the conditions speak of.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`
	// Conditions: Scheduled, Ready, Delivering.
	// +optional
	// +patchMergeKey=type
	// +patchStrategy=merge
	// +listType=map
	// +listMapKey=type
	Conditions []metav1.Condition `json:"conditions,omitempty" patchStrategy:"merge" patchMergeKey:"type"`
	// LastScheduleTime is the time up to which all runs are done. It is what a restart begins from.
	// +optional
	LastScheduleTime *metav1.Time `json:"lastScheduleTime,omitempty"`
	// NextScheduleTime is when the next run is due.
	// +optional
	NextScheduleTime *metav1.Time `json:"nextScheduleTime,omitempty"`
	// Skipped is how many runs were missed and not made up for.
	// +optional
	Skipped int64 `json:"skipped,omitempty"`
	// Deliveries are the calls.
	// +optional
	Deliveries DeliveryStatus `json:"deliveries,omitzero"`
}

// Values of TimeTriggerSpec.MissedRuns.
const (
	MissedSkip = "skip"
	MissedOnce = "once"
	MissedAll  = "all"
)
