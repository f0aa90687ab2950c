package platform

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"hotpod.dev/hack/toolchain"
	"hotpod.dev/local/parts"
	"hotpod.dev/local/process"
)

// startTimeout bounds the start without the compiling of hotpod-kube.
const startTimeout = 2 * time.Minute

// Platform is one running platform.
type Platform struct {
	config   Config
	layout   Layout
	log      *slog.Logger
	state    *stateFile
	network  *network
	kube     toolchain.Tool
	envoy    toolchain.Tool
	creds    *credentials
	children []*child // in the order of their start

	node *child
	// Ports are nil until they are chosen.
	routerPort, apiserverPort *port
	morePorts                 []*port
	// later starts what can wait until the parts run; nil when nothing does.
	later func()
	// renewed are the files that are written again before their tokens end.
	renewed []parts.Files
	began   time.Time
	// known says that the data is that of an earlier start.
	known bool
}

// Run starts the platform in the folder, calls ready when its parts serve, and keeps everything running until the
// context ends. Then it stops everything in order and returns. It returns a RunningError when the folder is in use.
func Run(ctx context.Context, c Config, ready func(Summary)) (err error) {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if err := c.Validate(); err != nil {
		return err
	}
	p := &Platform{config: c, layout: Layout(c.Dir), log: c.Log}
	if err := os.MkdirAll(p.layout.Logs(), 0o700); err != nil {
		return fmt.Errorf("make the data folder: %w", err)
	}
	held, err := acquire(p.layout)
	if err != nil {
		return err
	}
	defer held.release()
	defer func() { err = errors.Join(err, p.shutdown()) }()
	if err := p.start(ctx); err != nil {
		return p.explain(ctx, err)
	}
	ready(p.summary())
	return p.attend(ctx)
}

// start brings everything up.
func (p *Platform) start(ctx context.Context) error {
	p.began = time.Now()
	if err := p.prepare(ctx); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	var plan *parts.Plan
	group := errgroup.Group{}
	group.Go(func() (err error) { plan, err = p.plan(); return err })
	group.Go(func() error { return p.startControlPlane(ctx) })
	if err := group.Wait(); err != nil {
		return err
	}
	p.config.say("API server ready after %.1f s", time.Since(p.began).Seconds())
	err := p.startParts(ctx, plan)
	if p.later != nil {
		p.later()
	}
	if err != nil {
		return err
	}
	p.config.say("all parts ready after %.1f s", time.Since(p.began).Seconds())
	p.waitPools(ctx)
	p.log.Info("platform ready", "after_ms", time.Since(p.began).Milliseconds())
	return p.state.enter(Ready)
}

// prepare finds programs and ports, ends what an earlier platform left, and makes credentials.
func (p *Platform) prepare(ctx context.Context) error {
	if err := checkDisk(p.config.Dir); err != nil {
		return err
	}
	last, err := ReadState(p.layout)
	if err != nil {
		return err
	}
	if err := endLeftovers(p.layout, last, p.log); err != nil {
		return err
	}
	if err := p.begin(last); err != nil {
		return err
	}
	if err := p.findPrograms(ctx); err != nil {
		return err
	}
	if err := p.chooseAddresses(ctx, last); err != nil {
		return err
	}
	p.creds, err = makeCredentials(p.layout, p.server(), p.network.node())
	if err != nil {
		return err
	}
	return linkKubectl(p.layout, p.kube.Path)
}

// begin opens the state with what lasts from the earlier one.
func (p *Platform) begin(last State) error {
	_, err := os.Stat(p.layout.join("etcd/member"))
	p.known = err == nil && last.Phase != "" && last.Phase != Starting
	self, err := process.Identify(os.Getpid())
	if err != nil {
		return err
	}
	p.state = &stateFile{path: p.layout.State(), state: State{
		Phase: Starting, Since: time.Now(), Supervisor: self, ProgramsDir: p.config.Programs,
		Network: last.Network, RouterPort: last.RouterPort, APIServerPort: last.APIServerPort,
	}}
	return p.state.update(func(*State) {})
}

func (p *Platform) findPrograms(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() (err error) { p.kube, err = toolchain.Kube(ctx, p.config.Toolchain); return err })
	group.Go(func() (err error) { p.envoy, err = toolchain.Envoy(ctx, p.config.Toolchain); return err })
	if err := group.Wait(); err != nil {
		return err
	}
	p.config.say("Kubernetes %s (%s), Envoy %s (%s)", p.kube.Version, p.kube.Origin, p.envoy.Version, p.envoy.Origin)
	return p.state.update(func(s *State) { s.Kube, s.Envoy = p.kube.Path, p.envoy.Path })
}

