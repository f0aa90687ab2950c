package perf

import (
	"maps"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

func TestPodTimes_AreThoseOfTheFirstPodAfterTheRequest(t *testing.T) {
	times := &podTimes{pods: map[string]map[string]time.Time{}}
	began := time.Now()
	see := func(uid string, after time.Duration, change func(*corev1.Pod)) {
		pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{UID: types.UID(uid)}}
		change(pod)
		times.see(pod, began.Add(after))
	}
	bound := func(p *corev1.Pod) { p.Spec.NodeName = "node" }
	ready := func(p *corev1.Pod) {
		bound(p)
		p.Status.ContainerStatuses = []corev1.ContainerStatus{{State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}}}
		p.Status.Conditions = []corev1.PodCondition{
			{Type: corev1.PodReadyToStartContainers, Status: corev1.ConditionTrue}, {Type: corev1.PodReady, Status: corev1.ConditionTrue},
		}
	}
	see("earlier", -time.Second, ready)
	see("first", 10*time.Millisecond, func(*corev1.Pod) {})
	see("first", 15*time.Millisecond, bound)
	see("second", 20*time.Millisecond, ready)
	see("first", 40*time.Millisecond, ready)
	see("first", 90*time.Millisecond, ready)
	want := map[string]float64{"created": 10, "scheduled": 15, "sandbox": 40, "containers_running": 40, "ready": 40}
	if got := times.first(began); !maps.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}
