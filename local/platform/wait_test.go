package platform

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic/fake"

	"hotpod.dev/wire"
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

func TestCountWarm(t *testing.T) {
	warm := map[string]string{wire.LabelState: string(wire.StateWarm)}
	environment := func(name string, spec map[string]any) runtime.Object {
		return &unstructured.Unstructured{Object: map[string]any{
			"apiVersion": "fission.io/v1", "kind": "Environment", "metadata": map[string]any{"name": name, "namespace": "default"}, "spec": spec,
		}}
	}
	scheme := runtime.NewScheme()
	if err := corev1.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	kinds := map[schema.GroupVersionResource]string{
		{Group: "fission.io", Version: "v1", Resource: "environments"}: "EnvironmentList",
	}
	for name, test := range map[string]struct {
		objects      []runtime.Object
		warm, wanted int
	}{
		"nothing": {nil, 0, 0},
		"a pool that fills": {
			[]runtime.Object{
				environment("e", map[string]any{"version": int64(3), "poolsize": int64(2)}),
				pod("ready", warm, corev1.ConditionTrue), pod("starting", warm, corev1.ConditionFalse),
				pod("hot", map[string]string{wire.LabelState: string(wire.StateHot)}, corev1.ConditionTrue),
			}, 1, 2,
		},
		"two environments": {
			[]runtime.Object{
				environment("e", map[string]any{"version": int64(3), "poolsize": int64(1)}),
				environment("f", map[string]any{"version": int64(3), "poolsize": int64(4)}),
			}, 0, 5,
		},
	} {
		t.Run(name, func(t *testing.T) {
			client := fake.NewSimpleDynamicClientWithCustomListKinds(scheme, kinds, test.objects...)
			gotWarm, gotWanted, err := countWarm(t.Context(), client)
			if err != nil || gotWarm != test.warm || gotWanted != test.wanted {
				t.Errorf("got %d of %d, %v, want %d of %d", gotWarm, gotWanted, err, test.warm, test.wanted)
			}
		})
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