func (p *Platform) chooseAddresses(ctx context.Context, last State) error {
	var err error
	if p.network, err = claimNetwork(ctx, last.Network, p.config.Dir); err != nil {
		return err
	}
	if err := p.network.checkPodPorts(ctx, podPorts()); err != nil {
		return err
	}
	if p.routerPort, err = choosePort(ctx, p.config.RouterPort, "router-port", last.RouterPort, defaultRouterPort); err != nil {
		return err
	}
	if p.apiserverPort, err = choosePort(ctx, p.config.APIServerPort, "apiserver-port", last.APIServerPort, defaultAPIServerPort); err != nil {
		return err
	}
	if err := p.chooseMore(ctx, last); err != nil {
		return err
	}
	router, apiserver := p.routerPort.number, p.apiserverPort.number
	p.tellPort("router", router, defaultRouterPort, p.config.RouterPort)
	p.tellPort("API server", apiserver, defaultAPIServerPort, p.config.APIServerPort)
	return p.state.update(func(s *State) {
		s.Network, s.RouterPort, s.APIServerPort = p.network.number, router, apiserver
		s.MoreRouterPorts = nil
		for _, more := range p.morePorts {
			s.MoreRouterPorts = append(s.MoreRouterPorts, more.number)
		}
	})
}

// chooseMore chooses the ports of the routers after the first.
func (p *Platform) chooseMore(ctx context.Context, last State) error {
	for i := range max(p.config.Envoys, 1) - 1 {
		before := 0
		if i < len(last.MoreRouterPorts) {
			before = last.MoreRouterPorts[i]
		}
		more, err := choosePort(ctx, 0, "", before, 0)
		if err != nil {
			return err
		}
		p.morePorts = append(p.morePorts, more)
	}
	return nil
}

// ports are all that programs listen on at 127.0.0.1, as far as they are chosen.
func (p *Platform) ports() []*port {
	return append([]*port{p.routerPort, p.apiserverPort}, p.morePorts...)
}

func (p *Platform) tellPort(what string, got, usual, chosen int) {
	if chosen == 0 && got != usual {
		p.config.say("%s uses port %d of 127.0.0.1, because %d is taken", what, got, usual)
	}
}

func (p *Platform) server() string {
	return fmt.Sprintf("https://127.0.0.1:%d", p.state.get().APIServerPort)
}

// startControlPlane starts etcd, then the API server, then the controllers.
func (p *Platform) startControlPlane(ctx context.Context) error {
	plane := &controlPlane{
		layout: p.layout, kube: p.kube.Path, port: p.state.get().APIServerPort, creds: p.creds,
		env: []string{"PATH=" + p.config.Path, "HOME=" + p.config.Dir, "GOGC=50"},
	}
	etcd := p.supervise(ctx, plane.etcd())
	if err := waitEtcd(ctx, p.layout, etcd); err != nil {
		return fmt.Errorf("wait for etcd (its log: %s): %w", p.layout.Log("etcd"), err)
	}
	p.apiserverPort.handOver()
	apiserver := p.supervise(ctx, plane.apiserver())
	if err := waitAPI(ctx, p.creds, p.known, apiserver, p.log); err != nil {
		return err
	}
	// From the second start on, what the parts need of the controllers is there, and they start faster alone.
	if p.known {
		p.later = func() { p.supervise(ctx, plane.controllers()) }
		return nil
	}
	p.supervise(ctx, plane.controllers())
	return nil
}

// explain adds to a failed start what the processes said of their deaths, and forgets that a person stopped it.
func (p *Platform) explain(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil //nolint:nilerr // that it did not start is what the person wanted
	}
	if p.state == nil {
		return err
	}
	for _, status := range p.state.get().Processes {
		if status.LastExit != "" {
			err = errors.Join(err, fmt.Errorf("%s died: %s (its log: %s)", status.Name, status.LastExit, p.layout.Log(status.Name)))
		}
	}
	return err
}

// shutdown ends the pods first, then the other children, the last started first.
func (p *Platform) shutdown() error {
	if p.state == nil {
		return nil
	}
	errs := []error{p.state.enter(Stopping)}
	order := slices.DeleteFunc(slices.Clone(p.children), func(c *child) bool { return c == p.node })
	if p.node != nil {
		order = append(order, p.node)
	}
	for _, c := range slices.Backward(order) {
		start := time.Now()
		errs = append(errs, c.end())
		p.log.Info("ended", "process", c.name, "after_ms", time.Since(start).Milliseconds())
	}
	for _, port := range p.ports() {
		port.release()
	}
	if p.network != nil {
		p.network.release()
	}
	errs = append(errs, p.state.update(func(s *State) { s.Phase, s.Since, s.Problem, s.Processes = Stopped, time.Now(), "", nil }))
	return errors.Join(errs...)
}
