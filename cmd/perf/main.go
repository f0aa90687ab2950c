// Command perf measures a platform beside what it is compared with; see package perf.
package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"

	"hotpod.dev/cmd/internal/command"
	"hotpod.dev/perf"
)

func main() {
	command.Main("perf", func(ctx context.Context) error { return run(ctx, os.Args[1:], os.Getenv, os.Stdout, os.Stderr) })
}

// run measures what the arguments say; results go to stdout, progress to stderr.
func run(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) error {
	if len(args) > 1 && args[0] == perf.BackendCommand {
		return perf.Backend(ctx, args[1:]...)
	}
	if len(args) > 0 && args[0] == perf.PodsCommand {
		return perf.RunPods(ctx, args[1:], slog.New(slog.NewTextHandler(stderr, nil)))
	}
	config, err := perf.ParseConfig(args, getenv, stderr)
	if err != nil {
		return err
	}
	if config.Self, err = os.Executable(); err != nil {
		return fmt.Errorf("find this program: %w", err)
	}
	return perf.Run(ctx, config, stdout, slog.New(slog.NewTextHandler(stderr, nil)))
}
