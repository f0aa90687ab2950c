// Command router runs an Envoy and ends it in an orderly way; see package router. "router install DIR" copies the
// program there, so that a container of Envoy's own image can run it.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"hotpod.dev/cmd/internal/command"
	"hotpod.dev/guard"
	"hotpod.dev/router"
	"hotpod.dev/sign"
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
	var address, key string
	flags := flag.NewFlagSet("router", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&c.Admin, "admin", "127.0.0.1:9901", "host:port of Envoy's admin interface")
	flags.DurationVar(&c.Quiet, "quiet", time.Second, "how long nobody must ask for anything before Envoy is stopped")
	flags.DurationVar(&c.Grace, "grace", 80*time.Second, "how long requests may take to end; below the pod's grace period")
	flags.StringVar(&address, "guard", "", "loopback ip:port where Envoy asks whether calls of the internal listener are signed; empty means nowhere")
	flags.StringVar(&key, "internal-key", "", "file with the key that they are signed with; empty lets all of them in")
	if err := flags.Parse(args); err != nil {
		return err
	}
	c.Command = flags.Args()
	if address == "" {
		return router.Run(ctx, c)
	}
	return guarded(ctx, address, key, c)
}

// guarded runs Envoy, and for as long as it lives what it asks.
func guarded(ctx context.Context, address, key string, c router.Config) error {
	keys := func() ([]sign.SharedKey, error) { return nil, nil }
	if key != "" {
		keys = guard.Keys(key, c.Log)
	}
	server := &http.Server{Handler: guard.New(c.Log, keys), ReadHeaderTimeout: time.Minute}
	lis, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return fmt.Errorf("listen for Envoy's questions: %w", err)
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(lis) }()
	err = router.Run(ctx, c)
	_ = server.Close()
	<-served //nolint:errcheck // it was closed
	return err
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
