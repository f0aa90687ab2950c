package perf

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"path/filepath"
	"strconv"

	"hotpod.dev/wire"
)

// activators starts the contestants of the scenario activator.
type activators struct {
	config Config
	peers  peers
	// pods are the addresses of the backend, which stands for as many pods.
	pods []string
	ip   string
	// autoscaler is where our activator finds the placer; listen and control are Knative's.
	autoscaler, listen, control string
}

// podsBehind is how many pods a function with a limit has in this scenario: enough that nothing waits.
const podsBehind = 10

// Activator compares activators before one trivial backend: the processor time of a request that passes through, and
// how many requests that were held are released when a pod is ready.
func Activator(ctx context.Context, c Config, r *Results, log *slog.Logger) error {
	a := &activators{
		config: c, ip: oursIP, pods: podAddresses("127.0.0", "18080"),
		autoscaler: "127.0.0.1:18090", listen: proxyAddress, control: "127.0.0.1:18091",
	}
	if !c.Contest.Only {
		var err error
		if a.peers, err = findPeers(ctx, c, log); err != nil {
			return err
		}
	}
	return a.run(ctx, r, log)
}

func podAddresses(network, port string) []string {
	all := make([]string, 0, podsBehind)
	for i := range podsBehind {
		all = append(all, net.JoinHostPort(network+"."+strconv.Itoa(i+1), port))
	}
	return all
}

func (a *activators) run(ctx context.Context, r *Results, log *slog.Logger) error {
	stop, err := runBackend(ctx, a.config.Self, a.pods...)
	if err != nil {
		return err
	}
	passing := contest{
		scenario: "activator", entrants: a.entrants(), courses: []course{{16, 0}, {64, 0}, {16, 1000}, {64, 1000}},
		repeats: a.config.Contest.Repeats, duration: a.config.Contest.Duration, log: log,
	}
	err = passing.run(ctx, r)
	stop()
	if err != nil {
		return err
	}
	return a.releases(ctx, r, log)
}

func (a *activators) entrants() []entrant {
	all := []entrant{
		{name: nameDirect, parameters: limited(-1), enter: func(context.Context) (*entry, error) {
			return &entry{address: a.pods[0], path: "/", header: a.header(), stop: func() {}}, nil
		}},
		{name: nameOurs, parameters: limited(0), enter: a.placed(a.ours, 0)},
		{name: nameOurs, parameters: limited(10), enter: a.placed(a.ours, 10)},
		{name: nameKnative, parameters: limited(0), enter: a.placed(a.knative, 0)},
		{name: nameKnative, parameters: limited(10), enter: a.placed(a.knative, 10)},
	}
	if a.config.Contest.Only {
		return all[:3]
	}
	return all
}

// header are the lines of every request: each activator finds those that it needs.
func (a *activators) header() []string {
	return append(knativeHeaders(), wire.HeaderFunction+": "+measuredFunction().String())
}

// activating is an activator that runs and knows no pod; ready tells it which pods there are.
type activating struct {
	*entry
	ready func(ctx context.Context, pods []string) error
	// holds reports the number of requests that it says wait; nil where it does not say.
	holds func() int
}

type launch func(ctx context.Context, limit int) (*activating, error)

// placed starts an activator that has its pods from the beginning.
func (a *activators) placed(start launch, limit int) func(context.Context) (*entry, error) {
	return func(ctx context.Context) (*entry, error) {
		running, err := start(ctx, limit)
		if err != nil {
			return nil, err
		}
		pods := a.pods
		if limit == 0 {
			pods = pods[:1]
		}
		return running.unless(running.ready(ctx, pods))
	}
}

func (a *activators) ours(ctx context.Context, limit int) (*activating, error) {
	scaler, err := startPlacer(ctx, a.autoscaler)
	if err != nil {
		return nil, err
	}
	p, err := startChild(ctx, nil, filepath.Join(a.config.Programs, "activator"),
		"--address="+a.ip, "--autoscaler="+a.autoscaler, "--log-level=warn")
	if err != nil {
		scaler.stop()
		return nil, err
	}
	address := net.JoinHostPort(a.ip, strconv.Itoa(wire.PortRequests))
	e := p.entry(address, func() { p.stop(); scaler.stop() })
	e.header = a.header()
	if _, err := p.awaitListening(ctx, address); err != nil {
		e.stop()
		return nil, err
	}
	ready := func(_ context.Context, pods []string) error { scaler.place(limit, pods...); return nil }
	return &activating{entry: e, ready: ready, holds: scaler.held}, nil
}

func (a *activators) knative(ctx context.Context, limit int) (*activating, error) {
	p, err := launchKnativeActivator(ctx, a.peers.program(knativeActivator), a.listen, a.control, limit)
	if err != nil {
		return nil, err
	}
	e := p.entry(a.listen, p.stop)
	e.header = a.header()
	if _, err := p.awaitListening(ctx, a.listen); err != nil {
		e.stop()
		return nil, fmt.Errorf("start Knative's activator: %w", err)
	}
	ready := func(ctx context.Context, pods []string) error { return setKnativeBackends(ctx, a.control, pods) }
	return &activating{entry: e, ready: ready}, nil
}
