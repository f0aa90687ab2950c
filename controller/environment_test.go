package controller

import (
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"pgregory.net/rapid"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/wire"
)

// aPod returns a pod of that age; state is "ready", "starting" or a waiting reason.
func aPod(name string, age time.Duration, state string) *corev1.Pod {
	p := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: name, CreationTimestamp: metav1.NewTime(time.Unix(10000, 0).Add(-age))}}
	switch state {
	case "ready":
		p.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}
	case "starting":
		p.Status.ContainerStatuses = []corev1.ContainerStatus{{Name: "node", State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "ContainerCreating"}}}}
	case "Unschedulable":
		p.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: state, Message: "0/3 nodes"}}
	case "Evicted":
		p.Status.Phase, p.Status.Reason = corev1.PodFailed, state
	default:
		p.Status.ContainerStatuses = []corev1.ContainerStatus{{Name: "node", Image: "bad:1", State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: state, Message: "no such image"}}}}
	}
	return p
}

func TestEnvironmentReady(t *testing.T) {
	pool3 := &v1.Environment{Spec: v1.EnvironmentSpec{Version: 3, Poolsize: 3}}
	pool0 := &v1.Environment{Spec: v1.EnvironmentSpec{Version: 3}}
	leaving := aPod("a", time.Hour, "ready")
	leaving.DeletionTimestamp = &metav1.Time{Time: time.Unix(1, 0)}
	quota := &wire.PoolStatus{Wanted: 3, Failure: &wire.Failure{Reason: v1.ReasonPoolUnavailable, Message: "exceeded quota"}}
	for _, c := range []struct {
		name    string
		env     *v1.Environment
		pods    []*corev1.Pod
		pool    *wire.PoolStatus
		want    string
		message string
	}{
		{"no pod yet", pool3, nil, nil, "Unknown/PoolStarting", "no pod is ready yet"},
		{"a pod that starts", pool3, []*corev1.Pod{aPod("a", 0, "starting")}, nil, "Unknown/PoolStarting", ""},
		{"a ready pod", pool3, []*corev1.Pod{aPod("a", 0, "ready"), aPod("b", 0, "starting")}, nil, "True/Available", ""},
		{"only a pod that leaves", pool3, []*corev1.Pod{leaving}, nil, "Unknown/PoolStarting", ""},
		{"an image that nobody knows", pool3, []*corev1.Pod{aPod("a", 0, "ErrImagePull")}, nil, "False/PoolUnavailable", "container node (image bad:1): ErrImagePull: no such image"},
		{"a new image that nobody knows, while old pods run", pool3, []*corev1.Pod{aPod("a", time.Hour, "ready"), aPod("b", 0, "ImagePullBackOff")}, nil, "False/PoolUnavailable", "ImagePullBackOff"},
		{"an old pod that hangs beside newer ones that run", pool3, []*corev1.Pod{aPod("a", time.Hour, "CrashLoopBackOff"), aPod("b", 0, "ready")}, nil, "True/Available", ""},
		{"no node", pool3, []*corev1.Pod{aPod("a", 0, "Unschedulable")}, nil, "False/PoolUnavailable", "pods find no node: Unschedulable: 0/3 nodes"},
		{"a pod that was evicted", pool3, []*corev1.Pod{aPod("a", 0, "Evicted")}, nil, "False/PoolUnavailable", "a pod failed: Evicted"},
		{"pods that are not admitted", pool3, nil, quota, "False/PoolUnavailable", "exceeded quota"},
		{"pods that are not admitted, and some that run", pool3, []*corev1.Pod{aPod("a", 0, "ready")}, quota, "True/Available", ""},
		{"a pool that begins", pool3, nil, &wire.PoolStatus{Wanted: 3}, "Unknown/PoolStarting", ""},
		{"a pool that shrank because nobody uses it", pool3, nil, &wire.PoolStatus{Reason: "IdleTimeout"}, "True/NoPool", "the first request of a function waits"},
		{"no pool", pool0, nil, nil, "True/NoPool", "the first request of a function waits"},
		{"no pool, and a pod that runs", pool0, []*corev1.Pod{aPod("a", 0, "ready")}, nil, "True/Available", ""},
	} {
		got := environmentReady(c.env, c.pods, c.pool)
		if b := brief([]metav1.Condition{got}, v1.ConditionReady); b != c.want || !strings.Contains(got.Message, c.message) {
			t.Errorf("%s: %s, %q", c.name, b, got.Message)
		}
	}
}

// The message must not change with the order in which pods are listed, or status would be written for ever.
func TestEnvironmentReady_DoesNotDependOnTheOrderOfPods(t *testing.T) {
	states := []string{"ready", "starting", "ErrImagePull", "CrashLoopBackOff", "Unschedulable"}
	rapid.Check(t, func(t *rapid.T) {
		var pods []*corev1.Pod
		for i, s := range rapid.SliceOfN(rapid.SampledFrom(states), 1, 8).Draw(t, "states") {
			pods = append(pods, aPod(string(rune('a'+i)), time.Duration(rapid.IntRange(0, 2).Draw(t, "age"))*time.Hour, s))
		}
		e := &v1.Environment{Spec: v1.EnvironmentSpec{Version: 3, Poolsize: 3}}
		first := environmentReady(e, pods, nil)
		shuffled := rapid.Permutation(pods).Draw(t, "shuffled")
		if again := environmentReady(e, shuffled, nil); again != first {
			t.Errorf("%+v, then %+v", first, again)
		}
	})
}
