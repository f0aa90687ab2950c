// Command images makes a container image of every part and environment, without a container daemon.
//
//	go run ./hack/images [--out dist/images] [--push REGISTRY] [NAME …]     (by default all)
//	go run ./hack/images --list
//	go run ./hack/images --serve 127.0.0.1:5000 [ALIAS=NAME …]               a registry of what was made
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"

	"hotpod.dev/hack/image"
	"hotpod.dev/hack/toolchain"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Getenv, os.Stdout, os.Stderr)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "images:", err)
		os.Exit(1)
	}
}

type options struct {
	root, out, push, tag, serve, arch, programs string
	list                                        bool
	names                                       []string
}

func parse(args []string) (options, error) {
	var o options
	flags := flag.NewFlagSet("images", flag.ContinueOnError)
	flags.StringVar(&o.root, "source", ".", "root of the checkout")
	flags.StringVar(&o.out, "out", "dist/images", "folder of the archives")
	flags.StringVar(&o.push, "push", "", "registry, with a prefix or without, that the images are pushed to as well")
	flags.StringVar(&o.tag, "tag", "latest", "tag of the images")
	flags.StringVar(&o.arch, "arch", runtime.GOARCH, "architecture; another than this machine's only for images without Debian packages")
	flags.StringVar(&o.programs, "programs", "", "folder of finished programs for this machine's kind, for tests: they are not reproducible")
	flags.StringVar(&o.serve, "serve", "", "host:port: make nothing, be a registry of the archives in --out")
	flags.BoolVar(&o.list, "list", false, "only print the names")
	err := flags.Parse(args)
	o.names = flags.Args()
	return o, err
}

func run(ctx context.Context, args []string, getenv func(string) string, out, progress io.Writer) error {
	o, err := parse(args)
	if err != nil {
		return err
	}
	if o.serve != "" {
		listener, err := net.Listen("tcp", o.serve)
		if err != nil {
			return err
		}
		return image.Serve(ctx, listener, o.out, aliases(o.names))
	}
	cache, err := toolchain.CacheDir(getenv)
	if err != nil {
		return err
	}
	envoy := toolchain.Tool{}
	if !o.list {
		envoy, err = toolchain.Envoy(ctx, toolchain.Config{Cache: cache, Progress: progress, Getenv: getenv})
	}
	if err != nil {
		return err
	}
	recipes, err := chosen(o, envoy.Path)
	if err != nil {
		return err
	}
	b := &image.Builder{
		Root: o.root, Cache: filepath.Join(cache, "images"), Arch: o.arch, Programs: o.programs, Progress: progress,
		Version: git(ctx, o.root, "dev", "describe", "--tags", "--always", "--dirty"), Revision: git(ctx, o.root, "", "rev-parse", "HEAD"),
	}
	for _, recipe := range recipes {
		if o.list {
			fmt.Fprintln(out, recipe.Name)
			continue
		}
		if err := produce(ctx, b, o, recipe, out); err != nil {
			return err
		}
	}
	return nil
}

// aliases reads ALIAS=NAME.
func aliases(args []string) map[string][]string {
	byName := map[string][]string{}
	for _, arg := range args {
		alias, name, _ := strings.Cut(arg, "=")
		byName[name] = append(byName[name], alias)
	}
	return byName
}

// chosen returns the recipes of the names that were asked for, by default all.
func chosen(o options, envoy string) ([]image.Recipe, error) {
	all, err := image.Recipes(o.root, envoy)
	if err != nil || len(o.names) == 0 {
		return all, err
	}
	all = append(all, image.Testing()...)
	var some []image.Recipe
	for _, name := range o.names {
		i := slices.IndexFunc(all, func(r image.Recipe) bool { return r.Name == name || strings.TrimPrefix(r.Name, "hotpod/") == name })
		if i < 0 {
			return nil, fmt.Errorf("no image %s: --list prints those that there are", name)
		}
		some = append(some, all[i])
	}
	return some, nil
}

// produce builds one image, writes its archive, pushes it if asked to, and prints the archive's path and the digest.
func produce(ctx context.Context, b *image.Builder, o options, recipe image.Recipe, out io.Writer) error {
	built, err := b.Build(ctx, recipe)
	if err != nil {
		return err
	}
	file, err := image.Archive(built, o.tag, o.out)
	if err != nil {
		return err
	}
	digest, err := built.Image.Digest()
	if err != nil {
		return err
	}
	if o.push != "" {
		if err := image.Push(ctx, built.Image, o.push, recipe.Name, o.tag); err != nil {
			return err
		}
	}
	_, err = fmt.Fprintln(out, file, recipe.Name+"@"+digest.String())
	return err
}

// git returns what git says about the checkout, or the default where there is none.
func git(ctx context.Context, root, otherwise string, args ...string) string {
	text, err := exec.CommandContext(ctx, "git", slices.Concat([]string{"-C", root}, args)...).Output()
	if err != nil {
		return otherwise
	}
	return strings.TrimSpace(string(text))
}
