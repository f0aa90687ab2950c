package node

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// container runs one container of a pod again and again, as its policy asks.
type container struct {
	w      *worker
	spec   *corev1.Container
	policy corev1.RestartPolicy
	stop   *stopper
	log    *slog.Logger
	// up is closed when the container has started for the first time.
	up   chan struct{}
	once sync.Once
	// ended is closed when loop returns.
	ended chan struct{}
}

// loop runs the container until it has ended for good.
func (c *container) loop(ctx context.Context) {
	defer close(c.ended)
	var pause backoff
	for !c.stop.ordered() {
		began := time.Now()
		if code, ran := c.attempt(ctx); ran && (c.stop.ordered() || !restarts(c.policy, code)) {
			return
		}
		delay := pause.next(time.Since(began))
		if delay > 0 && !c.stop.ordered() {
			c.backOff(delay)
		}
		if !c.stop.sleep(delay) {
			return
		}
	}
}

// backOff shows that the container waits before it is started again.
func (c *container) backOff(delay time.Duration) {
	c.log.Info("container waits to be restarted", "delay", delay)
	pod := c.w.object().Name
	c.w.set(c.spec.Name, func(s *containerState) {
		if s.now.Terminated == nil {
			return // It could not be made; why is in its state.
		}
		s.last = s.now
		s.now = corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{
			Reason:  "CrashLoopBackOff",
			Message: fmt.Sprintf("back-off %s restarting failed container=%s pod=%s", delay, c.spec.Name, pod),
		}}
	})
	c.w.event(corev1.EventTypeWarning, "BackOff", "Back-off restarting failed container %s in pod %s", c.spec.Name, pod)
}

// attempt runs the container once. ran says that it had a process, or should
// have had one, which ended with code.
func (c *container) attempt(ctx context.Context) (code int, ran bool) {
	run, err := c.launch(ctx)
	if err != nil && run == nil {
		c.cannot(err)
		return 0, false
	}
	if err != nil {
		c.log.Warn("start container", "error", err)
		c.w.event(corev1.EventTypeWarning, "Failed", "Error: %s", err)
		c.record(*run, outcome{code: 128, reason: "StartError", message: err.Error(), at: time.Now()})
		return 128, true
	}
	c.begin(*run)
	defer c.forget()
	if err := c.postStart(ctx, run.process); err != nil {
		c.w.event(corev1.EventTypeWarning, "FailedPostStartHook", "PostStartHook failed: %s", err)
		c.terminateWithin(c.w.grace(), run.process) //nolint:contextcheck // the pod's order to stop decides
	} else {
		c.watch(ctx, run.process)
	}
	exit := run.process.Exit()
	c.log.Info("container ended", "code", exit.Code)
	o := outcome{code: exit.Code, signal: exit.Signal, reason: "Completed", at: exit.At, message: c.lastWords(ctx, *run, exit.Code)}
	if exit.Code != 0 {
		o.reason = "Error"
	}
	c.record(*run, o)
	return exit.Code, true
}

// cannot shows why the container has no process yet.
func (c *container) cannot(err error) {
	c.log.Warn("make container", "error", err)
	c.w.set(c.spec.Name, func(s *containerState) {
		s.ready = false
		s.now = corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "CreateContainerConfigError", Message: err.Error()}}
	})
	c.w.event(corev1.EventTypeWarning, "Failed", "Error: %s", err)
}

// begin shows that the container runs.
func (c *container) begin(r run) {
	c.log.Info("container started")
	c.w.mu.Lock()
	c.w.running[c.spec.Name] = r.process
	c.w.mu.Unlock()
	c.w.set(c.spec.Name, func(s *containerState) {
		if s.now.Terminated != nil {
			s.last = s.now
		}
		s.restarts, s.id = r.number, r.id
		s.now = corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: metav1.NewTime(r.began)}}
		s.started = c.spec.StartupProbe == nil && !c.hasPostStart()
		s.ready = s.started && c.spec.ReadinessProbe == nil
	})
	if c.spec.StartupProbe == nil && !c.hasPostStart() {
		c.markUp()
	}
	c.w.event(corev1.EventTypeNormal, "Started", "Container started")
}

func (c *container) markUp() { c.once.Do(func() { close(c.up) }) }

// forget lets go of the process, so that nobody speaks to it any more.
func (c *container) forget() {
	c.w.mu.Lock()
	defer c.w.mu.Unlock()
	delete(c.w.running, c.spec.Name)
	delete(c.w.logs, c.spec.Name)
}

// outcome is how a run ended.
type outcome struct {
	code, signal    int
	reason, message string
	at              time.Time
}

// record shows how the run ended.
func (c *container) record(r run, o outcome) {
	c.w.set(c.spec.Name, func(s *containerState) {
		if s.now.Terminated != nil {
			s.last = s.now
		}
		s.ready, s.started, s.restarts, s.id = false, false, r.number, r.id
		s.now = corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{
			ExitCode: int32(o.code), Signal: int32(o.signal), Reason: o.reason, Message: o.message, //nolint:gosec // exit codes are bytes
			StartedAt: metav1.NewTime(r.began), FinishedAt: metav1.NewTime(o.at), ContainerID: r.id,
		}}
	})
}
