package perf

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"

	"google.golang.org/grpc"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/feed"
	"hotpod.dev/wire"
	"hotpod.dev/xds"
)

// Names of the chains; goals.yaml has them too.
const (
	nameEnvoy            = "Envoy alone"
	nameKnativeDirect    = "Knative, queue-proxy"
	nameKnativePlain     = "Knative, queue-proxy behind a plain Envoy"
	nameKnativeActivator = "Knative, activator and queue-proxy"
)

// chains starts the contestants of the scenario chain.
type chains struct {
	config Config
	peers  peers
	envoy  string
	// backend is the trivial function; ip the address of our parts; xds where our Envoy finds its routes.
	backend, ip, xds   string
	activator, control string
	log                *slog.Logger
}

// Chain compares what stands between a client and one trivial backend: Envoy with our queue-proxy, configured by our
// discovery server, an Envoy with Knative's parts, configured as its ingress does, and a plain one alone. A plain one
// before Knative's queue-proxy shows what that configuration is part of; it is not judged. All Envoys have a worker for
// each core.
func Chain(ctx context.Context, c Config, r *Results, log *slog.Logger) error {
	ch := &chains{
		config: c, backend: backendAddress, ip: oursIP, xds: "127.0.0.1:18000", log: log,
		activator: "127.0.0.1:18092", control: "127.0.0.1:18091",
	}
	var err error
	if ch.envoy, err = findEnvoy(c.Envoy); err != nil {
		return err
	}
	if !c.Contest.Only {
		if ch.peers, err = findPeers(ctx, c, log); err != nil {
			return err
		}
	}
	stop, err := runBackend(ctx, c.Self, ch.backend)
	if err != nil {
		return err
	}
	defer stop()
	return ch.run(ctx, r)
}

func (c *chains) run(ctx context.Context, r *Results) error {
	held := contest{
		scenario: "chain", courses: []course{{1, 1000}, {16, 0}, {16, 1000}, {64, 0}, {64, 1000}}, log: c.log,
		repeats: c.config.Contest.Repeats, duration: c.config.Contest.Duration,
		entrants: []entrant{{name: nameEnvoy, enter: c.alone}, {name: nameOurs, enter: c.ours}},
	}
	if !c.config.Contest.Only {
		held.entrants = append(held.entrants,
			entrant{name: nameKnativeDirect, enter: c.knativeDirect(kourierConfig)},
			entrant{name: nameKnativePlain, enter: c.knativeDirect(plainConfig)},
			entrant{name: nameKnativeActivator, enter: c.knativeActivator})
	}
	return held.run(ctx, r)
}

func (c *chains) alone(ctx context.Context) (*entry, error) {
	return c.front(ctx, plainConfig, c.backend)
}

// front starts an Envoy before an address.
func (c *chains) front(ctx context.Context, config, before string) (*entry, error) {
	e, err := startEnvoy(ctx, c.envoy, config, before)
	if err != nil {
		return nil, err
	}
	return &entry{address: e.address, path: "/", processes: []int{e.cmd.Process.Pid}, stop: e.stop}, nil
}

// knativePod starts Knative's queue-proxy before the backend.
func (c *chains) knativePod(ctx context.Context) (*entry, error) {
	q, err := launchKnativeQueue(ctx, c.peers.program(knativeQueue), proxyAddress, c.backend, 0)
	if err != nil {
		return nil, err
	}
	_, err = q.awaitListening(ctx, proxyAddress)
	return q.entry(proxyAddress, q.stop).unless(err)
}

// knativeDirect starts an Envoy with a configuration before Knative's queue-proxy.
func (c *chains) knativeDirect(config string) func(context.Context) (*entry, error) {
	return func(ctx context.Context) (*entry, error) {
		behind, err := c.knativePod(ctx)
		if err != nil {
			return nil, err
		}
		front, err := c.front(ctx, config, proxyAddress)
		return front.before(behind, err)
	}
}

func (c *chains) knativeActivator(ctx context.Context) (*entry, error) {
	behind, err := c.knativePod(ctx)
	if err != nil {
		return nil, err
	}
	a := &activators{config: c.config, peers: c.peers, listen: c.activator, control: c.control}
	middle, err := a.knative(ctx, 0)
	if err != nil {
		return behind.unless(err)
	}
	both, err := middle.before(behind, middle.ready(ctx, []string{proxyAddress}))
	if err != nil {
		return nil, err
	}
	front, err := c.front(ctx, kourierConfig, c.activator)
	return front.before(both, err)
}

// before joins an entry with those behind it; with an error both are stopped.
func (e *entry) before(behind *entry, err error) (*entry, error) {
	if err != nil {
		behind.stop()
		if e != nil {
			e.stop()
		}
		return nil, err
	}
	joined := *e
	joined.processes = append(append([]int{}, e.processes...), behind.processes...)
	joined.stop = func() { e.stop(); behind.stop() }
	return &joined, nil
}

