// Command activator holds requests that no hot pod can take; see package activator.
package main

import (
	"context"
	"errors"
	"io"
	"os"

	"golang.org/x/sync/errgroup"

	"hotpod.dev/activator"
	"hotpod.dev/certs"
	"hotpod.dev/cmd/internal/command"
	"hotpod.dev/cmd/internal/peers"
	"hotpod.dev/feed"
	"hotpod.dev/proxy"
	"hotpod.dev/telemetry"
	"hotpod.dev/timelines"
)

func main() {
	command.Main("activator", func(ctx context.Context) error { return run(ctx, os.Args[1:], os.Getenv, os.Stderr) })
}

func run(ctx context.Context, args []string, getenv func(string) string, stderr io.Writer) error {
	o, err := parse(args, getenv, stderr)
	if err != nil {
		return err
	}
	log, err := telemetry.Logger(stderr, "activator", o.logLevel)
	if err != nil {
		return err
	}
	tracing, err := telemetry.NewTracing(ctx, "activator", getenv)
	if err != nil {
		return err
	}
	registry := telemetry.NewRegistry()
	known := peers.New(o.tlsDir, log, registry)
	autoscalers, err := feed.DialShards(o.autoscaler, known.Want(certs.Autoscaler)...)
	if err != nil {
		return err
	}
	for _, conn := range autoscalers {
		defer conn.Close()
	}
	config := activator.Config{
		Log: log, Registerer: registry, Depth: o.depth, Hold: o.hold, ReplayLimit: o.replayLimit, Slow: o.slow, Shards: len(autoscalers),
	}
	outbox := timelines.NewOutbox(timelines.Config{URL: o.logger, TLS: known.TLS(certs.Logger), Part: "activator", Log: log, Registerer: registry})
	if outbox != nil {
		config.Timelines = outbox
	}
	if tracing.Enabled {
		config.Tracer = tracing.Provider.Tracer("hotpod.dev/activator")
	}
	a := activator.New(config)
	debug := telemetry.Debug{Address: o.debugAddress(), Registry: registry, Ready: a.Ready, Profiling: o.profiling}
	server := &proxy.Server{Handler: a, Log: log}
	// Before the debug server: who is ready takes requests.
	lis, err := proxy.Listen(ctx, o.requestAddress())
	if err != nil {
		return err
	}

	// The streams and the debug server outlive the signal: what is held is served first.
	living, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	group, living := errgroup.WithContext(living)
	group.Go(func() error { return debug.Run(living) })
	group.Go(func() error { return a.Run(living, autoscalers...) })
	group.Go(func() error { return outbox.Run(living) })
	group.Go(func() error {
		defer end()
		return serve(ctx, living, server, lis, a, o)
	})
	return errors.Join(group.Wait(), tracing.Shutdown(context.WithoutCancel(ctx)))
}
