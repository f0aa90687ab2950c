package soak

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptrace"
	"sync"
	"time"
)

// router is one Envoy.
type router struct {
	address string
	client  *http.Client
	// out says that nothing new is sent there.
	out bool
}

// balancer spreads requests over the Envoys, as a load balancer in front of them does.
type balancer struct {
	mu      sync.Mutex // guards next and router.out
	next    int
	routers []*router
}

// dated is a connection that knows when it was made.
type dated struct {
	net.Conn
	at time.Time
}

func dial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := (&net.Dialer{Timeout: 5 * time.Second}).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return &dated{conn, time.Now()}, nil
}

// on tells when the connection of a request was made.
func on(ctx context.Context, made func(time.Time)) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(info httptrace.GotConnInfo) {
		if conn, ok := info.Conn.(*dated); ok {
			made(conn.at)
		}
	}})
}

func newBalancer(addresses []string) *balancer {
	b := &balancer{}
	for _, a := range addresses {
		b.routers = append(b.routers, &router{address: a, client: &http.Client{Transport: &http.Transport{
			DialContext:         dial,
			MaxIdleConnsPerHost: 200, IdleConnTimeout: time.Minute, DisableCompression: true,
		}}})
	}
	return b
}

// set takes an Envoy out of the balancing, or in again.
func (b *balancer) set(address string, out bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, r := range b.routers {
		if r.address == address {
			r.out = out
			r.client.CloseIdleConnections()
		}
	}
}

// pick returns the next Envoy in turn, another than the one that was tried where there is one.
func (b *balancer) pick(tried *router) *router {
	b.mu.Lock()
	defer b.mu.Unlock()
	for range 2 * len(b.routers) {
		b.next = (b.next + 1) % len(b.routers)
		if r := b.routers[b.next]; !r.out && r != tried {
			return r
		}
	}
	return b.routers[b.next]
}

// do sends a request, at another Envoy when a connection is not accepted. Nothing that may have been received is sent
// again. request makes it anew, because its body may have been touched.
func (b *balancer) do(ctx context.Context, request func(address string) (*http.Request, error), handed func(address string, again bool)) (*http.Response, error) {
	var tried *router
	for attempt := 0; ; attempt++ {
		r := b.pick(tried)
		req, err := request(r.address)
		if err != nil {
			return nil, err
		}
		handed(r.address, attempt > 0)
		res, err := r.client.Do(req.WithContext(ctx))
		if err == nil || !unconnected(err) || attempt == 20 {
			return res, err
		}
		tried = r
		select {
		case <-ctx.Done():
			return nil, err
		case <-time.After(time.Duration(attempt) * 20 * time.Millisecond):
		}
	}
}

// unconnected says whether no connection was made.
func unconnected(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "dial"
}
