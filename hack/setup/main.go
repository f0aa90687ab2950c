// Command setup makes the programs of package toolchain ready and prints their paths, one a line.
//
//	go run ./hack/setup [--source DIR] [kube] [envoy] [node] [containerd] [dns] [collector] [helm]     (by default kube and envoy)
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"hotpod.dev/hack/toolchain"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Getenv, os.Stdout, os.Stderr)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "setup:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, getenv func(string) string, out, progress io.Writer) error {
	flags := flag.NewFlagSet("setup", flag.ContinueOnError)
	source := flags.String("source", ".", "root of the checkout")
	if err := flags.Parse(args); err != nil {
		return err
	}
	cache, err := toolchain.CacheDir(getenv)
	if err != nil {
		return err
	}
	c := toolchain.Config{Cache: cache, Source: *source, Progress: progress, Getenv: getenv}
	names := flags.Args()
	if len(names) == 0 {
		names = []string{"kube", "envoy"}
	}
	for _, name := range names {
		tool, err := find(ctx, c, name)
		if err != nil {
			return err
		}
		fmt.Fprintf(progress, "%s: %s (%s)\n", name, tool.Version, tool.Origin)
		fmt.Fprintln(out, tool.Path)
	}
	return nil
}

func find(ctx context.Context, c toolchain.Config, name string) (toolchain.Tool, error) {
	switch name {
	case "kube":
		return toolchain.Kube(ctx, c)
	case "envoy":
		return toolchain.Envoy(ctx, c)
	case "node":
		return toolchain.Node(ctx, c)
	case "containerd":
		return toolchain.Containerd(ctx, c)
	case "dns":
		return toolchain.DNS(ctx, c)
	case "collector":
		return toolchain.Collector(ctx, c)
	case "helm":
		return toolchain.Helm(ctx, c)
	}
	return toolchain.Tool{}, fmt.Errorf("unknown program %q: want kube, envoy, node, containerd, dns, collector or helm", name)
}
