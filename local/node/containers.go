package node

import (
	"context"
	"slices"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// runContainers runs init containers one after another, sidecars among them
// beside what follows, then the others all at once. It returns when all ended.
func (w *worker) runContainers(ctx context.Context) {
	go w.keepVolumes(ctx)
	pod := w.object()
	sidecars, ok := w.runInits(ctx, pod)
	if ok {
		var mains sync.WaitGroup
		for i := range pod.Spec.Containers {
			c := w.container(&pod.Spec.Containers[i], pod.Spec.RestartPolicy, w.stop)
			if w.state(c.spec.Name).now.Terminated == nil {
				mains.Go(func() { c.loop(ctx) })
			}
		}
		mains.Wait()
	}
	// Sidecars serve the others to their end, and end in the reverse order.
	for _, s := range slices.Backward(sidecars) {
		s.stop.order(w.timeLeft(), false)
		<-s.ended
	}
}

// runInits runs the init containers and returns the sidecars that go on, and
// whether the others may start.
func (w *worker) runInits(ctx context.Context, pod *corev1.Pod) (sidecars []*container, ok bool) {
	for i := range pod.Spec.InitContainers {
		spec := &pod.Spec.InitContainers[i]
		if !sidecar(spec) {
			policy := pod.Spec.RestartPolicy
			if policy == corev1.RestartPolicyAlways || policy == "" {
				policy = corev1.RestartPolicyOnFailure
			}
			w.container(spec, policy, w.stop).loop(ctx)
			if !w.state(spec.Name).completed() {
				return sidecars, false
			}
			continue
		}
		c := w.container(spec, corev1.RestartPolicyAlways, newStopper())
		sidecars = append(sidecars, c)
		go c.loop(ctx)
		select {
		case <-c.up:
		case <-w.stop.asked:
			return sidecars, false
		}
	}
	return sidecars, !w.stop.ordered()
}

func (w *worker) container(spec *corev1.Container, policy corev1.RestartPolicy, stop *stopper) *container {
	return &container{
		w: w, spec: spec, policy: policy, stop: stop,
		log: w.log.With("container", spec.Name),
		up:  make(chan struct{}), ended: make(chan struct{}),
	}
}

// timeLeft is how long what still runs may take to end.
func (w *worker) timeLeft() time.Duration {
	w.stop.mu.Lock()
	defer w.stop.mu.Unlock()
	if w.stop.timer == nil {
		return w.grace()
	}
	return max(time.Until(w.stop.deadline), minimumGrace)
}
