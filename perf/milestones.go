package perf

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	apiwatch "k8s.io/apimachinery/pkg/watch"

	"hotpod.dev/wire"
)

// milestones are what a new pod reaches, in this order, as far as its node tells.
func milestones() []milestone {
	running := func(p *corev1.Pod) bool {
		return len(p.Status.ContainerStatuses) > 0 && !slices.ContainsFunc(p.Status.ContainerStatuses, func(c corev1.ContainerStatus) bool { return c.State.Running == nil })
	}
	return []milestone{
		{"created", func(*corev1.Pod) bool { return true }},
		{"scheduled", func(p *corev1.Pod) bool { return p.Spec.NodeName != "" }},
		{"sandbox", func(p *corev1.Pod) bool { return conditioned(p, corev1.PodReadyToStartContainers) }},
		{"containers_running", running},
		{"ready", func(p *corev1.Pod) bool { return conditioned(p, corev1.PodReady) }},
	}
}

type milestone struct {
	name    string
	reached func(*corev1.Pod) bool
}

func conditioned(p *corev1.Pod, kind corev1.PodConditionType) bool {
	return slices.ContainsFunc(p.Status.Conditions, func(c corev1.PodCondition) bool {
		return c.Type == kind && c.Status == corev1.ConditionTrue
	})
}

// podTimes note when pods were first seen to have reached their milestones. What the API server tells comes later than what it
// tells of: by the node's own delay, and some milliseconds.
type podTimes struct {
	watch   apiwatch.Interface
	reading sync.WaitGroup

	mu   sync.Mutex // guards pods
	pods map[string]map[string]time.Time
}

// watchTimes notes those of the environment's pods until close.
func (f *fleet) watchTimes(ctx context.Context) (*podTimes, error) {
	w, err := f.s.clients.Pods("").Watch(ctx, metav1.ListOptions{LabelSelector: wire.LabelEnvironmentUID + "=" + string(f.environment.UID)})
	if err != nil {
		return nil, fmt.Errorf("watch pods: %w", err)
	}
	t := &podTimes{watch: w, pods: map[string]map[string]time.Time{}}
	t.reading.Go(func() {
		for e := range w.ResultChan() {
			if pod, ok := e.Object.(*corev1.Pod); ok {
				t.see(pod, time.Now())
			}
		}
	})
	return t, nil
}

func (t *podTimes) close() {
	t.watch.Stop()
	t.reading.Wait()
}

func (t *podTimes) see(pod *corev1.Pod, at time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	times := t.pods[string(pod.UID)]
	if times == nil {
		times = map[string]time.Time{}
		t.pods[string(pod.UID)] = times
	}
	for _, m := range milestones() {
		if _, seen := times[m.name]; !seen && m.reached(pod) {
			times[m.name] = at
		}
	}
}

// since returns how long after a moment the first pod that was made after it reached each milestone, in milliseconds, once it is
// ready.
func (t *podTimes) since(ctx context.Context, began time.Time) (reached map[string]float64, err error) {
	err = poll(ctx, "the new pod to be seen ready", func() (bool, error) {
		reached = t.first(began)
		_, ready := reached["ready"]
		return ready, nil
	})
	return reached, err
}

func (t *podTimes) first(began time.Time) map[string]float64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	var first map[string]time.Time
	for _, times := range t.pods {
		if times["created"].After(began) && (first == nil || times["created"].Before(first["created"])) {
			first = times
		}
	}
	reached := map[string]float64{}
	for name, at := range first {
		reached[name] = milliseconds(at.Sub(began))
	}
	return reached
}
