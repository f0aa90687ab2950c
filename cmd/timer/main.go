// Command timer calls functions at the times that TimeTriggers say; see package timer.
package main

import (
	"context"
	"os"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/cmd/internal/command"
	"hotpod.dev/cmd/internal/trigger"
	"hotpod.dev/kube"
	"hotpod.dev/timer"
)

func main() {
	command.Main("timer", func(ctx context.Context) error {
		return trigger.Run(ctx, timer.Source, os.Args[1:], os.Getenv, os.Stderr, assemble)
	})
}

func assemble(d trigger.Deps) (trigger.Part, error) {
	t := timer.New(timer.Config{Triggers: kube.NewTimeTriggers(d.Clients), Sender: d.Sender, Log: d.Log, Registerer: d.Registry})
	d.Cache.TimeTriggers().Watch(kube.Handler[*v1.TimeTrigger]{Set: t.SetTrigger, Delete: t.DeleteTrigger})
	return t, nil
}
