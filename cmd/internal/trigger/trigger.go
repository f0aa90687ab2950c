// Package trigger is what the commands timer and kubewatcher share: flags, keys, the election and the debug server.
package trigger

import (
	"context"
	"errors"
	"io"
	"log/slog"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"hotpod.dev/event"
	"hotpod.dev/kube"
	"hotpod.dev/leader"
	"hotpod.dev/telemetry"
)

// Deps are what a part is made of.
type Deps struct {
	Clients  *kube.Clients
	Cache    *kube.Cache
	Sender   *event.Sender
	Log      *slog.Logger
	Registry *prometheus.Registry
}

// Part is what the command is about: it watches its triggers in the cache and runs until ctx ends.
type Part interface {
	Run(ctx context.Context) error
}

// Run runs a command: assemble makes its part, which runs while this replica leads.
func Run(ctx context.Context, name string, args []string, getenv func(string) string, stderr io.Writer, assemble func(Deps) (Part, error)) error {
	o, err := parse(name, args, getenv, stderr)
	if err != nil {
		return err
	}
	log, err := telemetry.Logger(stderr, name, o.logLevel)
	if err != nil {
		return err
	}
	clients, err := kube.Connect(o.kubeconfig, "hotpod-"+name)
	if err != nil {
		return err
	}
	d := Deps{Clients: clients, Log: log, Registry: telemetry.NewRegistry()}
	elector := leader.New(leader.Config{Lock: kube.NewLease(clients, o.componentNamespace, name), Identity: o.identity, Log: log})
	keys := &keys{clients: clients, namespace: o.componentNamespace, log: log}
	o.sender.Source, o.sender.Registerer, o.sender.Sure, o.sender.Key = name, d.Registry, elector.Sure, keys.key
	d.Sender = event.NewSender(o.sender)
	d.Cache = kube.NewCache(clients, kube.CacheOptions{Namespace: o.namespace, Log: log})
	part, err := assemble(d)
	if err != nil {
		return err
	}
	debug := telemetry.Debug{Address: o.debugAddress(), Registry: d.Registry, Ready: keys.ready}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return debug.Run(ctx) })
	group.Go(func() error { return keys.run(ctx) })
	group.Go(func() error {
		return ended(ctx, elector.Run(ctx, func(ctx context.Context) error { return lead(ctx, d.Cache, part) }))
	})
	return group.Wait()
}

// lead does the work until ctx ends. The triggers are read when this replica leads: those that follow cost nothing.
func lead(ctx context.Context, cache *kube.Cache, part Part) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return cache.Run(ctx) })
	group.Go(func() error { return part.Run(ctx) })
	return group.Wait()
}

// errEnded ends the process when the election does without a reason.
var errEnded = errors.New("the work ended by itself")

func ended(ctx context.Context, err error) error {
	if err == nil && ctx.Err() == nil {
		return errEnded
	}
	return err
}
