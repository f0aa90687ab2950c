// Command fetcher is the sidecar that specializes an environment pod; see package fetcher.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"hotpod.dev/cmd/internal/envflag"
	"hotpod.dev/fetcher"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Getenv, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "fetcher:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, getenv func(string) string, stderr io.Writer) error {
	var cfg fetcher.Config
	fs := flag.NewFlagSet("fetcher", flag.ContinueOnError)
	fs.SetOutput(stderr)
	cfg.Flags(fs, getenv)
	if err := envflag.Parse(fs, args, getenv); errors.Is(err, flag.ErrHelp) {
		return nil
	} else if err != nil {
		return err
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
