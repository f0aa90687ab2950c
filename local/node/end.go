package node

import (
	"context"
	"errors"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
	corev1 "k8s.io/api/core/v1"

	"hotpod.dev/local/node/probe"
)

// minimumGrace is what a process gets between SIGTERM and SIGKILL even when its
// preStop hook used all of the time, or the pod is deleted by force.
const minimumGrace = time.Second

// terminate ends a container's process: its preStop hook, SIGTERM, and SIGKILL
// when kill ends.
func (c *container) terminate(kill context.Context, p process) {
	c.preStop(kill, p)
	p.Signal(c.stopSignal())
	least := time.NewTimer(minimumGrace)
	defer least.Stop()
	select {
	case <-p.Done():
		return
	case <-kill.Done():
	}
	select {
	case <-p.Done():
		return
	case <-least.C:
	}
	c.log.Info("container is killed: its grace period is over")
	p.KillAll()
	<-p.Done()
}

// terminateWithin ends the process as terminate does, after at most grace.
func (c *container) terminateWithin(grace time.Duration, p process) {
	kill, cancel := context.WithTimeout(c.stop.kill, grace)
	defer cancel()
	c.terminate(kill, p)
}

func (c *container) preStop(ctx context.Context, p process) {
	if c.spec.Lifecycle == nil || c.spec.Lifecycle.PreStop == nil {
		return
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		select {
		case <-p.Done():
			cancel()
		case <-ctx.Done():
		}
	}()
	if err := c.hook(ctx, p, c.spec.Lifecycle.PreStop); err != nil && ctx.Err() == nil {
		c.w.event(corev1.EventTypeWarning, "FailedPreStopHook", "PreStopHook failed: %s", err)
	}
}

func (c *container) hasPostStart() bool {
	return c.spec.Lifecycle != nil && c.spec.Lifecycle.PostStart != nil
}

// postStart runs the hook, unless the pod is asked to stop or the process ends first.
func (c *container) postStart(ctx context.Context, p process) error {
	if !c.hasPostStart() {
		return nil
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		select {
		case <-p.Done():
			cancel()
		case <-c.stop.asked:
			cancel()
		case <-ctx.Done():
		}
	}()
	if err := c.hook(ctx, p, c.spec.Lifecycle.PostStart); err != nil && ctx.Err() == nil {
		return err
	}
	return nil
}

func (c *container) hook(ctx context.Context, p process, h *corev1.LifecycleHandler) error {
	switch {
	case h.HTTPGet != nil:
		return probe.HTTPGet(ctx, h.HTTPGet, c.target(p))
	case h.Exec != nil:
		code, output, err := c.command(ctx, p, h.Exec.Command)
		if err == nil && code != 0 {
			err = errors.New("command failed: " + output)
		}
		return err
	case h.Sleep != nil:
		return probe.Sleep(ctx, h.Sleep.Seconds)
	default:
		return nil
	}
}

// stopSignal is SIGTERM unless the container asks for another.
func (c *container) stopSignal() syscall.Signal {
	if c.spec.Lifecycle != nil && c.spec.Lifecycle.StopSignal != nil {
		if signal := unix.SignalNum(string(*c.spec.Lifecycle.StopSignal)); signal != 0 {
			return signal
		}
	}
	return syscall.SIGTERM
}
