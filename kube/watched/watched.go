// Package watched reads objects of any type for the kubewatcher. It is apart from package kube, whose users would all carry
// what the kubewatcher is made of.
package watched

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	authorizationv1 "k8s.io/api/authorization/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/kube"
	"hotpod.dev/kubewatcher"
)

// Cluster is the cluster as the kubewatcher reads it: objects of any type. It is safe for concurrent use.
type Cluster struct {
	clients  *kube.Clients
	objects  dynamic.Interface
	metadata metadata.Interface
	types    *typeMap
}

// typeMap knows the cluster's, and asks again for one that it does not knoc.
type typeMap struct {
	discovery discovery.CachedDiscoveryInterface
	mapper    *restmapper.DeferredDiscoveryRESTMapper

	mu    sync.Mutex
	asked time.Time
}

// forgetTypes is how long an unknown type is not asked for again.
const forgetTypes = 2 * time.Second

// New returns the cluster of a connection. It does not connect.
func New(clients *kube.Clients) (*Cluster, error) {
	c := &Cluster{clients: clients}
	config := clients.Config()
	httpClient, err := rest.HTTPClientFor(config)
	if err != nil {
		return nil, fmt.Errorf("make the HTTP client: %w", err)
	}
	if c.objects, err = dynamic.NewForConfigAndClient(config, httpClient); err != nil {
		return nil, fmt.Errorf("make the client of objects: %w", err)
	}
	if c.metadata, err = metadata.NewForConfigAndClient(metadata.ConfigFor(config), httpClient); err != nil {
		return nil, fmt.Errorf("make the client of metadata: %w", err)
	}
	d, err := discovery.NewDiscoveryClientForConfigAndClient(config, httpClient)
	if err != nil {
		return nil, fmt.Errorf("make the client of types: %w", err)
	}
	cached := memory.NewMemCacheClient(d)
	c.types = &typeMap{discovery: cached, mapper: restmapper.NewDeferredDiscoveryRESTMapper(cached)}
	return c, nil
}

// Resolve implements kubewatcher.Cluster.
func (c *Cluster) Resolve(_ context.Context, name, apiVersion string) (kubewatcher.Resource, error) {
	found, err := c.types.find(name, apiVersion)
	if meta.IsNoMatchError(err) && c.types.forget() {
		found, err = c.types.find(name, apiVersion)
	}
	var many *meta.AmbiguousResourceError
	switch {
	case meta.IsNoMatchError(err):
		return found, fmt.Errorf("%w: %s", kubewatcher.ErrUnknownType, strings.TrimSpace(apiVersion+" "+name))
	case errors.As(err, &many):
		return found, fmt.Errorf("%w: %s means several things, add its group: %v", kubewatcher.ErrUnknownType, name, many.MatchingResources)
	case err != nil:
		return found, fmt.Errorf("find out what %s is: %w", name, err)
	}
	return found, nil
}

// find takes kinds and resources, in any case, alone or with their group: a kind in lower case is a resource's singular.
func (t *typeMap) find(name, apiVersion string) (kubewatcher.Resource, error) {
	wanted := schema.ParseGroupResource(strings.ToLower(name)).WithVersion("")
	if apiVersion != "" {
		gv, err := schema.ParseGroupVersion(apiVersion)
		if err != nil {
			return kubewatcher.Resource{}, err
		}
		wanted.Version = gv.Version
		if strings.Contains(apiVersion, "/") {
			wanted.Group = gv.Group
		}
	}
	mapper := restmapper.NewShortcutExpander(t.mapper, t.discovery, func(string) {})
	resource, err := mapper.ResourceFor(wanted)
	if err != nil {
		return kubewatcher.Resource{}, err
	}
	kind, err := mapper.KindFor(resource)
	if err != nil {
		return kubewatcher.Resource{}, err
	}
	mapping, err := mapper.RESTMapping(kind.GroupKind(), kind.Version)
	if err != nil {
		return kubewatcher.Resource{}, err
	}
	return kubewatcher.Resource{
		GroupVersionResource: mapping.Resource, Kind: kind.Kind, Namespaced: mapping.Scope.Name() == meta.RESTScopeNameNamespace,
	}, nil
}

// forget makes the types be asked for again, unless that was a moment ago.
func (t *typeMap) forget() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if time.Since(t.asked) < forgetTypes {
		return false
	}
	t.asked = time.Now()
	t.mapper.Reset()
	return true
}

// MayRead implements kubewatcher.Cluster.
func (c *Cluster) MayRead(ctx context.Context, author v1.Author, a kubewatcher.Access) (may bool, why string, err error) {
	reviews := c.clients.SubjectAccessReviews()
	for _, verb := range []string{"list", "watch"} {
		out, err := reviews.Create(ctx, &authorizationv1.SubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{
			User: author.Name, Groups: slices.Clone(author.Groups),
			ResourceAttributes: &authorizationv1.ResourceAttributes{
				Verb: verb, Group: a.Group, Version: a.Version, Resource: a.GroupVersionResource.Resource, Namespace: a.Namespace, Name: a.Name,
			},
		}}, metav1.CreateOptions{})
		if err != nil {
			return false, "", err
		}
		if !out.Status.Allowed {
			return false, out.Status.Reason, nil
		}
	}
	return true, "", nil
}

// List implements kubewatcher.Cluster.
func (c *Cluster) List(ctx context.Context, r kubewatcher.Resource, namespace string, o metav1.ListOptions) (*unstructured.UnstructuredList, error) {
	return c.objects.Resource(r.GroupVersionResource).Namespace(namespace).List(ctx, o)
}

// ListMetadata implements kubewatcher.Cluster.
func (c *Cluster) ListMetadata(ctx context.Context, r kubewatcher.Resource, namespace string, o metav1.ListOptions) (*metav1.PartialObjectMetadataList, error) {
	return c.metadata.Resource(r.GroupVersionResource).Namespace(namespace).List(ctx, o)
}

// Watch implements kubewatcher.Cluster.
func (c *Cluster) Watch(ctx context.Context, r kubewatcher.Resource, namespace string, o metav1.ListOptions) (watch.Interface, error) {
	return c.objects.Resource(r.GroupVersionResource).Namespace(namespace).Watch(ctx, o)
}
