package main

import (
	"context"
	"log/slog"
	"sync/atomic"

	"hotpod.dev/kube"
	"hotpod.dev/leader"
)

// election lets one of several controllers act; the others keep nothing in memory and take over within seconds.
type election struct {
	lock     leader.Lock // nil when this is the only controller
	identity string
	log      *slog.Logger

	leads atomic.Bool
}

func (o options) election(clients *kube.Clients, log *slog.Logger) *election {
	e := &election{identity: o.identity, log: log}
	if o.lease != "" {
		e.lock = kube.NewLease(clients, o.componentNamespace, o.lease)
	}
	return e
}

// run calls lead while this replica leads, until ctx ends.
func (e *election) run(ctx context.Context, lead func(context.Context) error) error {
	work := func(ctx context.Context) error {
		e.leads.Store(true)
		return lead(ctx)
	}
	if e.lock == nil {
		return work(ctx)
	}
	return leader.New(leader.Config{Lock: e.lock, Identity: e.identity, Log: e.log}).Run(ctx, work)
}

// ready is that of the work, once this replica leads; one that follows can take over at any time.
func (e *election) ready(working func() error) func() error {
	return func() error {
		if !e.leads.Load() {
			return nil
		}
		return working()
	}
}
