package node

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/scheme"
	typedcorev1 "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/record"

	"hotpod.dev/local/node/sandbox"
)

// The times of the agent's end: what pods get at most, and when the agent stops
// waiting for them.
const (
	shutdownGrace = 6 * time.Second
	shutdownLimit = 9 * time.Second
)

// Agent runs the pods of one node. Its methods may be called concurrently.
type Agent struct {
	config    Config
	client    kubernetes.Interface
	scheduler *scheduler
	host      *host
	statics   *statics
	recorder  record.EventBroadcaster
	log       *slog.Logger
	// pods are the node's as the API server has them.
	pods     cache.Store
	informer cache.Controller
	// ending is set, with mu held, when no more workers may begin.
	ending atomic.Bool

	// mu guards workers, by the pods' UIDs. A worker stays until its pod's object is gone.
	mu      sync.Mutex
	workers map[types.UID]*worker
}

// New returns an agent; nothing runs before Run. It finds out whether pods can
// have namespaces here.
func New(config Config) (*Agent, error) {
	config, err := config.withDefaults()
	if err != nil {
		return nil, err
	}
	client, err := connect(config.Client)
	if err != nil {
		return nil, err
	}
	a := &Agent{config: config, client: client, log: config.Log, workers: map[types.UID]*worker{}}
	a.pods, a.informer = podInformer(client, config.NodeName, a.podHandler())
	a.recorder = record.NewBroadcaster()
	a.recorder.StartRecordingToSink(&typedcorev1.EventSinkImpl{Interface: client.CoreV1().Events("")})
	if config.Scheduler != nil {
		if a.scheduler, err = newScheduler(config); err != nil {
			return nil, err
		}
	}
	if err := clean(config.Dir); err != nil {
		return nil, err
	}
	launcher := sandbox.NewLauncher(config.PodInit)
	problem := launcher.Probe(context.Background(), config.Dir)
	if problem != nil {
		a.log.Warn("no namespaces for pods: volumes are handed over in the environment", "reason", problem)
	}
	a.host = &host{
		name: config.NodeName, address: nodeAddress(config), dir: config.Dir, hide: config.Hide, env: config.Env,
		plain: problem != nil, images: config.Images, tools: newToolchain(config.Path), makeBox: boxes(launcher),
		addresses: newAddresses(config.CIDR), source: newAPIObjects(client), log: config.Log,
		events: a.recorder.NewRecorder(scheme.Scheme, corev1.EventSource{Component: "kubelet", Host: config.NodeName}),
	}
	a.statics = newStatics(a.host, client)
	a.statics.set(config.StaticPods)
	return a, nil
}

// SetStatic replaces the pods that run without being asked by the API server.
// Those that changed are restarted, those that are left out are stopped.
func (a *Agent) SetStatic(pods []*corev1.Pod) { a.statics.set(pods) }

// Run runs pods until ctx ends, and then stops them: after at most ten seconds
// no process of theirs is left. It goes on without the API server, too.
func (a *Agent) Run(ctx context.Context) error {
	defer a.recorder.Shutdown()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var parts sync.WaitGroup
	faults := make(chan error, 1)
	if a.config.StreamAddr != "" {
		listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", a.config.StreamAddr)
		if err != nil {
			return fmt.Errorf("listen for logs and exec: %w", err)
		}
		parts.Go(func() {
			if err := a.serveStreams(ctx, listener); err != nil {
				faults <- err
				cancel()
			}
		})
	}
	parts.Go(func() { a.register(ctx) })
	parts.Go(func() { a.watchPods(ctx) })
	parts.Go(func() { a.statics.run(ctx) })
	if a.scheduler != nil {
		parts.Go(func() { a.scheduler.run(ctx) })
	}
	<-ctx.Done()
	a.stopAll()
	parts.Wait()
	select {
	case err := <-faults:
		return err
	default:
		return nil
	}
}

// stopAll stops every worker within the bounds of a shutdown.
func (a *Agent) stopAll() {
	a.mu.Lock()
	a.ending.Store(true)
	workers := make([]*worker, 0, len(a.workers))
	for _, w := range a.workers {
		workers = append(workers, w)
	}
	a.mu.Unlock()
	stopWorkers(workers)
}

// stopWorkers asks all at once and kills what is left when the time is up.
func stopWorkers(workers []*worker) {
	for _, w := range workers {
		w.stop.order(min(w.grace(), shutdownGrace), false)
	}
	limit := time.NewTimer(shutdownLimit)
	defer limit.Stop()
	for _, w := range workers {
		select {
		case <-w.finished:
		case <-limit.C:
			for _, late := range workers {
				late.closeBox()
			}
			limit.Reset(time.Second)
		}
	}
}

// worker returns the worker of a pod, or nil.
func (a *Agent) worker(uid types.UID) *worker {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.workers[uid]
}

// nodeAddress is the host of the stream server, or loopback.
func nodeAddress(c Config) string {
	if host, _, err := net.SplitHostPort(c.StreamAddr); err == nil && host != "" {
		return host
	}
	return "127.0.0.1"
}

// clean removes what an earlier agent left of its pods, but not their logs.
func clean(dir string) error {
	if err := os.RemoveAll(filepath.Join(dir, "pods")); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("remove pods of an earlier run: %w", err)
	}
	return nil
}

// Cleanup removes what an agent that was killed has left behind in its Dir. Its
// pods' processes ended with it: their init notices that the agent is gone.
func Cleanup(dir string) error { return clean(dir) }
