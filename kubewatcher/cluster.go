package kubewatcher

import (
	"context"
	"errors"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"

	v1 "hotpod.dev/api/v1"
)

// ErrUnknownType is what Cluster.Resolve returns for a type that the cluster does not have.
var ErrUnknownType = errors.New("the cluster has no such type")

// Resource is a type of objects.
type Resource struct {
	schema.GroupVersionResource
	Kind       string
	Namespaced bool
}

// String returns RESOURCE.VERSION.GROUP.
func (r Resource) String() string {
	if r.Group == "" {
		return r.Resource + "." + r.Version
	}
	return r.Resource + "." + r.Version + "." + r.Group
}

// Access is what somebody would do.
type Access struct {
	Resource
	// Namespace is "" for all; Name is "" for any object.
	Namespace, Name string
}

// Cluster is what a Watcher needs of the Kubernetes API.
type Cluster interface {
	// Resolve returns what the type is in this cluster, or an error that wraps ErrUnknownType.
	Resolve(ctx context.Context, name, apiVersion string) (Resource, error)
	// MayRead reports whether somebody may list and watch; why says more when not.
	MayRead(ctx context.Context, author v1.Author, a Access) (may bool, why string, err error)
	// List returns a page of objects; ListMetadata one of their metadata alone.
	List(ctx context.Context, r Resource, namespace string, o metav1.ListOptions) (*unstructured.UnstructuredList, error)
	ListMetadata(ctx context.Context, r Resource, namespace string, o metav1.ListOptions) (*metav1.PartialObjectMetadataList, error)
	// Watch returns changes as *unstructured.Unstructured.
	Watch(ctx context.Context, r Resource, namespace string, o metav1.ListOptions) (watch.Interface, error)
}

// Triggers reads triggers and writes their status.
type Triggers interface {
	// Get returns the trigger as the API server has it.
	Get(ctx context.Context, namespace, name string) (*v1.KubernetesWatchTrigger, error)
	// WriteStatus replaces the status. It is an error when the trigger is no longer as t is.
	WriteStatus(ctx context.Context, t *v1.KubernetesWatchTrigger, s v1.KubernetesWatchTriggerStatus) error
}
