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
		{"runtime killed", func(ctx context.Context) error { return d.killInPod(ctx, "probe", killsPod) }},
		{"queue-proxy killed", func(ctx context.Context) error { return d.killInPod(ctx, "queueproxy", killsQueueProxy) }},
		{"fetcher killed", func(ctx context.Context) error { return d.killInPod(ctx, "fetcher", "") }},
	}
}

// ofParts are the disturbances of the platform's own parts, of which one is away at a time.
func (d *disturber) ofParts() []disturbance {
	all := []disturbance{
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
		if syscall.Kill(pid, 0) != nil {
			return nil
		}
		return errors.New("it still runs")
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
		if syscall.Kill(pid, 0) != nil {
			return
		}
	}
}

func (d *disturber) signalAPIServer(ctx context.Context, signal syscall.Signal) error {
	pid, err := d.platform.supervised("apiserver")
	if err != nil {
		return err
	}
	o := d.book.away("apiserver")
	defer d.book.back(o)
	if err := syscall.Kill(pid, signal); err != nil {
		return fmt.Errorf("signal process %d: %w", pid, err)
	}
	// Watches would keep it for a minute, so whoever supervises it does not wait for long.
	impatient := time.AfterFunc(2*time.Second, func() { _ = syscall.Kill(pid, syscall.SIGKILL) })
	defer impatient.Stop()
	return wait(ctx, "the API server to come back", func() error {
		now, err := d.platform.supervised("apiserver")
		if err == nil && now == pid {
			err = errors.New("it still runs")
		}
		if err == nil {
			_, err = d.world.clients.Pods(namespace).List(ctx, metav1.ListOptions{Limit: 1})
		}
		return err
	})
}

// part is the name of a part's pod; of several one is chosen.
func (d *disturber) part(name string) string {
	if name == "xds" || name == "router" {
		if n := d.random.IntN(len(d.balancer.routers)); n > 0 {
			return fmt.Sprintf("%s-%d-local", name, n+1)
		}
	}
	return name + "-local"
}

const partsNamespace = "fission"

// restartPart deletes the part's pod, as an operator does: it gets SIGTERM and is started again.
func (d *disturber) restartPart(ctx context.Context, name string) error {
	pod := d.part(name)
	pid, err := d.platform.inPod(pod, name)
	if err != nil {
		return err
	}
	o := d.book.away(name)
	defer d.book.back(o)
	if err := d.world.clients.Pods(partsNamespace).Delete(ctx, pod, metav1.DeleteOptions{}); err != nil {
		return fmt.Errorf("delete pod: %w", err)
	}
	return d.returned(ctx, pod, name, pid)
}

func (d *disturber) killPart(ctx context.Context, name string) error {
	pod := d.part(name)
	pid, err := d.platform.inPod(pod, name)
	if err != nil {
		return err
	}
	o := d.book.away(name)
	defer d.book.back(o)
	k := &kill{name: pod}
	if name == "activator" {
		k.target = killsActivator
	}
	if err := d.kill(pid, k); err != nil {
		return err
	}
	return d.returned(ctx, pod, name, pid)
}

// returned waits until another process of the program runs in the pod, and is ready.
func (d *disturber) returned(ctx context.Context, pod, program string, before int) error {
	err := wait(ctx, pod+" to come back", func() error {
		now, err := d.platform.inPod(pod, program)
		if err == nil && now == before {
			err = errors.New("it still runs")
		}
		return err
	})
	if err != nil {
		return err
	}
	return wait(ctx, pod+" to be ready", func() error {
		p, err := d.world.clients.Pods(partsNamespace).Get(ctx, pod, metav1.GetOptions{})
		if err == nil && p.Status.PodIP == "" {
			err = errors.New("no address")
		}
		if err != nil {
			return err
		}
		short, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		return alive(short, "http://"+p.Status.PodIP+":8080/readyz")
	})
}

// restartRouter stops and starts an Envoy as a rolling update does: it gets no new requests, ends those that it has,
// and is started again.
func (d *disturber) restartRouter(ctx context.Context) error {
	pod, address, err := d.router()
	if err != nil {
		return err
	}
	d.balancer.set(address, true)
	defer d.balancer.set(address, false)
	pid, err := d.platform.inPod(pod, "envoy")
	if err != nil {
		return err
	}
	if err := d.world.clients.Pods(partsNamespace).Delete(ctx, pod, metav1.DeleteOptions{}); err != nil {
		return fmt.Errorf("delete pod: %w", err)
	}
	return d.returned(ctx, pod, "envoy", pid)
}

func (d *disturber) killRouter(ctx context.Context) error {
	pod, address, err := d.router()
	if err != nil {
		return err
	}
	pid, err := d.platform.inPod(pod, "envoy")
	if err != nil {
		return err
	}
	if err := d.kill(pid, &kill{target: killsRouter, name: address}); err != nil {
		return err
	}
	return d.returned(ctx, pod, "envoy", pid)
}

// router returns an Envoy's pod and address. There must be another one.
func (d *disturber) router() (pod, address string, err error) {
	if len(d.balancer.routers) < 2 {
		return "", "", errors.New("there is only one Envoy")
	}
	n := d.random.IntN(len(d.balancer.routers))
	pod = "router-local"
	if n > 0 {
		pod = fmt.Sprintf("router-%d-local", n+1)
	}
	return pod, d.balancer.routers[n].address, nil
}
