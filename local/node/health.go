package node

import (
	"context"
	"fmt"
	"os"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"

	"hotpod.dev/local/node/podinit"
	"hotpod.dev/local/node/probe"
	"hotpod.dev/local/node/sandbox"
)

// maxProbeOutput is how much of what a command writes is read.
const maxProbeOutput = 10 << 10

// watch asks the container's probes until its process ends, the pod is asked to
// stop, or a probe says that it must be restarted; it returns when the process has ended.
func (c *container) watch(ctx context.Context, p process) {
	probing, cancel := context.WithCancel(ctx)
	var probes sync.WaitGroup
	defer probes.Wait()
	defer cancel()
	unhealthy := make(chan string, 1)
	probes.Go(func() { c.probe(probing, p, unhealthy) })
	select {
	case <-p.Done():
	case <-c.stop.asked:
		c.w.event(corev1.EventTypeNormal, "Killing", "Stopping container %s", c.spec.Name)
		cancel()
		c.terminate(c.stop.kill, p) //nolint:contextcheck // the pod's order to stop decides
	case which := <-unhealthy:
		c.w.event(corev1.EventTypeNormal, "Killing", "Container %s failed %s probe, will be restarted", c.spec.Name, which)
		cancel()
		c.terminateWithin(c.probeGrace(which), p) //nolint:contextcheck // the pod's order to stop decides
	}
}

// probe runs the startup probe, and after its success the others.
func (c *container) probe(ctx context.Context, p process, unhealthy chan<- string) {
	if c.spec.StartupProbe != nil && !c.startup(ctx, p, unhealthy) {
		return
	}
	c.w.set(c.spec.Name, func(s *containerState) {
		s.started = true
		s.ready = c.spec.ReadinessProbe == nil
	})
	c.markUp()
	var both sync.WaitGroup
	if readiness := c.spec.ReadinessProbe; readiness != nil {
		both.Go(func() { c.ask(ctx, p, readiness, "Readiness", true, c.readiness) })
	}
	if liveness := c.spec.LivenessProbe; liveness != nil {
		both.Go(func() {
			c.ask(ctx, p, liveness, "Liveness", false, func(o probe.Outcome) { failing(o, "liveness", unhealthy) })
		})
	}
	both.Wait()
}

// startup asks until the probe succeeds and says whether it did.
func (c *container) startup(ctx context.Context, p process, unhealthy chan<- string) bool {
	asking, cancel := context.WithCancel(ctx)
	defer cancel()
	started := false
	c.ask(asking, p, c.spec.StartupProbe, "Startup", true, func(o probe.Outcome) {
		failing(o, "startup", unhealthy)
		if o != probe.Unknown {
			started = o == probe.Success
			cancel()
		}
	})
	return started
}

func (c *container) readiness(o probe.Outcome) {
	if o == probe.Unknown || c.w.state(c.spec.Name).ready == (o == probe.Success) {
		return
	}
	c.w.set(c.spec.Name, func(s *containerState) { s.ready = s.now.Running != nil && o == probe.Success })
}

func failing(o probe.Outcome, which string, unhealthy chan<- string) {
	if o != probe.Failure {
		return
	}
	select {
	case unhealthy <- which:
	default:
	}
}

func (c *container) ask(ctx context.Context, p process, spec *corev1.Probe, name string, eager bool, use func(probe.Outcome)) {
	check := probe.NewCheck(spec.ProbeHandler, c.target(p))
	probe.Run(ctx, probe.SettingsOf(spec), eager, check, func(o probe.Outcome, err error) {
		// What is just starting is not worth a warning.
		if err != nil && (o == probe.Failure || c.w.state(c.spec.Name).ready) {
			c.w.event(corev1.EventTypeWarning, "Unhealthy", "%s probe failed: %s", name, err)
		}
		use(o)
	})
}

// probeGrace is how long a container may take to end after a probe failed.
func (c *container) probeGrace(which string) time.Duration {
	spec := c.spec.LivenessProbe
	if which == "startup" {
		spec = c.spec.StartupProbe
	}
	if spec.TerminationGracePeriodSeconds != nil {
		return time.Duration(*spec.TerminationGracePeriodSeconds) * time.Second
	}
	return c.w.grace()
}

// target is where probes and hooks of the container go.
func (c *container) target(p process) probe.Target {
	return probe.Target{
		Address: c.w.address().String(), Ports: c.spec.Ports,
		Exec: func(ctx context.Context, command []string) (int, string, error) { return c.command(ctx, p, command) },
	}
}

// command runs a command in the container and returns its exit code and output.
func (c *container) command(ctx context.Context, in process, command []string) (int, string, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return 0, "", err
	}
	defer r.Close()
	p, err := c.w.exec(ctx, c.spec.Name, in, command, false, sandbox.Streams{Out: w, Err: w})
	w.Close()
	if err != nil {
		return 0, "", err
	}
	stop := context.AfterFunc(ctx, p.KillAll)
	defer stop()
	output := make([]byte, maxProbeOutput)
	n, _ := readFull(r, output)
	<-p.Done()
	if ctx.Err() != nil {
		return 0, "", fmt.Errorf("command %v: %w", command, ctx.Err())
	}
	return p.Exit().Code, string(output[:n]), nil
}

// readFull fills the buffer as far as there is something, and drops the rest.
func readFull(r *os.File, buffer []byte) (int, error) {
	n := 0
	scratch := make([]byte, 4096)
	for {
		m, err := r.Read(scratch)
		n += copy(buffer[n:], scratch[:m])
		if err != nil {
			return n, err
		}
	}
}

// exec starts a command in a running container, with the container's environment.
func (w *worker) exec(ctx context.Context, name string, in process, command []string, tty bool, streams sandbox.Streams) (process, error) {
	spec, err := w.session(name, command, tty)
	if err != nil {
		return nil, err
	}
	w.boxMu.Lock()
	box := w.box
	w.boxMu.Unlock()
	return box.Exec(ctx, in, spec, tty, streams)
}

// session describes a command in a container.
func (w *worker) session(name string, command []string, tty bool) (podinit.Process, error) {
	for _, spec := range allContainers(w.object()) {
		if spec.Name != name {
			continue
		}
		whole := w.container(spec, "", nil)
		p, err := whole.process()
		if err != nil {
			return podinit.Process{}, err
		}
		p.Args, p.Mounts = command, nil
		if tty {
			p.Env = append([]string{"TERM=xterm"}, p.Env...)
		}
		return p, nil
	}
	return podinit.Process{}, fmt.Errorf("pod has no container %q", name)
}
