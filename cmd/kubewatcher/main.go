// Command kubewatcher calls functions when objects change, as KubernetesWatchTriggers say; see package kubewatcher.
package main

import (
	"context"
	"os"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/cmd/internal/command"
	"hotpod.dev/cmd/internal/trigger"
	"hotpod.dev/kube"
	"hotpod.dev/kube/watched"
	"hotpod.dev/kubewatcher"
)

func main() {
	command.Main("kubewatcher", func(ctx context.Context) error {
		return trigger.Run(ctx, kubewatcher.Source, os.Args[1:], os.Getenv, os.Stderr, assemble)
	})
}

func assemble(d trigger.Deps) (trigger.Part, error) {
	cluster, err := watched.New(d.Clients)
	if err != nil {
		return nil, err
	}
	w := kubewatcher.New(kubewatcher.Config{
		Cluster: cluster, Triggers: kube.NewWatchTriggers(d.Clients), Sender: d.Sender, Log: d.Log, Registerer: d.Registry,
	})
	d.Cache.KubernetesWatchTriggers().Watch(kube.Handler[*v1.KubernetesWatchTrigger]{Set: w.SetTrigger, Delete: w.DeleteTrigger})
	return w, nil
}
