package node

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// writes is a publisher that keeps what it is told, and when.
type writes struct {
	mu   sync.Mutex
	told []corev1.PodStatus
}

func (p *writes) publish(_ context.Context, pod *corev1.Pod, status corev1.PodStatus) (*corev1.Pod, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.told = append(p.told, status)
	updated := pod.DeepCopy()
	updated.Status = status
	return updated, nil
}

func (*writes) remove(context.Context, *corev1.Pod) error { return nil }

func (p *writes) all() []corev1.PodStatus {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.told
}

func TestWorker_GathersTheStepsOfAStartAndTellsItsEndAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		names := []string{"runtime", "fetcher", "queue-proxy"}
		pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "p", Namespace: "ns", UID: "u"}}
		for _, name := range names {
			pod.Spec.Containers = append(pod.Spec.Containers, corev1.Container{Name: name})
		}
		p := &writes{}
		w := newWorker(&host{log: slog.New(slog.DiscardHandler), dir: t.TempDir()}, p, pod, false)
		end := w.publishUntilFinished()
		running := corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}
		for _, name := range names {
			time.Sleep(gathering / 4)
			w.set(name, func(s *containerState) { s.now = running })
		}
		synctest.Wait()
		if n := len(p.all()); n != 0 {
			t.Errorf("%d writes for the first steps of a start", n)
		}
		time.Sleep(gathering)
		synctest.Wait()
		if n := len(p.all()); n != 1 {
			t.Errorf("%d writes after the steps were gathered, want 1", n)
		}
		for _, name := range names {
			w.set(name, func(s *containerState) { s.ready = true })
		}
		synctest.Wait()
		told := p.all()
		if last := told[len(told)-1]; len(told) != 2 || !isReady(last) {
			t.Errorf("%d writes, the last of a pod that is ready: %t; want 2 and true", len(told), isReady(last))
		}
		w.set("fetcher", func(s *containerState) { s.ready, s.restarts = false, 1 })
		synctest.Wait()
		if n := len(p.all()); n != 3 {
			t.Errorf("%d writes after a restart, want 3: trouble is told at once", n)
		}
		end(false)
	})
}
