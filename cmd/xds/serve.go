package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"

	"google.golang.org/grpc"
	corev1 "k8s.io/api/core/v1"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/certs"
	"hotpod.dev/cmd/internal/peers"
	"hotpod.dev/feed"
	"hotpod.dev/kube"
	"hotpod.dev/wire"
	"hotpod.dev/xds"
)

// watch tells the server of everything that it needs to know.
func watch(cache *kube.Cache, server *xds.Server, componentNamespace string) {
	cache.HTTPTriggers().Watch(kube.Handler[*v1.HTTPTrigger]{
		Set:    server.SetRoute,
		Delete: func(t *v1.HTTPTrigger) { server.DeleteRoute(t.Namespace, t.Name) },
	})
	cache.Functions().Watch(kube.Handler[*v1.Function]{
		Set: server.SetFunction,
		Delete: func(f *v1.Function) {
			server.DeleteFunction(wire.FunctionID{Namespace: f.Namespace, Name: f.Name, UID: string(f.UID)})
		},
	})
	pods := kube.Handler[*corev1.Pod]{Set: server.SetPod, Delete: func(p *corev1.Pod) { server.DeletePod(string(p.UID)) }}
	cache.Pods(kube.PodFilter{LabelSelector: wire.LabelState + "=" + string(wire.StateHot)}).Watch(pods)
	cache.Pods(kube.PodFilter{Namespace: componentNamespace, LabelSelector: wire.LabelComponent + "=activator"}).Watch(pods)
}

// announcer returns who tells the autoscalers of first requests, if any are named, and what ends its connections.
func (o options) announcer(known peers.Peers, log *slog.Logger) (a *xds.Announcer, hangUp func(), err error) {
	var autoscalers []*grpc.ClientConn
	if o.autoscaler != "" {
		if autoscalers, err = feed.DialShards(o.autoscaler, known.Want(certs.Autoscaler)...); err != nil {
			return nil, nil, err
		}
	}
	return xds.NewAnnouncer(autoscalers, log), func() {
		for _, conn := range autoscalers {
			_ = conn.Close()
		}
	}, nil
}

// syncThenRun lets the server answer Envoys once everything was delivered.
func syncThenRun(ctx context.Context, cache *kube.Cache, server *xds.Server) error {
	if cache.WaitSynced(ctx) == nil {
		server.Synced()
	}
	return server.Run(ctx)
}

// serveDiscovery serves Envoys until ctx ends.
func serveDiscovery(ctx context.Context, o options, known peers.Peers, server *xds.Server) error {
	s := feed.NewServer(known.Admit(certs.Router)...)
	server.Register(s)
	return serve(ctx, s, o.listen(wire.PortXDS))
}

// serveStatus serves the routes' status until ctx ends. It has a port of its own, as its messages are JSON.
func serveStatus(ctx context.Context, o options, known peers.Peers, server *xds.Server) error {
	s := feed.NewServer(append(known.Admit(certs.Controller), feed.ServerCodec())...)
	feed.RegisterRouteStatus(s, server.Statuses()) //nolint:contextcheck // a stream has its own
	return serve(ctx, s, o.listen(wire.PortRouteStatus))
}

func serve(ctx context.Context, s *grpc.Server, address string) error {
	lis, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return fmt.Errorf("listen for gRPC: %w", err)
	}
	defer context.AfterFunc(ctx, s.Stop)()
	if err := s.Serve(lis); err != nil && ctx.Err() == nil {
		return fmt.Errorf("serve gRPC on %s: %w", address, err)
	}
	return nil
}
