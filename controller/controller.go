package controller

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc"
	corev1 "k8s.io/api/core/v1"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/feed"
	"hotpod.dev/kube"
	"hotpod.dev/wire"
)

// Config are the settings of a Controller.
type Config struct {
	// Clients of the API server.
	Clients *kube.Clients
	// Namespace whose objects are kept in order; empty means all.
	Namespace string
	// FunctionNamespace is where pods of functions of the namespace default live; empty means beside their environment.
	FunctionNamespace string
	// Autoscalers are where functions' status comes from, one for each shard in their order; none means nowhere.
	Autoscalers []*grpc.ClientConn
	// XDS is where routes' status comes from: each replica speaks for the Envoys that are connected with it. Nil means nowhere.
	XDS *feed.Replicas
	// ServiceTarget is the DNS name that functions' Services are aliases of: the Service that leads to the routers' listener of
	// Services. Empty means that functions have no Services.
	ServiceTarget string
	// Tenants makes namespaces tenants that a FissionTenant names or that have the label; it needs rights in the whole cluster.
	Tenants bool
	// Platform is the namespace of the parts, for what tenants get and what publishes routes.
	Platform string
	// Publish names the Service in that namespace which published routes lead to; empty means that routes are not published.
	Publish string
	// Builds says that packages are built in this installation; see package buildmgr.
	Builds bool
	// Log is needed.
	Log *slog.Logger
	// Registerer of the metrics; it is needed.
	Registerer prometheus.Registerer
}

// Controller keeps the status of environments, functions, packages and routes.
type Controller struct {
	config  Config
	clients *kube.Clients
	cache   *kube.Cache
	events  *kube.Events
	log     *slog.Logger
	reports *reports

	environments *kube.Informer[*v1.Environment]
	functions    *kube.Informer[*v1.Function]
	packages     *kube.Informer[*v1.Package]
	routes       *kube.Informer[*v1.HTTPTrigger]
	pods         *kube.Informer[*corev1.Pod]
	services     *kube.Informer[*corev1.Service]

	tenants   *tenants   // nil when the installation looks after none
	publisher *publisher // nil when routes are not published

	environmentLoop, functionLoop, packageLoop, routeLoop, anchorLoop *kube.Loop
}

const (
	// byEnvironment and byPackage are the indexes of functions (by "namespace/name") and pods (by UID).
	byEnvironment = "environment"
	byPackage     = "package"
	// byHost is that of functions by the further hosts of their Services.
	byHost = "host"
	// podDelay gathers the changes of an environment's pods into one reconcile.
	podDelay = 200 * time.Millisecond
)

// New returns a controller that does nothing until Run.
func New(config Config) (*Controller, error) {
	if config.Clients == nil || config.Log == nil || config.Registerer == nil {
		return nil, errors.New("controller: Clients, Log and Registerer are needed")
	}
	cache := kube.NewCache(config.Clients, kube.CacheOptions{Namespace: config.Namespace, Log: config.Log})
	c := &Controller{
		config: config, clients: config.Clients, cache: cache, log: config.Log, reports: newReports(),
		events:       kube.NewEvents(config.Clients, "hotpod-controller"),
		environments: cache.Environments(), functions: cache.Functions(), packages: cache.Packages(), routes: cache.HTTPTriggers(),
		pods:     cache.Pods(kube.PodFilter{LabelSelector: wire.LabelExecutorType + "=" + v1.ExecutorPool}),
		services: cache.Services(wire.LabelFunctionService),
	}
	m, err := newMetrics(config.Registerer)
	if err != nil {
		return nil, fmt.Errorf("register metrics: %w", err)
	}
	c.environmentLoop = c.loop(m, "environment", c.reconcileEnvironment)
	c.functionLoop = c.loop(m, "function", c.reconcileFunction)
	c.packageLoop = c.loop(m, "package", c.reconcilePackage)
	c.routeLoop = c.loop(m, "route", c.reconcileRoute)
	c.anchorLoop = c.loop(m, "anchor", c.sweepAnchors)
	c.watch()
	if config.Publish != "" {
		if c.publisher, err = newPublisher(&config); err != nil {
			return nil, err
		}
	}
	if config.Tenants {
		if c.tenants, err = c.newTenants(m); err != nil {
			return nil, err
		}
	}
	return c, nil
}

