package main

import (
	"context"
	"net"
	"time"

	"hotpod.dev/activator"
	"hotpod.dev/proxy"
)

const (
	// look is how often the end of the last exchange is looked for.
	look = 20 * time.Millisecond
	// quiet is how long nothing must be served before connections that are still open are closed.
	quiet = 200 * time.Millisecond
	// lastCall is how long before its end a drain that does not become quiet takes no more connections: who connects is
	// refused then, and tries again until the next activator is there.
	lastCall = time.Second
)

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

// drain returns when nothing is served any more after the notice, or after the bound. Who still sends then, as Envoys do
// that know no other activator, is shown the way out: a connection that closed under a request would lose it.
func drain(ctx context.Context, server *proxy.Server, o options) {
	ctx, cancel := context.WithTimeout(ctx, o.drain)
	defer cancel()
	unlisten := time.AfterFunc(o.drain-lastCall, server.Unlisten)
	defer unlisten.Stop()
	t := time.NewTicker(look)
	defer t.Stop()
	server.Retire() //nolint:contextcheck // it goes on when the drain is over
	began := time.Now()
	busy, deaf := began, false
	for {
		if server.Active() > 0 {
			busy = time.Now()
		}
		over := server.Connections() == 0 || time.Since(busy) >= quiet
		if time.Since(began) >= o.notice && server.Active() == 0 && over {
			if deaf {
				return
			}
			server.Unlisten() // what has come by then is looked for once more
			deaf = true
		}
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
	}
}
