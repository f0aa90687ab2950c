package perf

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"sync"
	"time"

	"hotpod.dev/proxy"
	"hotpod.dev/queueproxy"
	"hotpod.dev/sign"
	"hotpod.dev/wire"
)

// PodsCommand is the argument that makes the command perf the simulated pods of a scenario; see Pods.
const PodsCommand = "pods"

const (
	// podsOrders is where simulated pods take orders, podsRuntime the one backend that stands for all their runtimes.
	podsOrders  = "127.0.0.1:18100"
	podsRuntime = "127.0.0.1:18101"
)

// simulatedPods are thousands of pods in one process. Each has a real queue-proxy; its fetcher keeps the protocol, and
// loads nothing. A pod begins when its address is first called, with the UID that podUIDOf says; it ends after its drain.
type simulatedPods struct {
	key     string
	log     *slog.Logger
	watcher *proxy.Watcher
	runtime *proxy.Target
	// calling says that the pods take requests, each at an address of its own.
	calling bool
	// living ends the pods' listeners.
	living func() context.Context

	mu   sync.Mutex // guards what follows
	pods map[netip.Addr]*simulatedPod
	// hot are the pods of each function, by its UID; arrived is closed and renewed when one comes.
	hot     map[string][]*simulatedPod
	arrived chan struct{}
}

// podUIDOf is the UID of the simulated pod at an address.
func podUIDOf(ip netip.Addr) string { return "pod-" + ip.String() }

// Pods serves as simulated pods on every address of this network until ctx ends: their fetchers' and queue-proxies'
// control ports, for calls that the holder of the key signed, and with calling their request ports too.
func Pods(ctx context.Context, key string, calling bool, log *slog.Logger) error {
	s := &simulatedPods{
		key: key, log: log, watcher: &proxy.Watcher{}, calling: calling, living: func() context.Context { return ctx },
		pods: map[netip.Addr]*simulatedPod{}, hot: map[string][]*simulatedPod{}, arrived: make(chan struct{}),
	}
	defer s.watcher.Close()
	s.runtime = proxy.NewTarget(proxy.TargetConfig{Address: podsRuntime, Watcher: s.watcher})
	defer s.runtime.Close()
	stop, err := runBackendHere(ctx, &backend{}, podsRuntime)
	if err != nil {
		return err
	}
	defer stop()
	var serving sync.WaitGroup
	defer serving.Wait()
	for address, handler := range map[string]http.Handler{
		port(wire.PortFetcher):      s.dispatch((*simulatedPod).serveFetcher),
		port(wire.PortQueueControl): s.dispatch((*simulatedPod).serveControl),
		podsOrders:                  s.orders(),
	} {
		lis, err := (&net.ListenConfig{}).Listen(ctx, "tcp4", address)
		if err != nil {
			return fmt.Errorf("listen for simulated pods: %w", err)
		}
		srv := &http.Server{Handler: handler} //nolint:gosec // its only callers are this run's own
		stop := context.AfterFunc(ctx, func() { _ = srv.Close() })
		defer stop()
		serving.Go(func() {
			if err := srv.Serve(lis); !errors.Is(err, http.ErrServerClosed) {
				log.Error("simulated pods broke", "error", err)
			}
		})
	}
	<-ctx.Done()
	return nil
}

func port(n int) string { return ":" + strconv.Itoa(n) }

// dispatch hands a call to the pod whose address it came to.
func (s *simulatedPods) dispatch(serve func(*simulatedPod, http.ResponseWriter, *http.Request)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		to, ok := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr)
		if !ok {
			http.Error(w, "no local address", http.StatusInternalServerError)
			return
		}
		p, err := s.pod(to.AddrPort().Addr().Unmap()) //nolint:contextcheck // a pod outlives the call
		if err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		serve(p, w, r)
	})
}

// pod returns the pod at an address, which begins now if it is new.
func (s *simulatedPods) pod(ip netip.Addr) (*simulatedPod, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p, ok := s.pods[ip]; ok {
		return p, nil
	}
	p, err := s.newPod(ip)
	if err == nil {
		s.pods[ip] = p
	}
	return p, err
}

func (s *simulatedPods) newPod(ip netip.Addr) (*simulatedPod, error) {
	p := &simulatedPod{world: s, uid: podUIDOf(ip), ended: make(chan struct{})}
	var err error
	if p.verifier, err = sign.NewVerifier(p.uid, s.key); err != nil {
		return nil, err
	}
	if p.opener, err = sign.NewOpener(); err != nil {
		return nil, err
	}
	p.proxy, err = queueproxy.New(queueproxy.Config{
		PodUID: p.uid, ControlKey: s.key, RuntimeAddress: podsRuntime, ReplayLimit: wire.DefaultReplayLimit, MaxWaiting: 100,
		Slow: time.Minute, // their requests last a second, so that few are needed, and are no slow ones
	}, slog.New(slog.DiscardHandler), nil)
	if err != nil {
		return nil, err
	}
	p.control = p.proxy.Control()
	if s.calling {
		err = p.listen(netip.AddrPortFrom(ip, wire.PortRequests))
	}
	return p, err
}

// became notes that a pod holds a function.
func (s *simulatedPods) became(p *simulatedPod, function string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hot[function] = append(s.hot[function], p)
	close(s.arrived)
	s.arrived = make(chan struct{})
}

// podsOf returns the pods that hold a function, of every one if it is "", and a channel that tells of the next one.
func (s *simulatedPods) podsOf(function string) ([]*simulatedPod, <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if function != "" {
		return append([]*simulatedPod(nil), s.hot[function]...), s.arrived
	}
	var all []*simulatedPod
	for _, pods := range s.hot {
		all = append(all, pods...)
	}
	return all, s.arrived
}