func (c *Controller) loop(m *metrics, kind string, f reconcile) *kube.Loop {
	return kube.NewLoop(kube.LoopConfig{Name: kind, Reconcile: m.measured(kind, f), Log: c.log})
}

// watch says which change makes which object worth a look.
func (c *Controller) watch() {
	c.functions.Index(byEnvironment, func(f *v1.Function) []string { return []string{f.EnvironmentKey()} })
	c.functions.Index(byPackage, func(f *v1.Function) []string { return []string{f.PackageKey()} })
	c.functions.Index(byHost, (*v1.Function).ServiceHosts)
	c.pods.Index(byEnvironment, func(p *corev1.Pod) []string { return []string{p.Labels[wire.LabelEnvironmentUID]} })

	c.environments.Watch(kube.Handler[*v1.Environment]{
		Set: c.environmentChanged,
		Delete: func(e *v1.Environment) {
			c.reports.drop(string(e.UID))
			c.environmentChanged(e)
			c.anchorLoop.Add(kube.Key{})
		},
	})
	c.functions.Watch(kube.Handler[*v1.Function]{
		Set:    func(f *v1.Function) { c.functionLoop.Add(kube.KeyOf(f)) },
		Delete: func(f *v1.Function) { c.reports.drop(string(f.UID)) },
	})
	c.packages.Watch(kube.Handler[*v1.Package]{Set: c.packageChanged, Delete: c.packageChanged})
	c.routes.Watch(kube.Handler[*v1.HTTPTrigger]{
		Set:    func(t *v1.HTTPTrigger) { c.routeLoop.Add(kube.KeyOf(t)) },
		Delete: c.routeDeleted,
	})
	c.services.Watch(kube.Handler[*corev1.Service]{Set: c.serviceChanged, Delete: c.serviceChanged})
	c.pods.Watch(kube.Handler[*corev1.Pod]{Set: c.podChanged, Delete: c.podChanged})
}

func (c *Controller) environmentChanged(e *v1.Environment) {
	key := kube.KeyOf(e)
	c.environmentLoop.Add(key)
	for _, f := range c.functions.By(byEnvironment, key.String()) {
		c.functionLoop.Add(kube.KeyOf(f))
	}
}

func (c *Controller) packageChanged(p *v1.Package) {
	key := kube.KeyOf(p)
	c.packageLoop.Add(key)
	for _, f := range c.functions.By(byPackage, key.String()) {
		c.functionLoop.Add(kube.KeyOf(f))
	}
}

func (c *Controller) podChanged(p *corev1.Pod) {
	key := kube.Key{Namespace: p.Labels[wire.LabelEnvironmentNamespace], Name: p.Labels[wire.LabelEnvironmentName]}
	c.environmentLoop.AddAfter(key, podDelay)
}

// Run reconciles until ctx ends.
func (c *Controller) Run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return c.cache.Run(ctx) })
	group.Go(func() error { return c.events.Run(ctx) })
	group.Go(func() error {
		// Until every kind was listed, objects that exist would look missing.
		if c.cache.WaitSynced(ctx) != nil {
			return nil //nolint:nilerr // the process ends
		}
		c.anchorLoop.Add(kube.Key{})
		c.findPublished(ctx)
		c.log.Info("controller is ready")
		return c.work(ctx)
	})
	return group.Wait()
}

func (c *Controller) work(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	runs := []func(context.Context) error{
		c.environmentLoop.Run, c.functionLoop.Run, c.packageLoop.Run, c.routeLoop.Run, c.anchorLoop.Run,
		c.watchFunctions, c.watchPools, c.watchRoutes,
	}
	if c.tenants != nil {
		runs = append(runs, c.tenants.loop.Run)
	}
	for _, run := range runs {
		group.Go(func() error { return run(ctx) })
	}
	return group.Wait()
}

// Cache is what the controller knows, for others in its process. Ask it for more before Run.
func (c *Controller) Cache() *kube.Cache { return c.cache }

// Ready returns nil once the controller has seen every object.
func (c *Controller) Ready() error {
	if !c.cache.Synced() {
		return errors.New("objects are still being listed")
	}
	return nil
}

func splitKey(key string) kube.Key {
	namespace, name, _ := strings.Cut(key, "/")
	return kube.Key{Namespace: namespace, Name: name}
}
