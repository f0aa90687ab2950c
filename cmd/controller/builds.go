package main

import (
	"context"
	"flag"
	"log/slog"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"

	"hotpod.dev/buildmgr"
	"hotpod.dev/cmd/internal/controlkey"
	"hotpod.dev/controller"
	"hotpod.dev/kube"
)

// buildFlags registers the flags of builds. The image of the fetcher switches them on.
func buildFlags(flags *flag.FlagSet, c *buildmgr.Config) {
	flags.StringVar(&c.Pod.FetcherImage, "fetcher-image", "", "image of the fetcher in builder pods; empty means that packages are not built")
	flags.Func("builder-command", "command of the builder's container, words apart by spaces; \"image\" means the image's own (default \"/builder /packages\")",
		func(s string) error {
			if c.BuilderCommand = strings.Fields(s); s == "image" {
				c.BuilderCommand = nil
			}
			return nil
		})
	flags.Func("image-pull-policy", "Always, IfNotPresent (default) or Never", func(s string) error {
		c.Pod.ImagePullPolicy = corev1.PullPolicy(s)
		return nil
	})
	flags.BoolVar(&c.Pod.RunAsNonRoot, "run-as-non-root", c.Pod.RunAsNonRoot, "refuse builder images that run as root")
	flags.Int64Var(&c.Pod.RunAsUser, "run-as-user", 0, "user of builder pods; 0 means the images' own")
	flags.Int64Var(&c.Pod.FSGroup, "fs-group", 0, "group of builder pods' volumes; 0 means none")
	flags.DurationVar(&c.Idle, "builder-idle", c.Idle, "how long a builder pod is kept that nothing is built in")
	flags.DurationVar(&c.Timeout, "build-timeout", c.Timeout, "longest time of a build")
	flags.DurationVar(&c.StartTimeout, "builder-start-timeout", c.StartTimeout, "longest time until a builder pod is ready")
	flags.IntVar(&c.Builds, "builds", c.Builds, "how many builds run at a time")
}

// builds says whether packages are built.
func (o options) builds() bool { return o.build.Pod.FetcherImage != "" }

// builder returns what builds packages, with what the controller knows; nil when nothing is to be built. It waits until
// the control key can be read.
func (o options) builder(ctx context.Context, c *controller.Controller, clients *kube.Clients, log *slog.Logger, r prometheus.Registerer) (*buildmgr.Manager, error) {
	if !o.builds() {
		return nil, nil //nolint:nilnil // as documented
	}
	signer, err := controlkey.Signer(ctx, clients, o.componentNamespace, log)
	if err != nil {
		return nil, err
	}
	config := o.build
	config.Pod.FunctionNamespace = o.functionNamespace
	return buildmgr.New(config, buildmgr.Deps{Clients: clients, Cache: c.Cache(), Signer: signer, Log: log, Registerer: r, Archives: o.archives(signer)})
}
