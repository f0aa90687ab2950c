package parts

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"
)

const (
	// fieldManager owns what the platform applies.
	fieldManager = "hotpod-local"
	// applyAtOnce bounds the requests in flight.
	applyAtOnce = 8
	// servedWithin is the time that a new definition may take until its objects can be written.
	servedWithin = 20 * time.Second
)

// Applier writes a plan's objects to the API.
type Applier struct {
	client    dynamic.Interface
	discovery discovery.DiscoveryInterface
	mapper    meta.RESTMapper
}

// NewApplier returns an applier that speaks with the credentials of a cluster administrator.
func NewApplier(config *rest.Config) (*Applier, error) {
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	d, err := discovery.NewDiscoveryClientForConfig(config)
	return &Applier{client: client, discovery: d}, err
}

// Apply writes definitions, waits until they are served, and writes namespaces and all others. It may be repeated.
func (a *Applier) Apply(ctx context.Context, p *Plan) error {
	if err := a.discover(); err != nil {
		return err
	}
	if err := a.each(ctx, p.Definitions, a.define); err != nil {
		return err
	}
	if err := a.each(ctx, p.Namespaces, a.apply); err != nil {
		return err
	}
	return a.each(ctx, p.Others, a.apply)
}

func (a *Applier) each(ctx context.Context, objects []*unstructured.Unstructured, do func(context.Context, *unstructured.Unstructured) error) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(applyAtOnce)
	for _, object := range objects {
		group.Go(func() error {
			if err := do(ctx, object); err != nil {
				return fmt.Errorf("apply %s %s: %w", object.GetKind(), object.GetName(), err)
			}
			return nil
		})
	}
	return group.Wait()
}

func (a *Applier) apply(ctx context.Context, object *unstructured.Unstructured) error {
	resource, err := a.resource(object.GroupVersionKind(), object.GetNamespace())
	if err != nil {
		return err
	}
	_, err = resource.Apply(ctx, object.GetName(), object, metav1.ApplyOptions{FieldManager: fieldManager, Force: true})
	return err
}

// define applies a definition and returns when the API serves it.
func (a *Applier) define(ctx context.Context, object *unstructured.Unstructured) error {
	if err := a.apply(ctx, object); err != nil {
		return err
	}
	resource, err := a.resource(object.GroupVersionKind(), "")
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, servedWithin)
	defer cancel()
	for {
		got, err := resource.Get(ctx, object.GetName(), metav1.GetOptions{})
		if err == nil && established(got) {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait until it is served: %w", errors.Join(ctx.Err(), err))
		case <-time.After(10 * time.Millisecond):
		}
	}
}

func established(definition *unstructured.Unstructured) bool {
	conditions, _, _ := unstructured.NestedSlice(definition.Object, "status", "conditions")
	return slices.ContainsFunc(conditions, func(c any) bool {
		condition, ok := c.(map[string]any)
		return ok && condition["type"] == "Established" && condition["status"] == "True"
	})
}

func (a *Applier) discover() error {
	groups, err := restmapper.GetAPIGroupResources(a.discovery)
	if err != nil {
		return fmt.Errorf("ask the API for its kinds: %w", err)
	}
	a.mapper = restmapper.NewDiscoveryRESTMapper(groups)
	return nil
}

func (a *Applier) resource(kind schema.GroupVersionKind, namespace string) (dynamic.ResourceInterface, error) {
	mapping, err := a.mapper.RESTMapping(kind.GroupKind(), kind.Version)
	if err != nil {
		return nil, err
	}
	if mapping.Scope.Name() == meta.RESTScopeNameRoot {
		return a.client.Resource(mapping.Resource), nil
	}
	if namespace == "" {
		namespace = metav1.NamespaceDefault
	}
	return a.client.Resource(mapping.Resource).Namespace(namespace), nil
}

// Reference names one applied object.
type Reference struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Namespace  string `json:"namespace,omitempty"`
	Name       string `json:"name"`
}

// References lists what Apply writes and Prune may delete.
func (p *Plan) References() []Reference {
	objects := slices.Concat(p.Namespaces, p.Others)
	refs := make([]Reference, 0, len(objects))
	for _, o := range objects {
		refs = append(refs, Reference{APIVersion: o.GetAPIVersion(), Kind: o.GetKind(), Namespace: o.GetNamespace(), Name: o.GetName()})
	}
	return refs
}

// Prune deletes the objects of an earlier plan that the later one lacks. Namespaces stay, since a person's own
// objects may be in them.
func (a *Applier) Prune(ctx context.Context, earlier, later []Reference) error {
	var errs []error
	for _, ref := range earlier {
		if slices.Contains(later, ref) || ref.Kind == "Namespace" {
			continue
		}
		resource, err := a.resource(schema.FromAPIVersionAndKind(ref.APIVersion, ref.Kind), ref.Namespace)
		if meta.IsNoMatchError(err) {
			continue
		}
		if err == nil {
			err = resource.Delete(ctx, ref.Name, metav1.DeleteOptions{})
		}
		if err != nil && !apierrors.IsNotFound(err) {
			errs = append(errs, fmt.Errorf("delete %s %s: %w", ref.Kind, ref.Name, err))
		}
	}
	return errors.Join(errs...)
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
