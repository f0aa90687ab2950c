// Command probe is a runtime for tests and measurements; see package probe.
package main

import (
	"cmp"
	"context"
	"io"
	"log/slog"
	"os"

	"hotpod.dev/cmd/internal/command"
	"hotpod.dev/perf/probe"
)

func main() {
	command.Main("probe", func(ctx context.Context) error { return run(ctx, os.Getenv, os.Stderr) })
}

func run(ctx context.Context, getenv func(string) string, stderr io.Writer) error {
	return probe.New(probe.Config{
		Address: cmp.Or(getenv("HOTPOD_RUNTIME_ADDRESS"), "0.0.0.0:8888"),
		Pod:     getenv("PROBE_POD"), Environment: getenv("PROBE_ENVIRONMENT"), Ledger: getenv("PROBE_LEDGER"),
		Log: slog.New(slog.NewTextHandler(stderr, nil)),
	}).Run(ctx)
}
