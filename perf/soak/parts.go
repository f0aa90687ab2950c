package soak

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

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
