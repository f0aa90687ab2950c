package kube

import (
	"context"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	v1 "hotpod.dev/api/v1"
)

// FieldOwner owns what the platform writes by server-side apply.
const FieldOwner = "hotpod"

// Apply is the part of an object that somebody owns by server-side apply. Nil parts are left to others.
type Apply struct {
	metav1.TypeMeta `json:",inline"`
	// Metadata names the object.
	Metadata ApplyMeta `json:"metadata"`
	// Spec is any value that marshals to the owned part of the spec.
	Spec any `json:"spec,omitempty"`
	// Status is any value that marshals to the owned part of the status.
	Status any `json:"status,omitempty"`
}

// ApplyMeta names an object, and what is owned of its metadata.
type ApplyMeta struct {
	// Namespace of the object.
	Namespace string `json:"namespace,omitempty"`
	// Name of the object.
	Name string `json:"name"`
	// ResourceVersion, when not empty, makes it a conflict to apply to any other state of the object.
	ResourceVersion string `json:"resourceVersion,omitempty"`
	// Labels that are owned.
	Labels map[string]string `json:"labels,omitempty"`
	// Annotations that are owned.
	Annotations map[string]string `json:"annotations,omitempty"`
}

// GetName implements what gentype asks of a value to apply.
func (a *Apply) GetName() *string { return &a.Metadata.Name }

// Applier applies objects of a kind; a Client is one.
type Applier[T Object] interface {
	Apply(ctx context.Context, a *Apply, o metav1.ApplyOptions) (T, error)
	ApplyStatus(ctx context.Context, a *Apply, o metav1.ApplyOptions) (T, error)
}

// ApplyStatus makes status the platform's part of obj's status, also where another writer has set the same fields.
// It is a conflict when the object is no longer as obj is: a status speaks of what was seen, not of what came since.
func ApplyStatus[T Object](ctx context.Context, c Applier[T], obj T, status any) error {
	a := owned(obj)
	a.Status = status
	if _, err := c.ApplyStatus(ctx, a, metav1.ApplyOptions{FieldManager: FieldOwner, Force: true}); err != nil {
		return fmt.Errorf("apply the status of %s %s/%s: %w", a.Kind, obj.GetNamespace(), obj.GetName(), err)
	}
	return nil
}

// ApplySpec makes spec the platform's part of obj's spec, also where another writer has set the same fields. It is a
// conflict when the object is no longer as obj is.
func ApplySpec[T Object](ctx context.Context, c Applier[T], obj T, spec any) error {
	a := owned(obj)
	a.Spec = spec
	if _, err := c.Apply(ctx, a, metav1.ApplyOptions{FieldManager: FieldOwner, Force: true}); err != nil {
		return fmt.Errorf("apply %s %s/%s: %w", a.Kind, obj.GetNamespace(), obj.GetName(), err)
	}
	return nil
}

// owned returns an Apply that names one of Hotpod's objects, as it was seen, and owns nothing yet.
func owned(obj Object) *Apply {
	return &Apply{
		TypeMeta: metav1.TypeMeta{APIVersion: v1.GroupVersion.String(), Kind: kindOf(obj)},
		Metadata: ApplyMeta{Namespace: obj.GetNamespace(), Name: obj.GetName(), ResourceVersion: obj.GetResourceVersion()},
	}
}

// kindOf names the kind by the Go type: decoded objects do not carry it.
func kindOf(obj Object) string {
	switch obj.(type) {
	case *v1.Environment:
		return "Environment"
	case *v1.Function:
		return "Function"
	case *v1.Package:
		return "Package"
	case *v1.HTTPTrigger:
		return "HTTPTrigger"
	case *v1.TimeTrigger:
		return "TimeTrigger"
	case *v1.KubernetesWatchTrigger:
		return "KubernetesWatchTrigger"
	case *v1.FissionTenant:
		return "FissionTenant"
	default:
		return obj.GetObjectKind().GroupVersionKind().Kind
	}
}