func (c *chains) ours(ctx context.Context) (*entry, error) {
	q, err := launchQueueProxy(ctx, filepath.Join(c.config.Programs, "queueproxy"), c.ip, c.backend)
	if err != nil {
		return nil, err
	}
	behind := q.entry(q.address, q.stop)
	if _, err = q.awaitListening(ctx, q.address); err == nil {
		err = q.assign(ctx, 0)
	}
	if err != nil {
		return behind.unless(err)
	}
	front, err := c.discovered(ctx)
	return front.before(behind, err)
}

// discovered starts our discovery server in this process, and an Envoy that has its configuration from there.
func (c *chains) discovered(ctx context.Context) (*entry, error) {
	ports, err := freePorts(ctx, 3)
	if err != nil {
		return nil, err
	}
	public := "127.0.0.1:" + ports[0]
	stopServer, err := c.discovery(ctx, public, "127.0.0.1:"+ports[1])
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "hotpod-perf-envoy-")
	if err != nil {
		stopServer()
		return nil, err
	}
	stop := func() { stopServer(); _ = os.RemoveAll(dir) }
	text, err := xds.Bootstrap(xds.BootstrapConfig{XDS: c.xds, Admin: "127.0.0.1:" + ports[2]})
	file := filepath.Join(dir, "envoy.json")
	if err == nil {
		err = os.WriteFile(file, text, 0o600)
	}
	if err != nil {
		stop()
		return nil, err
	}
	p, err := startChild(ctx, os.Environ(), c.envoy, "-c", file, "--disable-hot-restart", "-l", "error")
	if err != nil {
		stop()
		return nil, err
	}
	e := p.entry(public, func() { p.stop(); stop() })
	e.path, e.header = chainPath, nil
	return e.unless(c.served(ctx, p, public))
}

// chainPath is the route of the function.
const chainPath = "/hello"

// served waits until the route is there.
func (c *chains) served(ctx context.Context, p *child, address string) error {
	if _, err := p.awaitListening(ctx, address); err != nil {
		return err
	}
	return poll(ctx, "the route", func() (bool, error) {
		one, err := Dial(ctx, address, chainPath)
		if err != nil {
			return false, err
		}
		defer one.Close()
		status, err := one.Call(ctx)
		if err != nil || status != 200 {
			return false, fmt.Errorf("status %d: %w", status, err)
		}
		return true, nil
	})
}

// discovery serves one route to one function with one hot pod.
func (c *chains) discovery(ctx context.Context, public, internal string) (stop func(), err error) {
	server, err := xds.New(xds.Config{Public: []string{public}, Internal: []string{internal}, Log: c.log, Timelines: noTimelines{}})
	if err != nil {
		return nil, err
	}
	c.tell(server)
	lis, err := (&net.ListenConfig{}).Listen(ctx, "tcp", c.xds)
	if err != nil {
		return nil, fmt.Errorf("listen for Envoy: %w", err)
	}
	g := feed.NewServer()
	server.Register(g)
	return serveDiscovery(ctx, server, g, lis), nil
}

// noTimelines forgets what Envoys tell of requests; that they are to tell it is what the shipped discovery server configures.
type noTimelines struct{}

func (noTimelines) Keep(wire.Timeline) {}
func (noTimelines) Dropped(int)        {}

func (c *chains) tell(server *xds.Server) {
	id := measuredFunction()
	meta := func(name, uid string) metav1.ObjectMeta {
		return metav1.ObjectMeta{Namespace: id.Namespace, Name: name, UID: types.UID(uid), Generation: 1}
	}
	server.SetFunction(&v1.Function{ObjectMeta: meta(id.Name, id.UID)})
	server.SetRoute(&v1.HTTPTrigger{ObjectMeta: meta(id.Name, "route"), Spec: v1.HTTPTriggerSpec{
		RelativeURL: chainPath, Methods: []string{"GET", "POST"},
		FunctionReference: v1.FunctionReference{Type: v1.ReferenceName, Name: id.Name},
	}})
	pod := &corev1.Pod{ObjectMeta: meta("pod", podUID), Status: corev1.PodStatus{PodIP: c.ip}}
	pod.Labels = map[string]string{
		wire.LabelState: string(wire.StateHot), wire.LabelFunctionUID: id.UID, wire.LabelFunctionGeneration: strconv.Itoa(1),
	}
	server.SetPod(pod)
	server.Synced()
}

// serveDiscovery runs a server until the returned function is called.
func serveDiscovery(ctx context.Context, server *xds.Server, g *grpc.Server, lis net.Listener) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{}, 2)
	go func() { _ = server.Run(ctx); done <- struct{}{} }()
	go func() { _ = g.Serve(lis); done <- struct{}{} }()
	return func() {
		cancel()
		g.Stop()
		<-done
		<-done
	}
}
