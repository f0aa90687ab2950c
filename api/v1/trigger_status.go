package v1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// MaxDeliveries bounds the deliveries that a trigger's status tells of.
const MaxDeliveries = 10

// Delivery is one call of a function for a trigger.
type Delivery struct {
	// ID names what was delivered; it stays the same when that is delivered again. Functions get it as the header
	// Idempotency-Key, and as X-Fission-Request-ID.
	ID string `json:"id"`
	// What was delivered, for people: the time of a run, or the event and its object.
	// +optional
	What string `json:"what,omitempty"`
	// Time at which the last attempt ended.
	Time metav1.Time `json:"time"`
	// Attempts that were made.
	// +optional
	Attempts int32 `json:"attempts,omitempty"`
	// Status is the HTTP status of the last attempt, 0 when there was no answer.
	// +optional
	Status int32 `json:"status,omitempty"`
	// Milliseconds that the last attempt took.
	// +optional
	Milliseconds int64 `json:"milliseconds,omitempty"`
	// Error says why it failed; empty means that it was delivered.
	// +optional
	Error string `json:"error,omitempty"`
}

// DeliveryStatus is what the platform reports of a trigger's calls.
type DeliveryStatus struct {
	// Delivered is how many calls succeeded, Failed how many were given up, since the trigger was made. A restart of the
	// part that calls may count a few twice, which it also calls twice.
	// +optional
	Delivered int64 `json:"delivered,omitempty"`
	// +optional
	Failed int64 `json:"failed,omitempty"`
	// Pending is how many are waiting or under way.
	// +optional
	Pending int64 `json:"pending,omitempty"`
	// Recent are the last deliveries, and those that are being tried again; the newest come first.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=10
	Recent []Delivery `json:"recent,omitempty"`
}

// Author is who wrote a trigger last, as the API server recorded it.
//
// +kubebuilder:object:generate=false
type Author struct {
	Name   string
	Groups []string
}
