package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/autoscaler"
	"hotpod.dev/certs"
	"hotpod.dev/cmd/internal/controlkey"
	"hotpod.dev/cmd/internal/peers"
	"hotpod.dev/dedicated"
	"hotpod.dev/feed"
	"hotpod.dev/kube"
	"hotpod.dev/leader"
	"hotpod.dev/pool"
	"hotpod.dev/telemetry"
	"hotpod.dev/timelines"
	"hotpod.dev/wire"
)

// parts are what runs in this process.
type parts struct {
	registry   *prometheus.Registry
	cache      *kube.Cache
	events     *kube.Events
	pool       *pool.Pool
	dedicated  *dedicated.Pool
	autoscaler *autoscaler.Autoscaler
	timelines  *timelines.Outbox
	peers      peers.Peers
	defaults   *defaults
	inputs     *kube.InputWatch
	// elected calls a function while this replica leads, as leader.Elector does.
	elected func(context.Context, func(context.Context) error) error
}

// assemble makes the parts and connects them; nothing runs yet.
func assemble(ctx context.Context, o options, log *slog.Logger) (*parts, error) {
	clients, err := kube.Connect(o.kubeconfig, "hotpod-autoscaler")
	if err != nil {
		return nil, err
	}
	codes, err := kube.NewCodeStore(kube.CodeStoreConfig{Dir: o.codeDir, MaxBytes: o.codeBytes, Log: log})
	if err != nil {
		return nil, err
	}
	signer, err := controlkey.Signer(ctx, clients, o.componentNamespace, log)
	if err != nil {
		return nil, err
	}
	if o.storage != "" {
		if err := publishKey(ctx, clients, o.componentNamespace, signer, log); err != nil {
			return nil, err
		}
	}
	p := &parts{registry: telemetry.NewRegistry(), events: kube.NewEvents(clients, "hotpod-autoscaler")}
	p.cache = kube.NewCache(clients, kube.CacheOptions{Namespace: o.namespace, Codes: codes, Log: log})
	codes.Attach(clients, p.cache)
	sure := p.candidate(o, clients, log)
	p.peers = peers.New(o.tlsDir, log, p.registry)
	p.timelines = timelines.NewOutbox(timelines.Config{URL: o.logger, TLS: p.peers.TLS(certs.Logger), Part: "autoscaler", Log: log, Registerer: p.registry})
	p.autoscaler = autoscaler.New(autoscaler.Config{
		Reports: autoscaler.NewHTTPReports(signer), Log: log, Registerer: p.registry, Sure: sure, Shard: o.shard,
		FissionNames: o.fissionMetrics, Timelines: p.timelines,
	})
	o.pool.ControlKey, o.pool.Shard = signer.PublicKey(), o.shard
	deps := pool.Deps{
		Cluster: kube.NewCluster(clients), Codes: codes, Inputs: kube.NewInputs(clients),
		Observer: p.autoscaler, Agent: pool.NewAgent(signer), Log: log, Registerer: p.registry, Sure: sure,
	}
	deps.Codes = o.archives(codes, signer)
	if p.pool, err = pool.New(o.pool, deps); err != nil {
		return nil, err
	}
	if p.dedicated, err = dedicated.New(o.pool, deps); err != nil {
		return nil, err
	}
	if p.inputs, err = kube.NewInputWatch(clients, p.cache, p.inputsChanged, log); err != nil {
		return nil, err
	}
	p.defaults = &defaults{apply: p.autoscaler.SetDefaults, warn: p.events.Warning, log: log}
	p.ask(o)
	return p, nil
}

// candidate makes this replica one of several when there is a lease, and returns what tells whether it leads beyond
// doubt, nil when there is no other.
func (p *parts) candidate(o options, clients *kube.Clients, log *slog.Logger) (sure func() bool) {
	if o.lease == "" {
		p.elected = func(ctx context.Context, lead func(context.Context) error) error { return lead(ctx) }
		return nil
	}
	e := leader.New(leader.Config{
		Lock: kube.NewLease(clients, o.componentNamespace, o.leaseName()), Identity: o.identity, Log: log,
	})
	p.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "hotpod_autoscaler_leading", Help: "1 while this replica leads beyond doubt.",
	}, func() float64 {
		if e.Sure() {
			return 1
		}
		return 0
	}))
	p.elected = e.Run
	return e.Sure
}

