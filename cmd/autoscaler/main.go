// Command autoscaler decides how many pods each function has and keeps the pools of warm ones; see packages
// autoscaler and pool.
package main

import (
	"context"
	"io"
	"os"

	"golang.org/x/sync/errgroup"

	"hotpod.dev/cmd/internal/command"
	"hotpod.dev/telemetry"
)

func main() {
	command.Main("autoscaler", func(ctx context.Context) error { return run(ctx, os.Args[1:], os.Getenv, os.Stderr) })
}

func run(ctx context.Context, args []string, getenv func(string) string, stderr io.Writer) error {
	o, err := parse(args, getenv, stderr)
	if err != nil {
		return err
	}
	log, err := telemetry.Logger(stderr, "autoscaler", o.logLevel)
	if err != nil {
		return err
	}
	p, err := assemble(ctx, o, log)
	if err != nil {
		return err
	}
	debug := telemetry.Debug{Address: o.debugAddress(), Registry: p.registry, Ready: p.ready, Profiling: o.profiling}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return debug.Run(ctx) })
	group.Go(func() error { return p.cache.Run(ctx) })
	group.Go(func() error { return p.events.Run(ctx) })
	group.Go(func() error { return p.elected(ctx, func(ctx context.Context) error { return p.lead(ctx, o) }) })
	return group.Wait()
}
