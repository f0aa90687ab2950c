// Command storage is the archive store; see package storage.
package main

import (
	"context"
	"io"
	"os"

	"golang.org/x/sync/errgroup"

	"hotpod.dev/cmd/internal/command"
	"hotpod.dev/kube"
	"hotpod.dev/storage"
	"hotpod.dev/telemetry"
)

func main() {
	command.Main("storage", func(ctx context.Context) error { return run(ctx, os.Args[1:], os.Getenv, os.Stderr) })
}

func run(ctx context.Context, args []string, getenv func(string) string, stderr io.Writer) error {
	o, err := parse(args, getenv, stderr)
	if err != nil {
		return err
	}
	log, err := telemetry.Logger(stderr, "storage", o.logLevel)
	if err != nil {
		return err
	}
	clients, err := o.clients()
	if err != nil {
		return err
	}
	registry := telemetry.NewRegistry()
	cache := kube.NewCache(clients, kube.CacheOptions{Log: log})
	keys := &keys{clients: clients, namespace: o.componentNamespace, ensure: o.config.RequireAuth, log: log}
	config := &o.config
	config.Keys, config.References, config.Log, config.Registerer = keys.now, kube.ArchiveReferences(cache), log, registry //nolint:contextcheck // the cache ends by itself
	if config.Backend, err = o.backend(ctx); err != nil {
		return err
	}
	server, err := storage.New(*config)
	if err != nil {
		return err
	}
	debug := telemetry.Debug{Address: o.debugAddress(), Registry: registry, Ready: keys.ready}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return debug.Run(ctx) })
	group.Go(func() error { return cache.Run(ctx) })
	group.Go(func() error { return keys.run(ctx) })
	group.Go(func() error { return server.Run(ctx, o.archiveAddress()) })
	return group.Wait()
}