// ask begins to keep all objects that the parts are about, so that a replica that follows has them when it leads.
func (p *parts) ask(o options) {
	p.cache.Environments()
	p.cache.Functions()
	p.pods()
	p.settings(o)
}

func (p *parts) pods() *kube.Informer[*corev1.Pod] {
	return p.cache.Pods(kube.PodFilter{LabelSelector: wire.LabelExecutorType})
}

func (p *parts) settings(o options) *kube.Informer[*corev1.ConfigMap] {
	return p.cache.ConfigMap(o.componentNamespace, configMapDefaults)
}

// lead does the work until ctx ends.
func (p *parts) lead(ctx context.Context, o options) error {
	p.watch(o)
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return p.serve(ctx, o.streamAddress()) })
	group.Go(func() error { return p.pool.Run(ctx) })
	group.Go(func() error { return p.dedicated.Run(ctx) })
	group.Go(func() error { return p.autoscaler.Run(ctx, executors{p.pool, p.dedicated}) })
	group.Go(func() error { return p.inputs.Run(ctx) })
	group.Go(func() error { return p.timelines.Run(ctx) })
	group.Go(func() error { return p.begin(ctx) })
	return group.Wait()
}

// watch tells pool and autoscaler of the objects that they are about.
func (p *parts) watch(o options) {
	p.cache.Environments().Watch(kube.Handler[*v1.Environment]{
		Set: func(e *v1.Environment) {
			p.pool.SetEnvironment(e)
			p.dedicated.SetEnvironment(e)
		},
		Delete: func(e *v1.Environment) {
			p.pool.DeleteEnvironment(e.Namespace + "/" + e.Name)
			p.dedicated.DeleteEnvironment(e.Namespace + "/" + e.Name)
		},
	})
	p.cache.Functions().Watch(kube.Handler[*v1.Function]{
		Set: func(f *v1.Function) {
			p.pool.SetFunction(f)
			p.dedicated.SetFunction(f)
			p.autoscaler.SetFunction(f)
		},
		Delete: func(f *v1.Function) {
			id := wire.FunctionID{Namespace: f.Namespace, Name: f.Name, UID: string(f.UID)}
			p.autoscaler.DeleteFunction(id)
			p.pool.DeleteFunction(id)
			p.dedicated.DeleteFunction(id)
		},
	})
	p.settings(o).Watch(kube.Handler[*corev1.ConfigMap]{Set: p.defaults.set, Delete: p.defaults.gone})
	p.pods().Watch(kube.Handler[*corev1.Pod]{
		Set: func(pod *corev1.Pod) {
			p.pool.SetPod(pod)
			p.dedicated.SetPod(pod)
		},
		Delete: func(pod *corev1.Pod) {
			p.pool.DeletePod(string(pod.UID))
			p.dedicated.DeletePod(string(pod.UID))
		},
	})
}

// inputsChanged tells the pools of a function whose Secrets or ConfigMaps may have changed.
func (p *parts) inputsChanged(functionUID string) {
	p.pool.InputsChanged(functionUID)
	p.dedicated.InputsChanged(functionUID)
}

// begin lets pool and autoscaler act once they know everything.
func (p *parts) begin(ctx context.Context) error {
	if err := p.cache.WaitSynced(ctx); err != nil {
		return nil //nolint:nilerr // the process ends
	}
	p.pool.Synced()
	p.dedicated.Synced()
	p.autoscaler.Synced()
	return nil
}

// ready returns why the process cannot do its work yet.
func (p *parts) ready() error {
	if !p.cache.Synced() {
		return errors.New("the first lists of objects have not come yet")
	}
	return nil
}

// serve serves the streams until ctx ends.
func (p *parts) serve(ctx context.Context, address string) error {
	lis, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return fmt.Errorf("listen for streams: %w", err)
	}
	server := feed.NewServer(append(p.peers.Admit(certs.Activator, certs.Controller, certs.XDS), feed.ServerCodec())...)
	p.autoscaler.Register(server) //nolint:contextcheck // each stream has a context of its own
	p.pool.Register(server)       //nolint:contextcheck // the same
	stop := context.AfterFunc(ctx, server.Stop)
	defer stop()
	if err := server.Serve(lis); err != nil && ctx.Err() == nil {
		return fmt.Errorf("serve streams: %w", err)
	}
	return nil
}
