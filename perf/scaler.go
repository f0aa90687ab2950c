package perf

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/autoscaler"
	"hotpod.dev/feed"
	"hotpod.dev/pool"
	"hotpod.dev/shard"
	"hotpod.dev/sign"
	"hotpod.dev/telemetry"
)

// scalerStreams is where the scaler of a shard serves activators and watchers.
func scalerStreams(of shard.Shard) string { return fmt.Sprintf("127.0.0.1:%d", 18110+of.Index) }

// scaler is the real autoscaler with its pool, in this process as in its own, over a simulated cluster.
type scaler struct {
	cluster    *simulatedCluster
	autoscaler *autoscaler.Autoscaler
	pool       *pool.Pool
	registry   *prometheus.Registry
	server     *grpc.Server
	running    sync.WaitGroup
	end        context.CancelFunc
}

// startScaler starts the scaler of a shard. It knows no environments and functions, and acts when they were told and synced
// was called.
func startScaler(ctx context.Context, signer *sign.Signer, cluster *simulatedCluster, of shard.Shard) (*scaler, error) {
	// It logs as in a cluster, to nobody.
	log, err := telemetry.Logger(io.Discard, "autoscaler", "info")
	if err != nil {
		return nil, err
	}
	s := &scaler{cluster: cluster, registry: telemetry.NewRegistry(), server: feed.NewServer(feed.ServerCodec())}
	s.autoscaler = autoscaler.New(autoscaler.Config{Reports: autoscaler.NewHTTPReports(signer), Log: log, Registerer: s.registry, Shard: of})
	config := pool.DefaultConfig()
	config.FetcherImage, config.ProxyImage, config.ControlKey, config.MaxPods = "simulated", "simulated", signer.PublicKey(), 100_000
	config.Shard = of
	s.pool, err = pool.New(config, pool.Deps{
		Cluster: cluster, Codes: cluster, Inputs: cluster, Observer: s.autoscaler, Agent: pool.NewAgent(signer),
		Log: log, Registerer: s.registry,
	})
	if err != nil {
		return nil, err
	}
	lis, err := (&net.ListenConfig{}).Listen(ctx, "tcp", scalerStreams(of))
	if err != nil {
		return nil, fmt.Errorf("listen for activators: %w", err)
	}
	s.autoscaler.Register(s.server) //nolint:contextcheck // each stream has a context of its own
	ctx, s.end = context.WithCancel(ctx)
	s.running.Go(func() { _ = s.server.Serve(lis) })
	pods := cluster.subscribe()
	s.running.Go(func() { watch(ctx, pods, s.pool.SetPod, s.pool.DeletePod) })
	s.running.Go(func() { _ = s.pool.Run(ctx) })
	s.running.Go(func() { _ = s.autoscaler.Run(ctx, s.pool) })
	return s, nil
}

// know tells of environments and functions.
func (s *scaler) know(environments []*v1.Environment, functions []*v1.Function) {
	for _, e := range environments {
		s.pool.SetEnvironment(e)
	}
	for _, f := range functions {
		s.pool.SetFunction(f)
		s.autoscaler.SetFunction(f)
	}
}

func (s *scaler) synced() {
	s.pool.Synced()
	s.autoscaler.Synced()
}

func (s *scaler) stop() {
	s.server.Stop()
	s.end()
	s.running.Wait()
}

// metric returns the sum of a metric's series whose labels include the pairs: the value of a counter or gauge, the
// number of observations of a histogram.
func (s *scaler) metric(name string, pairs ...string) (float64, error) {
	families, err := s.registry.Gather()
	if err != nil {
		return 0, err
	}
	for _, f := range families {
		if f.GetName() != name {
			continue
		}
		sum := 0.0
		for _, m := range f.GetMetric() {
			labels := map[string]string{}
			for _, l := range m.GetLabel() {
				labels[l.GetName()] = l.GetValue()
			}
			if within(labels, pairs) {
				sum += m.GetCounter().GetValue() + m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
			}
		}
		return sum, nil
	}
	return 0, errors.New("no metric " + name)
}

func within(labels map[string]string, pairs []string) bool {
	for i := 0; i+1 < len(pairs); i += 2 {
		if labels[pairs[i]] != pairs[i+1] {
			return false
		}
	}
	return true
}

// await waits until a metric has reached a value.
func (s *scaler) await(ctx context.Context, atLeast float64, name string, pairs ...string) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	for {
		v, err := s.metric(name, pairs...)
		if err != nil || v >= atLeast {
			return err
		}
		if pause(ctx, 100*time.Millisecond) != nil {
			return fmt.Errorf("%s is %v, not %v: %w", name, v, atLeast, ctx.Err())
		}
	}
}
