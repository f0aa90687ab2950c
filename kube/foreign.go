package kube

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
)

// Foreign reads and writes objects of kinds that have no typed client. Their resource is named as the kind is, in the plural of
// English.
type Foreign struct{ objects dynamic.Interface }

// NewForeign returns a Foreign of a connection. It does not connect.
func NewForeign(c *Clients) (*Foreign, error) {
	objects, err := dynamic.NewForConfig(c.Config())
	if err != nil {
		return nil, fmt.Errorf("make the client of objects of any kind: %w", err)
	}
	return &Foreign{objects}, nil
}

func (f *Foreign) of(kind schema.GroupVersionKind, namespace string) dynamic.ResourceInterface {
	resource, _ := meta.UnsafeGuessKindToResource(kind)
	if namespace == "" {
		return f.objects.Resource(resource)
	}
	return f.objects.Resource(resource).Namespace(namespace)
}

// Apply makes what o says its owner's part of the object, also where another writer has set the same fields.
func (f *Foreign) Apply(ctx context.Context, o *unstructured.Unstructured, owner string) error {
	_, err := f.of(o.GroupVersionKind(), o.GetNamespace()).Apply(ctx, o.GetName(), o, metav1.ApplyOptions{FieldManager: owner, Force: true})
	if err != nil {
		return fmt.Errorf("apply %s %s/%s: %w", o.GetKind(), o.GetNamespace(), o.GetName(), err)
	}
	return nil
}

// Get returns the object that is named as o; nil when there is none, or no such kind.
func (f *Foreign) Get(ctx context.Context, o *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	there, err := f.of(o.GroupVersionKind(), o.GetNamespace()).Get(ctx, o.GetName(), metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil, nil //nolint:nilnil // as documented
	}
	if err != nil {
		return nil, fmt.Errorf("read %s %s/%s: %w", o.GetKind(), o.GetNamespace(), o.GetName(), err)
	}
	return there, nil
}

// List returns the objects of a kind that have the labels; namespace "" means all.
func (f *Foreign) List(ctx context.Context, kind schema.GroupVersionKind, namespace, labels string) ([]unstructured.Unstructured, error) {
	list, err := f.of(kind, namespace).List(ctx, metav1.ListOptions{LabelSelector: labels})
	if err != nil {
		return nil, fmt.Errorf("list objects of kind %s: %w", kind.Kind, err)
	}
	return list.Items, nil
}

// Delete deletes an object as it was seen; one that is gone is none to be deleted.
func (f *Foreign) Delete(ctx context.Context, o *unstructured.Unstructured) error {
	uid := o.GetUID()
	err := f.of(o.GroupVersionKind(), o.GetNamespace()).Delete(ctx, o.GetName(), metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &uid}})
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("delete %s %s/%s: %w", o.GetKind(), o.GetNamespace(), o.GetName(), err)
	}
	return nil
}
