// Command builder builds sources inside a builder pod; see package builder. Its argument is the volume of sources.
package main

import (
	"context"
	"flag"
	"io"
	"log/slog"
	"os"
	"syscall"

	"hotpod.dev/builder"
	"hotpod.dev/cmd/internal/command"
	"hotpod.dev/cmd/internal/envflag"
)

func main() {
	command.Main("builder", func(ctx context.Context) error { return run(ctx, os.Args[1:], os.Getenv, os.Stderr) })
}

func run(ctx context.Context, args []string, getenv func(string) string, stderr io.Writer) error {
	cfg := builder.Config{Dir: "/packages", Env: os.Environ()}
	fs := flag.NewFlagSet("builder", flag.ContinueOnError)
	fs.SetOutput(stderr)
	cfg.Flags(fs, getenv)
	if n := len(args); n > 0 && args[n-1] != "" && args[n-1][0] == '/' { // as Fission's is called: builder /packages
		cfg.Dir, args = args[n-1], args[:n-1]
	}
	if err := envflag.Parse(fs, args, getenv); err != nil {
		return err
	}
	// The fetcher, which may be another user, reads what is made here and removes it.
	syscall.Umask(0)
	cfg.Log = slog.New(slog.NewJSONHandler(stderr, nil)).With("component", "builder")
	server, err := builder.New(cfg)
	if err != nil {
		return err
	}
	return server.Run(ctx)
}
