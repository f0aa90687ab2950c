package controller

import (
	"context"
	"time"

	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc"

	"hotpod.dev/feed"
	"hotpod.dev/kube"
	"hotpod.dev/shard"
	"hotpod.dev/wire"
)

const (
	minReconnect = 100 * time.Millisecond
	maxReconnect = 2 * time.Second
	// settle is given to a new autoscaler to say of each function what it knows.
	settle = 2 * time.Second
)

// watchFunctions keeps what the autoscalers say up to date until ctx ends.
func (c *Controller) watchFunctions(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	for i, conn := range c.config.Autoscalers {
		group.Go(func() error { return c.watchShard(ctx, conn, shard.Shard{Index: i, Of: len(c.config.Autoscalers)}) })
	}
	return group.Wait()
}

func (c *Controller) watchShard(ctx context.Context, conn *grpc.ClientConn, of shard.Shard) error {
	first := true
	return c.reconnect(ctx, conn, "autoscaler", func(ctx context.Context, conn *grpc.ClientConn) error {
		first = true
		return feed.WatchFunctionStatus(ctx, conn, func(s wire.FunctionStatus) {
			if first {
				first = false
				for _, id := range c.reports.forgetFunctions(of.Has) {
					c.functionLoop.AddAfter(keyOfFunction(id), settle)
				}
			}
			c.functionReported(s)
		})
	})
}

func (c *Controller) functionReported(s wire.FunctionStatus) {
	key := keyOfFunction(s.Function)
	matters, scales := c.reports.setFunction(s)
	if scales {
		c.functionLoop.AddAfter(key, scaleDelay)
	}
	if !matters {
		return
	}
	c.functionLoop.Add(key)
}

// watchPools keeps what the pools say up to date until ctx ends. Of several shards, which have equal parts of each pool, the
// first speaks for all.
func (c *Controller) watchPools(ctx context.Context) error {
	if len(c.config.Autoscalers) == 0 {
		return nil
	}
	return c.reconnect(ctx, c.config.Autoscalers[0], "autoscaler", func(ctx context.Context, conn *grpc.ClientConn) error {
		return feed.WatchPoolStatus(ctx, conn, func(s wire.PoolStatus) {
			c.reports.setPool(s)
			c.environmentLoop.AddAfter(splitKey(s.Environment), podDelay)
		})
	})
}

// watchRoutes keeps what each replica of xds says up to date until ctx ends.
func (c *Controller) watchRoutes(ctx context.Context) error {
	if c.config.XDS == nil {
		return nil
	}
	return c.config.XDS.Watch(ctx, func(ctx context.Context, replica string, conn *grpc.ClientConn) {
		_ = c.reconnect(ctx, conn, "xds", func(ctx context.Context, conn *grpc.ClientConn) error {
			return feed.WatchRouteStatus(ctx, conn, func(s wire.RouteStatus) { c.routeReported(replica, s) })
		})
		for _, s := range c.reports.forgetReplica(replica) {
			c.routeLoop.Add(kube.Key{Namespace: s.Namespace, Name: s.Name})
		}
	})
}

func (c *Controller) routeReported(replica string, s wire.RouteStatus) {
	if c.reports.setRoute(replica, s, time.Now()) {
		c.routeLoop.Add(kube.Key{Namespace: s.Namespace, Name: s.Name})
	}
}

// reconnect calls watch again and again, with growing delay while it ends at once. A nil connection is no feed.
func (c *Controller) reconnect(ctx context.Context, conn *grpc.ClientConn, peer string, watch func(context.Context, *grpc.ClientConn) error) error {
	if conn == nil {
		return nil
	}
	delay := minReconnect
	for ctx.Err() == nil {
		began := time.Now()
		err := watch(ctx, conn)
		if ctx.Err() != nil {
			break
		}
		c.log.Info("feed broke, will be opened again", "peer", peer, "error", err)
		if time.Since(began) > maxReconnect {
			delay = minReconnect
		}
		select {
		case <-ctx.Done():
		case <-time.After(delay):
		}
		delay = min(2*delay, maxReconnect)
	}
	return nil //nolint:nilerr // the process ends
}

func keyOfFunction(id wire.FunctionID) kube.Key {
	return kube.Key{Namespace: id.Namespace, Name: id.Name}
}
