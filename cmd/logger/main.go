// Command logger keeps the lines that functions write; see package logger.
package main

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"os"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"hotpod.dev/certs"
	"hotpod.dev/cmd/internal/command"
	"hotpod.dev/cmd/internal/peers"
	"hotpod.dev/kube"
	"hotpod.dev/logger"
	"hotpod.dev/logger/client"
	"hotpod.dev/logstore"
	"hotpod.dev/telemetry"
	"hotpod.dev/timelines/store"
	"hotpod.dev/wire"
)

func main() {
	command.Main("logger", func(ctx context.Context) error { return run(ctx, os.Args[1:], os.Getenv, os.Stderr) })
}

func run(ctx context.Context, args []string, getenv func(string) string, stderr io.Writer) error {
	o, err := parse(args, getenv, stderr)
	if err != nil {
		return err
	}
	log, err := telemetry.Logger(stderr, "logger", o.logLevel)
	if err != nil {
		return err
	}
	clients, err := o.clients()
	if err != nil {
		return err
	}
	db, err := open(ctx, o.database, log)
	if err != nil {
		return err
	}
	defer db.Close()
	lines, err := logstore.NewLines(ctx, db)
	if err != nil {
		return err
	}
	registry := telemetry.NewRegistry()
	kept := newRetention(bounds{o.keep, o.timelines}, log)
	calls, err := store.New(ctx, db, kept.timelines, log, registry)
	if err != nil {
		return err
	}
	return serve(ctx, o, clients, lines, calls, kept, registry, getenv, log)
}

// open opens the database; a server that is not there yet is waited for.
func open(ctx context.Context, dsn string, log *slog.Logger) (*logstore.DB, error) {
	for {
		db, err := logstore.Open(ctx, dsn)
		if err == nil || ctx.Err() != nil {
			return db, err
		}
		log.Warn("the database cannot be opened, will be tried again", "error", err)
		select {
		case <-time.After(2 * time.Second):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func serve(
	ctx context.Context, o options, clients *kube.Clients, lines *logstore.Lines, calls *store.Store, kept *retention,
	registry *prometheus.Registry, getenv func(string) string, log *slog.Logger,
) error {
	cache := kube.NewCache(clients, kube.CacheOptions{Log: log})
	follower := logger.New(logger.Config{Lines: lines, Logs: logs{clients}, MaxStreams: o.maxStreams, Log: log, Registerer: registry})
	watch(cache, follower) //nolint:contextcheck // tails live as long as Run does
	cache.ConfigMap(o.componentNamespace, configMapRetention).Watch(kept.handler())
	keeper := logger.Keeper{
		Lines: lines, Bounds: kept.lines, Interval: o.pruneInterval, Log: log, Registerer: registry,
	}
	exporter, err := logger.NewExporter(lines, getenv, log, registry)
	if err != nil {
		return err
	}
	secret := &secret{clients: clients, namespace: o.componentNamespace, required: o.requireAuth, log: log}
	mux := http.NewServeMux()
	mux.Handle(client.PathLogs, logger.Authorized(logger.Handler(lines, log), secret.now, o.requireAuth))
	mux.Handle("GET "+wire.PathTimelines, logger.Authorized(calls.Ask(), secret.now, o.requireAuth))
	known := peers.New(o.tlsDir, log, registry)
	if !known.Known() {
		mux.Handle("POST "+wire.PathTimelines, calls.Keep())
	}
	debug := telemetry.Debug{Address: o.at(portDebug), Registry: registry, Ready: secret.ready}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return debug.Run(ctx) })
	group.Go(func() error { return cache.Run(ctx) })
	group.Go(func() error { return follower.Run(ctx) })
	group.Go(func() error { return keeper.Run(ctx) })
	group.Go(func() error { return exporter.Run(ctx) })
	group.Go(func() error { return calls.Run(ctx) })
	group.Go(func() error { return secret.run(ctx) })
	group.Go(func() error { return logger.Serve(ctx, o.at(portLogger), mux) })
	if known.Known() { // only parts tell of requests then
		group.Go(func() error { return o.takeTimelines(ctx, known, calls.Keep()) })
	}
	return group.Wait()
}

// takeTimelines takes what parts tell of requests.
func (o *options) takeTimelines(ctx context.Context, known peers.Peers, keep http.Handler) error {
	lis, err := known.Listen(ctx, o.at(wire.PortTimelines), certs.Activator, certs.Autoscaler, certs.XDS)
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.Handle("POST "+wire.PathTimelines, keep)
	return logger.ServeAt(ctx, lis, mux)
}
