// Command xds configures Envoys; see package xds. "xds bootstrap" prints the configuration that an Envoy starts with.
package main

import (
	"context"
	"io"
	"os"

	"golang.org/x/sync/errgroup"

	"hotpod.dev/certs"
	"hotpod.dev/cmd/internal/command"
	"hotpod.dev/cmd/internal/peers"
	"hotpod.dev/kube"
	"hotpod.dev/telemetry"
	"hotpod.dev/timelines"
	"hotpod.dev/wire"
	"hotpod.dev/xds"
)

func main() {
	command.Main("xds", func(ctx context.Context) error { return run(ctx, os.Args[1:], os.Getenv, os.Stdout, os.Stderr) })
}

func run(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) error {
	if len(args) > 0 && args[0] == "bootstrap" {
		return bootstrap(args[1:], getenv, stdout, stderr)
	}
	o, err := parse(args, getenv, stderr)
	if err != nil {
		return err
	}
	log, err := telemetry.Logger(stderr, "xds", o.logLevel)
	if err != nil {
		return err
	}
	registry := telemetry.NewRegistry()
	o.config.Log, o.config.Registerer = log, registry
	known := peers.New(o.tlsDir, log, registry)
	announcer, hangUp, err := o.announcer(known, log)
	if err != nil {
		return err
	}
	defer hangUp()
	o.config.Announce = announcer.Announce
	outbox := timelines.NewOutbox(timelines.Config{URL: o.logger, TLS: known.TLS(certs.Logger), Part: "xds", Log: log, Registerer: registry})
	if outbox != nil {
		o.config.Timelines = outbox
	}
	server, err := xds.New(o.config)
	if err != nil {
		return err
	}
	clients, err := o.clients()
	if err != nil {
		return err
	}
	cache := kube.NewCache(clients, kube.CacheOptions{Log: log})
	watch(cache, server, o.componentNamespace)
	debug := telemetry.Debug{Address: o.listen(wire.PortDebug), Registry: registry, Ready: server.Ready}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return announcer.Run(ctx) })
	group.Go(func() error { return cache.Run(ctx) })
	group.Go(func() error { return outbox.Run(ctx) })
	group.Go(func() error { return syncThenRun(ctx, cache, server) })
	group.Go(func() error { return serveDiscovery(ctx, o, known, server) })
	group.Go(func() error { return serveStatus(ctx, o, known, server) })
	group.Go(func() error { return debug.Run(ctx) })
	return group.Wait()
}
