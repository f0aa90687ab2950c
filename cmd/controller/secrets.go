package main

import (
	"context"
	"log/slog"

	"github.com/prometheus/client_golang/prometheus"

	"hotpod.dev/certs"
	"hotpod.dev/cmd/internal/follow"
	"hotpod.dev/cmd/internal/peers"
	"hotpod.dev/kube"
)

// keeper returns what keeps the parts' certificates and keys until ctx ends, and how this part knows others by them; nothing is
// kept and nobody known unless that is wanted. This part reads its own where it writes it: it cannot wait to start for a Secret
// that it makes itself.
func (o options) keeper(clients *kube.Clients, log *slog.Logger, registry *prometheus.Registry) (keep func(context.Context) error, known peers.Peers) {
	if !o.keepSecrets {
		return func(context.Context) error { return nil }, peers.Peers{}
	}
	k := &kube.Keeper{Clients: clients, Namespace: o.componentNamespace, Settings: o.certificates, Log: log}
	keep = func(ctx context.Context) error {
		return follow.Secret(ctx, log, k.Interval(), func(ctx context.Context) (bool, error) { return true, k.Keep(ctx) })
	}
	return keep, peers.From(k.Files(certs.Controller), log, registry)
}
