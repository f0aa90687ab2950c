// Command controller writes what the parts know into the status of the objects; see package controller.
package main

import (
	"context"
	"io"
	"os"

	"golang.org/x/sync/errgroup"

	"hotpod.dev/certs"
	"hotpod.dev/cmd/internal/command"
	"hotpod.dev/controller"
	"hotpod.dev/feed"
	"hotpod.dev/telemetry"
)

func main() {
	command.Main("controller", func(ctx context.Context) error { return run(ctx, os.Args[1:], os.Getenv, os.Stderr) })
}

func run(ctx context.Context, args []string, getenv func(string) string, stderr io.Writer) error {
	o, err := parse(args, getenv, stderr)
	if err != nil {
		return err
	}
	log, err := telemetry.Logger(stderr, "controller", o.logLevel)
	if err != nil {
		return err
	}
	registry := telemetry.NewRegistry()
	config := controller.Config{
		Namespace: o.namespace, FunctionNamespace: o.functionNamespace, ServiceTarget: o.target(resolvConf),
		Tenants: o.tenants, Platform: o.componentNamespace, Publish: o.publish, Builds: o.builds(), Log: log, Registerer: registry,
	}
	if config.Clients, err = o.clients(); err != nil {
		return err
	}
	keep, known := o.keeper(config.Clients, log, registry)
	if o.autoscaler != "" {
		if config.Autoscalers, err = feed.DialShards(o.autoscaler, known.Want(certs.Autoscaler)...); err != nil {
			return err
		}
	}
	if o.xds != "" {
		config.XDS = feed.NewReplicas(o.xds, known.Want(certs.XDS)...)
	}
	c, err := controller.New(config)
	if err != nil {
		return err
	}
	builds, err := o.builder(ctx, c, config.Clients, log, registry)
	if err != nil {
		return err
	}
	elected := o.election(config.Clients, log)
	debug := telemetry.Debug{Address: o.debugAddress(), Registry: registry, Ready: elected.ready(c.Ready)}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return debug.Run(ctx) })
	group.Go(func() error {
		return elected.run(ctx, func(ctx context.Context) error {
			group, ctx := errgroup.WithContext(ctx)
			group.Go(func() error { return c.Run(ctx) })
			group.Go(func() error { return keep(ctx) })
			if builds != nil {
				group.Go(func() error { return builds.Run(ctx) })
			}
			return group.Wait()
		})
	})
	return group.Wait()
}
