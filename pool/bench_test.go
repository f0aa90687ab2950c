package pool

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/wire"
)

// instant is a cluster whose pods are ready, and do what they are told, at once.
type instant struct {
	mu     sync.Mutex
	serial int
}

func (i *instant) CreatePod(_ context.Context, pod *corev1.Pod) (*corev1.Pod, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.serial++
	pod.UID = types.UID(fmt.Sprint("pod-", i.serial))
	pod.Status.PodIP = "10.0.0.1"
	return pod, nil
}

func (*instant) DeletePod(context.Context, string, string, string, time.Duration) error { return nil }

func (*instant) PatchPodLabels(context.Context, string, string, string, map[string]string) error {
	return nil
}

func (*instant) Anchor(context.Context, string, *v1.Environment) (metav1.OwnerReference, error) {
	return metav1.OwnerReference{}, nil
}

func (*instant) Code(context.Context, string, string) (wire.Code, error) {
	return wire.Code{Literal: make([]byte, 1000)}, nil
}

func (*instant) Inputs(context.Context, *v1.Function) (wire.Inputs, error) { return wire.Inputs{}, nil }

func (*instant) Greet(_ context.Context, t Target) (wire.Identity, error) {
	return wire.Identity{PodUID: t.UID}, nil
}

func (*instant) Specialize(context.Context, Target, []byte, *wire.SpecializeRequest) (wire.SpecializeResult, error) {
	return wire.SpecializeResult{}, nil
}

func (*instant) Assign(context.Context, Target, *wire.Assignment) error { return nil }

func (*instant) Drain(context.Context, Target, time.Duration) (wire.DrainResult, error) {
	return wire.DrainResult{}, nil
}

func (*instant) PodHot(wire.Held, wire.HotPod)               {}
func (*instant) PodGone(string)                              {}
func (*instant) PodsOutdated([]string)                       {}
func (*instant) PodReady(string, bool)                       {}
func (*instant) PoolChanged(string, int, int, *wire.Failure) {}

// BenchmarkClaim measures what the pool itself costs: a claim of a warm pod and its replacement, with 64 claims at
// a time and thousands of hot pods.
func BenchmarkClaim(b *testing.B) {
	i := &instant{}
	cfg := testConfig()
	cfg.MaxPods = 1 << 30
	p, err := New(cfg, Deps{
		Cluster: i, Codes: i, Inputs: i, Observer: i, Agent: i,
		Registerer: prometheus.NewRegistry(), Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		b.Fatal(err)
	}
	done := make(chan struct{})
	ctx, cancel := context.WithCancel(b.Context())
	go func() { defer close(done); _ = p.Run(ctx) }()
	p.SetEnvironment(environmentOf("node", 100))
	p.Synced()
	f := functionOf("f", "node")
	b.SetParallelism(32)
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := p.Claim(ctx, f); err != nil {
				b.Error(err)
				return
			}
		}
	})
	b.StopTimer()
	cancel()
	<-done
}
