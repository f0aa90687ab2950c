package kube

import (
	"context"
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
)

// Objects reads and writes objects of any kind whose resource has the usual plural. It asks the API server for no list of kinds:
// an object with a namespace is of a namespaced kind. It is safe for concurrent use.
type Objects struct{ client rest.Interface }

// Objects returns the client of objects of any kind.
func (c *Clients) Objects() Objects { return Objects{c.core} }

// ObjectRef names an object, or with an empty name all of its kind.
type ObjectRef struct{ APIVersion, Kind, Namespace, Name string }

// Resource returns the group and the resource of the kind.
func (r ObjectRef) Resource() schema.GroupResource {
	plural, _ := meta.UnsafeGuessKindToResource(schema.FromAPIVersionAndKind(r.APIVersion, r.Kind))
	return plural.GroupResource()
}

func (r ObjectRef) path() string {
	steps := []string{"/apis", r.APIVersion}
	if !strings.Contains(r.APIVersion, "/") {
		steps[0] = "/api"
	}
	if r.Namespace != "" {
		steps = append(steps, "namespaces", r.Namespace)
	}
	steps = append(steps, r.Resource().Resource)
	if r.Name != "" {
		steps = append(steps, r.Name)
	}
	return strings.Join(steps, "/")
}

// Get reads an object.
func (c Objects) Get(ctx context.Context, r ObjectRef) (*unstructured.Unstructured, error) {
	return object(raw(ctx, c.client.Get().AbsPath(r.path())))
}

// List reads the objects of a kind that have the labels; an empty namespace means all.
func (c Objects) List(ctx context.Context, r ObjectRef, selector string) ([]unstructured.Unstructured, error) {
	data, err := raw(ctx, c.client.Get().AbsPath(r.path()).Param("labelSelector", selector))
	if err != nil {
		return nil, err
	}
	list := &unstructured.UnstructuredList{}
	if err := list.UnmarshalJSON(data); err != nil {
		return nil, fmt.Errorf("read a list of %s: %w", r.Kind, err)
	}
	return list.Items, nil
}

// Apply writes an object by server-side apply, and takes over what others applied. With dryRun nothing is written.
func (c Objects) Apply(ctx context.Context, o *unstructured.Unstructured, manager string, dryRun bool) (*unstructured.Unstructured, error) {
	body, err := o.MarshalJSON()
	if err != nil {
		return nil, fmt.Errorf("write %s %s: %w", o.GetKind(), o.GetName(), err)
	}
	r := ObjectRef{o.GetAPIVersion(), o.GetKind(), o.GetNamespace(), o.GetName()}
	req := c.client.Patch(types.ApplyPatchType).AbsPath(r.path()).Param("fieldManager", manager).Param("force", "true")
	if dryRun {
		req = req.Param("dryRun", metav1.DryRunAll)
	}
	return object(raw(ctx, req.Body(body)))
}

// Delete deletes an object, and in the background what it owns. With dryRun nothing is deleted.
func (c Objects) Delete(ctx context.Context, r ObjectRef, dryRun bool) error {
	req := c.client.Delete().AbsPath(r.path()).Param("propagationPolicy", string(metav1.DeletePropagationBackground))
	if dryRun {
		req = req.Param("dryRun", metav1.DryRunAll)
	}
	_, err := raw(ctx, req)
	return err
}

// raw sends a request and returns the answer's text, or what the API server said is wrong.
func raw(ctx context.Context, r *rest.Request) ([]byte, error) {
	result := r.SetHeader("Accept", "application/json").Do(ctx)
	if err := result.Error(); err != nil {
		return nil, err
	}
	return result.Raw()
}

func object(data []byte, err error) (*unstructured.Unstructured, error) {
	if err != nil {
		return nil, err
	}
	o := &unstructured.Unstructured{}
	if err := o.UnmarshalJSON(data); err != nil {
		return nil, fmt.Errorf("read an object: %w", err)
	}
	return o, nil
}
