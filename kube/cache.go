package kube

import (
	"context"
	"log/slog"
	"sync"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/tools/cache"

	v1 "hotpod.dev/api/v1"
)

// CacheOptions are the settings of a Cache.
type CacheOptions struct {
	// Namespace whose objects are kept; empty means all.
	Namespace string
	// Codes keeps the code of packages; nil means that it is dropped.
	Codes *CodeStore
	// Log gets one line for each watch that breaks. It is needed.
	Log *slog.Logger
}

// Cache is a process's copy of what it watches: one informer a kind, made when first asked for. Ask for informers
// before Run; handlers may be added later.
type Cache struct {
	clients *Clients
	options CacheOptions

	mu        sync.Mutex // guards all below
	informers map[string]runner
}

// runner is an Informer of any kind.
type runner interface {
	run(ctx context.Context)
	handlers() []syncing
}

// PodFilter chooses pods.
type PodFilter struct {
	// Namespace of the pods; empty means the cache's.
	Namespace string
	// LabelSelector in the form of kubectl's -l; empty means all.
	LabelSelector string
}

// NewCache returns a cache that watches nothing yet.
func NewCache(clients *Clients, o CacheOptions) *Cache {
	return &Cache{clients: clients, options: o, informers: map[string]runner{}}
}

// Environments returns the informer of environments.
func (c *Cache) Environments() *Informer[*v1.Environment] {
	return informer(c, v1.ResourceEnvironments, c.clients.Environments(c.options.Namespace), &v1.Environment{}, selection{})
}

// Functions returns the informer of functions.
func (c *Cache) Functions() *Informer[*v1.Function] {
	return informer(c, v1.ResourceFunctions, c.clients.Functions(c.options.Namespace), &v1.Function{}, selection{})
}

// Packages returns the informer of packages. Its objects hold no literals, see Archive.Empty.
func (c *Cache) Packages() *Informer[*v1.Package] {
	return informer(c, v1.ResourcePackages, c.clients.Packages(c.options.Namespace), &v1.Package{}, selection{})
}

// HTTPTriggers returns the informer of routes.
func (c *Cache) HTTPTriggers() *Informer[*v1.HTTPTrigger] {
	return informer(c, v1.ResourceHTTPTriggers, c.clients.HTTPTriggers(c.options.Namespace), &v1.HTTPTrigger{}, selection{})
}

// TimeTriggers returns the informer of time triggers.
func (c *Cache) TimeTriggers() *Informer[*v1.TimeTrigger] {
	return informer(c, v1.ResourceTimeTriggers, c.clients.TimeTriggers(c.options.Namespace), &v1.TimeTrigger{}, selection{})
}

// KubernetesWatchTriggers returns the informer of watch triggers.
func (c *Cache) KubernetesWatchTriggers() *Informer[*v1.KubernetesWatchTrigger] {
	return informer(c, v1.ResourceKubernetesWatchTriggers, c.clients.KubernetesWatchTriggers(c.options.Namespace),
		&v1.KubernetesWatchTrigger{}, selection{})
}

// FissionTenants returns the informer of tenants.
func (c *Cache) FissionTenants() *Informer[*v1.FissionTenant] {
	return informer(c, v1.ResourceFissionTenants, c.clients.FissionTenants(), &v1.FissionTenant{}, selection{})
}

// Namespaces returns the informer of the namespaces that the selector of labels chooses.
func (c *Cache) Namespaces(labels string) *Informer[*corev1.Namespace] {
	return informer(c, "namespaces/"+labels, c.clients.Namespaces(), &corev1.Namespace{}, selection{labels: labels})
}

// Pods returns the informer of the pods that f chooses; each filter has its own. Its objects hold of the spec only
// the node and each container's name, image and ports.
func (c *Cache) Pods(f PodFilter) *Informer[*corev1.Pod] {
	if f.Namespace == "" {
		f.Namespace = c.options.Namespace
	}
	return informer(c, "pods/"+f.Namespace+"/"+f.LabelSelector, c.clients.Pods(f.Namespace), &corev1.Pod{}, selection{labels: f.LabelSelector})
}

// Services returns the informer of the Services that have the label.
func (c *Cache) Services(label string) *Informer[*corev1.Service] {
	return informer(c, "services/"+label, c.clients.Services(c.options.Namespace), &corev1.Service{}, selection{labels: label})
}

// ConfigMap returns the informer of the one ConfigMap of that name.
func (c *Cache) ConfigMap(namespace, name string) *Informer[*corev1.ConfigMap] {
	return informer(c, "configmaps/"+namespace+"/"+name, c.clients.ConfigMaps(namespace), &corev1.ConfigMap{}, selection{fields: "metadata.name=" + name})
}

// Run keeps every informer up to date until ctx ends. Informers asked for later do not run.
func (c *Cache) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	for _, i := range c.all() {
		wg.Go(func() { i.run(ctx) })
		for _, h := range i.handlers() {
			if h.then != nil {
				wg.Go(func() {
					select {
					case <-h.done:
						h.then()
					case <-ctx.Done():
					}
				})
			}
		}
	}
	wg.Wait()
	return nil
}

// Synced reports whether every handler has seen the first list of its kind.
func (c *Cache) Synced() bool {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return c.WaitSynced(ctx) == nil
}

// WaitSynced waits until every handler has seen the first list of its kind, or returns ctx's error.
func (c *Cache) WaitSynced(ctx context.Context) error {
	for _, i := range c.all() {
		for _, h := range i.handlers() {
			select {
			case <-h.done:
				continue
			default:
			}
			select {
			case <-h.done:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	}
	return nil
}

func (c *Cache) all() []runner {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := make([]runner, 0, len(c.informers))
	for _, i := range c.informers {
		out = append(out, i)
	}
	return out
}

// informer returns the one of that name, made now if there is none.
func informer[T Object, L runtime.Object](c *Cache, name string, s source[L], example T, which selection) *Informer[T] {
	c.mu.Lock()
	defer c.mu.Unlock()
	if i, ok := c.informers[name].(*Informer[T]); ok {
		return i
	}
	i := newInformer(s, example, which, c.transform, c.options.Log)
	_ = i.shared.SetWatchErrorHandlerWithContext(func(ctx context.Context, _ *cache.Reflector, err error) {
		if ctx.Err() == nil {
			c.options.Log.Warn("watch broke, will be made again", "resource", name, "error", err)
		}
	})
	c.informers[name] = i
	return i
}
