// Command router runs an Envoy and ends it in an orderly way; see package router. "router install DIR" copies the
// program there, so that a container of Envoy's own image can run it.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"hotpod.dev/cmd/internal/command"
	"hotpod.dev/router"
)

func main() {
	command.Main("router", func(ctx context.Context) error { return run(ctx, os.Args[1:], os.Stdout, os.Stderr) })
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	if len(args) == 2 && args[0] == "install" {
		return install(args[1])
	}
	c := router.Config{
		Stdout: stdout, Stderr: stderr,
		Log: slog.New(slog.NewJSONHandler(stderr, nil)).With("component", "router"),
	}
	flags := flag.NewFlagSet("router", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&c.Admin, "admin", "127.0.0.1:9901", "host:port of Envoy's admin interface")
	flags.DurationVar(&c.Quiet, "quiet", time.Second, "how long nobody must ask for anything before Envoy is stopped")
	flags.DurationVar(&c.Grace, "grace", 80*time.Second, "how long requests may take to end; below the pod's grace period")
	if err := flags.Parse(args); err != nil {
		return err
	}
	c.Command = flags.Args()
	return router.Run(ctx, c)
}

// install copies this program into a folder.
func install(dir string) error {
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find this program: %w", err)
	}
	text, err := os.ReadFile(self)
	if err != nil {
		return fmt.Errorf("read this program: %w", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "router"), text, 0o755); err != nil { //nolint:gosec // Envoy may run as another user
		return fmt.Errorf("install: %w", err)
	}
	return nil
}
