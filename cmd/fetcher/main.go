// Command fetcher is the sidecar that specializes an environment pod; see package fetcher.
package main

import (
	"context"
	"flag"
	"io"
	"log/slog"
	"os"
	"runtime"
	"syscall"

	"hotpod.dev/cmd/internal/command"
	"hotpod.dev/cmd/internal/envflag"
	"hotpod.dev/fetcher"
)

func main() {
	command.Main("fetcher", func(ctx context.Context) error { return run(ctx, os.Args[1:], os.Getenv, os.Stderr) })
}

func run(ctx context.Context, args []string, getenv func(string) string, stderr io.Writer) error {
	var cfg fetcher.Config
	fs := flag.NewFlagSet("fetcher", flag.ContinueOnError)
	fs.SetOutput(stderr)
	cfg.Flags(fs, getenv)
	if err := envflag.Parse(fs, args, getenv); err != nil {
		return err
	}
	if getenv("GOMAXPROCS") == "" {
		// One call in a life: handing work from processor to processor would only make it slower.
		runtime.GOMAXPROCS(1)
	}
	// The runtime may run as another user: code must stay readable whatever the image's umask is.
	syscall.Umask(0o022)
	log := slog.New(slog.NewJSONHandler(stderr, nil)).With("component", "fetcher")
	server, err := fetcher.New(cfg, log)
	if err != nil {
		return err
	}
	return server.Run(ctx)
}
