package node

import (
	"context"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// publisher tells the API of a pod.
type publisher interface {
	// publish writes the status and returns the object as it is now; nil when the
	// object is not the pod itself, as for static pods.
	publish(ctx context.Context, pod *corev1.Pod, status corev1.PodStatus) (*corev1.Pod, error)
	// remove deletes the object of a pod of which nothing runs any more.
	remove(ctx context.Context, pod *corev1.Pod) error
}

// The times of writing to the API server.
const (
	publishTimeout  = 10 * time.Second
	publishPatience = 2 * time.Second
	firstPublishGap = 50 * time.Millisecond
	maxPublishGap   = 5 * time.Second
	// gathering is how long the steps of a pod's start are gathered into one write: each costs the API server and
	// everybody who watches pods, and nobody waits for a step but the last.
	gathering = 100 * time.Millisecond
)

// publishUntilFinished writes the status whenever it changed; changes that come
// while a write is on its way are written together. The function that it returns
// ends that: it writes the last status and removes the object if asked to.
func (w *worker) publishUntilFinished() func(remove bool) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			select {
			case <-w.dirty:
			case <-ctx.Done():
				return
			}
			w.gather(ctx)
			w.persist(ctx, w.publish)
		}
	}()
	return func(remove bool) {
		cancel()
		<-ended
		last, cancel := context.WithTimeout(context.Background(), publishPatience)
		defer cancel()
		w.persist(last, w.publish)
		if remove {
			// Removal is not given up: an object that stays would look like a pod that runs.
			go w.persist(context.Background(), w.removeObject)
		}
	}
}

// gather waits for more changes while the pod starts.
func (w *worker) gather(ctx context.Context) {
	timer := time.NewTimer(gathering)
	defer timer.Stop()
	for w.starting() {
		select {
		case <-w.dirty:
		case <-timer.C:
			return
		case <-ctx.Done():
			return
		}
	}
}

// starting says that the pod is on its way to be ready for the first time, without trouble.
func (w *worker) starting() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.view.failed != "" {
		return false
	}
	ready := true
	for _, c := range w.pod.Spec.Containers {
		s := w.view.containers[c.Name]
		if s.restarts > 0 || s.now.Terminated != nil || s.last.Terminated != nil {
			return false
		}
		ready = ready && s.ready
	}
	return !ready
}

// persist tries until it succeeds or ctx ends.
func (w *worker) persist(ctx context.Context, try func(ctx context.Context) error) {
	gap := firstPublishGap
	for ctx.Err() == nil {
		attempt, cancel := context.WithTimeout(ctx, publishTimeout)
		err := try(attempt)
		cancel()
		if err == nil || apierrors.IsNotFound(err) {
			return
		}
		w.log.Debug("write to the API server", "error", err)
		timer := time.NewTimer(gap)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
		}
		gap = min(2*gap, maxPublishGap)
	}
}

// publish writes the status once, unless the API has it already.
func (w *worker) publish(ctx context.Context) error {
	w.mu.Lock()
	pod := w.pod
	status := statusOf(pod, w.view, metav1.NewTime(time.Now().Truncate(time.Second)))
	w.mu.Unlock()
	if equality.Semantic.DeepEqual(pod.Status, status) {
		return nil
	}
	updated, err := w.publisher.publish(ctx, pod, status)
	if err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if updated == nil {
		static := *w.pod
		static.Status = status
		w.pod = &static
	} else if newer(updated, w.pod) {
		w.pod = updated
	}
	return nil
}

func (w *worker) removeObject(ctx context.Context) error {
	return w.publisher.remove(ctx, w.object())
}
