package soak

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"syscall"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// disturbance is something that is done to the platform.
type disturbance struct {
	name string
	do   func(context.Context) error
}

// disturber does them, one after the other.
type disturber struct {
	platform *platform
	world    *world
	book     *book
	balancer *balancer
	random   *rand.Rand
	routes   int
}

// ofFunctions are the disturbances of pods and objects.
func (d *disturber) ofFunctions() []disturbance {
	return []disturbance{
		{"environment changed", d.world.change},
		{"routes changed", d.changeRoutes},
		{"pod drained", d.drainPod},
		{"pod deleted by force", d.forcePod},
		{"runtime killed", func(ctx context.Context) error { return d.killInPod(ctx, "probe", killsRuntime) }},
		{"queue-proxy killed", func(ctx context.Context) error { return d.killInPod(ctx, "queueproxy", killsQueueProxy) }},
		{"fetcher killed", func(ctx context.Context) error { return d.killInPod(ctx, "fetcher", "") }},
	}
}

// ofParts are the disturbances of the platform's own parts, of which one is away at a time.
func (d *disturber) ofParts() []disturbance {
	all := []disturbance{ //nolint:prealloc // it is read, not counted
		{"API server terminated", func(ctx context.Context) error { return d.signalAPIServer(ctx, syscall.SIGTERM) }},
		{"API server killed", func(ctx context.Context) error { return d.signalAPIServer(ctx, syscall.SIGKILL) }},
		{"Envoy restarted", d.restartRouter},
		{"Envoy killed", d.killRouter},
	}
	for _, part := range []string{"activator", "autoscaler", "xds", "controller"} {
		all = append(all,
			disturbance{part + " terminated", func(ctx context.Context) error { return d.restartPart(ctx, part) }},
			disturbance{part + " killed", func(ctx context.Context) error { return d.killPart(ctx, part) }})
	}
	return all
}

// run does the disturbances that match in a random order, and again in another, until ctx ends.
func (d *disturber) run(ctx context.Context, all []disturbance, c Config, log func(*event)) {
	all = slices.DeleteFunc(all, func(x disturbance) bool { return c.Only != nil && !c.Only.MatchString(x.name) })
	for ctx.Err() == nil && len(all) > 0 {
		d.random.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		for _, x := range all {
			select {
			case <-ctx.Done():
				return
			case <-time.After(c.Pause):
			}
			e := d.book.happens(x.name)
			// One that was begun is finished: what it stopped must run again.
			err := x.do(context.WithoutCancel(ctx))
			d.book.happened(e, err)
			log(e)
		}
	}
}

// changeRoutes makes a route and removes the one before, so that Envoys get another table.
func (d *disturber) changeRoutes(ctx context.Context) error {
	d.routes++
	routes := d.world.clients.HTTPTriggers(namespace)
	name := func(n int) string { return fmt.Sprintf("soak-more-%d", n) }
	t := route(name(d.routes), "/"+name(d.routes))
	t.Spec.FunctionReference.Name = steady
	if _, err := routes.Create(ctx, t, metav1.CreateOptions{}); err != nil {
		return fmt.Errorf("create route: %w", err)
	}
	return gone(routes.Delete(ctx, name(d.routes-1), metav1.DeleteOptions{}))
}

// pick returns a random hot pod of a random function.
func (d *disturber) pick(ctx context.Context) (corev1.Pod, string, error) {
	functions := []string{steady, single, changing, wave}
	d.random.Shuffle(len(functions), func(i, j int) { functions[i], functions[j] = functions[j], functions[i] })
	for _, f := range functions {
		pods, err := d.world.hot(ctx, f)
		if err != nil {
			return corev1.Pod{}, f, err
		}
		if len(pods) > 0 {
			slices.SortFunc(pods, func(a, b corev1.Pod) int { return strings.Compare(a.Name, b.Name) })
			return pods[d.random.IntN(len(pods))], f, nil
		}
	}
	return corev1.Pod{}, "", errors.New("no hot pod")
}

// drainPod deletes a pod as an operator does, and measures how much longer than its last request it runs.
func (d *disturber) drainPod(ctx context.Context) error {
	pod, _, err := d.pick(ctx)
	if err != nil {
		return err
	}
	pid, err := d.platform.inPod(pod.Name, "queueproxy")
	if err != nil {
		return err
	}
	if err := d.world.clients.Pods(namespace).Delete(ctx, pod.Name, metav1.DeleteOptions{}); err != nil {
		return fmt.Errorf("delete pod: %w", err)
	}
	from := time.Now()
	// The process, not the object: how long the API server takes to forget a pod is its own affair.
	err = wait(ctx, "the pod to end", func() error {
		if runs(pid) {
			return errors.New("it still runs")
		}
		return nil
	})
	if err != nil {
		return err
	}
	d.book.drained(pod.Name, from)
	return nil
}

func (d *disturber) forcePod(ctx context.Context) error {
	pod, function, err := d.pick(ctx)
	if err != nil {
		return err
	}
	k := &kill{target: killsPod, name: pod.Name, function: function, from: time.Now()}
	now := int64(0)
	if err := d.world.clients.Pods(namespace).Delete(ctx, pod.Name, metav1.DeleteOptions{GracePeriodSeconds: &now}); err != nil {
		return fmt.Errorf("delete pod: %w", err)
	}
	// The processes have a second before they are killed.
	time.Sleep(1200 * time.Millisecond)
	d.book.killed(k)
	return nil
}

// killInPod kills one process of a pod.
func (d *disturber) killInPod(ctx context.Context, program string, t target) error {
	pod, function, err := d.pick(ctx)
	if err != nil {
		return err
	}
	pid, err := d.platform.inPod(pod.Name, program)
	if err != nil {
		return err
	}
	return d.kill(pid, &kill{target: t, name: pod.Name, function: function})
}

func (d *disturber) kill(pid int, k *kill) error {
	k.from = time.Now()
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		return fmt.Errorf("kill process %d: %w", pid, err)
	}
	ended(pid)
	d.book.killed(k)
	return nil
}

// ended waits until a process that was killed is gone: until then its sockets may accept connections.
func ended(pid int) {
	for deadline := time.Now().Add(3 * time.Second); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		if !runs(pid) {
			return
		}
	}
}

func runs(pid int) bool { return syscall.Kill(pid, 0) == nil }
