package main

import (
	"context"
	"net"
	"time"

	"hotpod.dev/activator"
	"hotpod.dev/proxy"
)

// look is how often the end of the last exchange is looked for.
const look = 20 * time.Millisecond

// serve serves requests until leave ends and what is held was answered, or living ends.
func serve(leave, living context.Context, server *proxy.Server, lis net.Listener, a *activator.Activator, o options) error {
	serving, end := context.WithCancel(living)
	defer end()
	stop := context.AfterFunc(leave, func() {
		defer end()
		a.Leave()
		drain(serving, server, o)
	})
	defer stop()
	return server.Serve(serving, lis)
}

// drain returns when nothing is served any more after the notice, or after the bound.
func drain(ctx context.Context, server *proxy.Server, o options) {
	ctx, cancel := context.WithTimeout(ctx, o.drain)
	defer cancel()
	t := time.NewTicker(look)
	defer t.Stop()
	began := time.Now()
	for time.Since(began) < o.notice || server.Active() > 0 {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
	}
}
