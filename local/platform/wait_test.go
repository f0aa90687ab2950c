package platform

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func pod(name string, labels map[string]string, ready corev1.ConditionStatus) *corev1.Pod {
	return &corev1.Pod{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"},
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "default", Labels: labels},
		Status:     corev1.PodStatus{Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: ready}}},
	}
}

func TestUnready_TellsWhy(t *testing.T) {
	if err := unready(pod("p", nil, corev1.ConditionTrue)); err != nil {
		t.Errorf("a ready pod: %v", err)
	}
	p := pod("p", nil, corev1.ConditionFalse)
	p.Status.ContainerStatuses = []corev1.ContainerStatus{{
		Name:                 "main",
		State:                corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "CrashLoopBackOff", Message: "back-off"}},
		LastTerminationState: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: 3}},
	}}
	err := unready(p)
	for _, want := range []string{"main", "CrashLoopBackOff", "code 3"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want also %q", err, want)
		}
	}
}

func TestStale_KnowsWhatAnEarlierRunLeft(t *testing.T) {
	since := time.Date(2026, 1, 2, 3, 4, 5, 600, time.UTC)
	for name, test := range map[string]struct {
		started time.Time
		stale   bool
	}{
		"before":                   {since.Add(-2 * time.Second), true},
		"after":                    {since.Add(time.Second), false},
		"in the same whole second": {since.Truncate(time.Second), false},
	} {
		p := pod("p", nil, corev1.ConditionTrue)
		p.Status.ContainerStatuses = []corev1.ContainerStatus{{
			State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: metav1.NewTime(test.started)}},
		}}
		if err := stale(p, since); (err != nil) != test.stale {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestPoll_EndsWithTheChildOrTheContext(t *testing.T) {
	never := func(context.Context) error { return errors.New("not yet") }
	c := spawn(t.Context(), "etcd", func(context.Context) error { return errors.New("disk broken") })
	err := poll(t.Context(), time.Millisecond, never, c)
	if err == nil || !strings.Contains(err.Error(), "etcd ended") || !strings.Contains(err.Error(), "disk broken") {
		t.Errorf("got %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := poll(ctx, time.Millisecond, never); !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "not yet") {
		t.Errorf("got %v", err)
	}
}

func TestSpawn_OutlivesTheCallersContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	c := spawn(ctx, "x", func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() })
	cancel()
	select {
	case <-c.done:
		t.Fatal("the child ended with the caller's context")
	default:
	}
	if err := c.end(); err != nil {
		t.Errorf("an orderly end: %v", err)
	}
}
