// Command knativeactivator runs Knative's activator without a cluster.
//
// Knative's own, as its cmd/activator wires it: the throttler with its watcher of backends, the transport that both
// share, the concurrency reporter, and the whole chain of handlers in its order, with telemetry as it is by default.
//
// The wrapper's: one revision and its endpoints, kept in the generated fake clientsets, which feed Knative's informers
// as an API server would; statistics are read and thrown away, where the original sends them to the autoscaler; an
// address that sets the backends (POST /backends, one host:port a line, all of one port); flags in place of ConfigMaps.
// There is no TLS, no health check of the autoscaler's connection and no wait at the end.
package main

import (
	"context"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"

	pkgnet "knative.dev/pkg/network"
)

func main() {
	var o options
	flag.StringVar(&o.listen, "listen", "127.0.0.1:0", "address of requests")
	flag.StringVar(&o.control, "control", "", "address that takes backends")
	flag.Int64Var(&o.limit, "limit", 0, "container concurrency of the revision")
	flag.Parse()
	if err := run(context.Background(), o); err != nil {
		fmt.Fprintln(os.Stderr, "knativeactivator:", err)
		os.Exit(1)
	}
}

type options struct {
	listen, control string
	limit           int64
}

func run(ctx context.Context, o options) error {
	c, err := newCluster(ctx, o.limit)
	if err != nil {
		return err
	}
	handler, err := chain(c.ctx, c.logger)
	if err != nil {
		return err
	}
	// The revision comes after those who watch for it, as in a cluster it may.
	if err := c.start(); err != nil {
		return err
	}
	control, err := net.Listen("tcp", o.control)
	if err != nil {
		return err
	}
	go func() { _ = http.Serve(control, http.HandlerFunc(c.setBackends)) }() //nolint:gosec // loopback only
	lis, err := net.Listen("tcp", o.listen)
	if err != nil {
		return err
	}
	return pkgnet.NewServer(o.listen, handler).Serve(lis)
}
