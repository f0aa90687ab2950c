package feed

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc"
)

// lookEvery is the time between two looks at which replicas stand behind a name.
const lookEvery = 2 * time.Second

// Replicas are all that stand behind a name: unlike with Dial, every one of them is connected with.
type Replicas struct {
	addresses string
	options   []grpc.DialOption
	resolve   func(ctx context.Context, host string) ([]string, error)
}

// NewReplicas returns those behind host:port, or several apart by commas. A name stands for all of its addresses.
func NewReplicas(addresses string, opts ...grpc.DialOption) *Replicas {
	return &Replicas{addresses: addresses, options: opts, resolve: net.DefaultResolver.LookupHost}
}

// Watch calls each for every replica, with a connection to it, until ctx ends and all calls have returned. The context of a call ends
// when its replica does not stand behind the name any more. While names cannot be resolved, the replicas stay those they were.
func (r *Replicas) Watch(ctx context.Context, each func(ctx context.Context, replica string, conn *grpc.ClientConn)) error {
	var calls sync.WaitGroup
	defer calls.Wait()
	stops := map[string]context.CancelFunc{}
	defer func() {
		for stop := range maps.Values(stops) {
			stop()
		}
	}()
	for {
		if now, err := r.look(ctx); err == nil {
			for gone, stop := range stops {
				if !slices.Contains(now, gone) {
					stop()
					delete(stops, gone)
				}
			}
			for _, replica := range now {
				if stops[replica] != nil {
					continue
				}
				conn, err := Dial(replica, r.options...)
				if err != nil {
					return err
				}
				var one context.Context
				one, stops[replica] = context.WithCancel(ctx)
				calls.Go(func() {
					each(one, replica, conn)
					_ = conn.Close()
				})
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(lookEvery):
		}
	}
}

// look returns the addresses of the replicas that there are now.
func (r *Replicas) look(ctx context.Context) ([]string, error) {
	var found []string
	for address := range strings.SplitSeq(r.addresses, ",") {
		host, port, err := net.SplitHostPort(strings.TrimSpace(address))
		if err != nil {
			return nil, fmt.Errorf("address %q: %w", address, err)
		}
		ips, err := r.resolve(ctx, host)
		if missing, ok := errors.AsType[*net.DNSError](err); ok && missing.IsNotFound {
			continue // a name without replicas that are ready
		}
		if err != nil {
			return nil, fmt.Errorf("resolve %s: %w", host, err)
		}
		for _, ip := range ips {
			found = append(found, net.JoinHostPort(ip, port))
		}
	}
	return found, nil
}
