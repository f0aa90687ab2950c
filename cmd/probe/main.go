// Command probe is a runtime for tests and measurements; see package probe.
package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"hotpod.dev/perf/probe"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Getenv, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "probe:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, getenv func(string) string, stderr io.Writer) error {
	return probe.New(probe.Config{
		Address: cmp.Or(getenv("HOTPOD_RUNTIME_ADDRESS"), "0.0.0.0:8888"),
		Pod:     getenv("PROBE_POD"), Environment: getenv("PROBE_ENVIRONMENT"), Ledger: getenv("PROBE_LEDGER"),
		Log: slog.New(slog.NewTextHandler(stderr, nil)),
	}).Run(ctx)
}
