// Command queueproxy runs beside the runtime in every environment pod.
package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"runtime/debug"
	"time"

	"golang.org/x/sync/errgroup"

	"hotpod.dev/cmd/internal/command"
	"hotpod.dev/queueproxy"
)

// rehearsalPause keeps the rehearsal out of the way of what has to start first, the runtime beside it above all.
const rehearsalPause = 50 * time.Millisecond

func main() {
	command.Main("queueproxy", func(ctx context.Context) error { return run(ctx, os.Args[1:], os.Getenv, os.Stderr) })
}

func run(ctx context.Context, args []string, getenv func(string) string, stderr io.Writer) error {
	cfg, level, err := parse(args, getenv, stderr)
	if err != nil {
		return err
	}
	if err := cfg.Validate(); err != nil {
		return fmt.Errorf("read configuration: %w", err)
	}
	if getenv("GOGC") == "" {
		// The heap is a few hundred kilobytes: collecting less often than it doubles costs nothing that counts.
		debug.SetGCPercent(200)
	}
	log := slog.New(slog.NewJSONHandler(stderr, &slog.HandlerOptions{Level: level})).With("component", "queueproxy")
	tracer := queueproxy.NewTracer(getenv)
	q, err := queueproxy.New(cfg, log, tracer)
	if err != nil {
		return err
	}
	tracing, stop := context.WithCancel(context.WithoutCancel(ctx))
	var all errgroup.Group
	all.Go(func() error { return tracer.Run(tracing) })
	all.Go(func() error { defer stop(); return q.Run(ctx) })
	all.Go(func() error {
		rehearse(ctx, cfg, log)
		return nil
	})
	return all.Wait()
}

// rehearse prepares the process for its first request, when it has become ready.
func rehearse(ctx context.Context, cfg queueproxy.Config, log *slog.Logger) {
	select {
	case <-time.After(rehearsalPause):
	case <-ctx.Done():
		return
	}
	if err := queueproxy.Rehearse(ctx, cfg); err != nil && ctx.Err() == nil { // which costs time later, and nothing else
		log.Warn("rehearsal failed", "error", err)
	}
}
