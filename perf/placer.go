package perf

import (
	"context"
	"fmt"
	"net"
	"sync"

	"google.golang.org/grpc"

	"hotpod.dev/feed"
	"hotpod.dev/wire"
)

// placer is an autoscaler that answers every demand at once with the pods that it was told, and holds its tongue until
// it was told some.
type placer struct {
	server *grpc.Server
	served sync.WaitGroup

	mu        sync.Mutex
	placement wire.Placement
	told      chan struct{} // closed and renewed when the placement changes
	waiting   int
}

// startPlacer serves activators on an address.
func startPlacer(ctx context.Context, address string) (*placer, error) {
	lis, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listen for activators: %w", err)
	}
	p := &placer{server: feed.NewServer(feed.ServerCodec()), told: make(chan struct{})}
	feed.RegisterDemand(p.server, p.handle)
	p.served.Go(func() { _ = p.server.Serve(lis) })
	return p, nil
}

// stop ends the streams and the server.
func (p *placer) stop() {
	p.server.Stop()
	p.served.Wait()
}

// place makes the addresses the pods that every demand is answered with.
func (p *placer) place(limit int, addresses ...string) {
	pods := make([]wire.HotPod, 0, len(addresses))
	for i, a := range addresses {
		pods = append(pods, wire.HotPod{UID: fmt.Sprint(podUID, "-", i), Address: a})
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.placement = wire.Placement{
		Function: measuredFunction(), Generation: 1, Pods: pods, Limit: limit, HoldMillis: 60_000, RunMillis: 60_000, AtMaximum: true,
	}
	close(p.told)
	p.told = make(chan struct{})
}

// held is the number of requests that the activator said wait.
func (p *placer) held() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.waiting
}

// handle serves one activator. A placement is sent once, after the first demand: before, the activator would not know
// what it is about.
func (p *placer) handle(s feed.DemandServer) error {
	interested := make(chan struct{})
	go func() {
		for first := true; ; first = false {
			d, err := s.Recv()
			if err != nil {
				return
			}
			p.mu.Lock()
			p.waiting = d.Waiting
			p.mu.Unlock()
			if first {
				close(interested)
			}
		}
	}()
	select {
	case <-s.Context().Done():
		return nil
	case <-interested:
	}
	for {
		p.mu.Lock()
		placement, told := p.placement, p.told
		p.mu.Unlock()
		if len(placement.Pods) > 0 {
			if err := s.Send(&placement); err != nil {
				return err
			}
		}
		select {
		case <-s.Context().Done():
			return nil
		case <-told:
		}
	}
}
