package perf

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/internal/kubetest"
	"hotpod.dev/kube"
	"hotpod.dev/wire"
)

var server kubetest.Shared

func TestMain(m *testing.M) { os.Exit(server.Main(m)) }

// pretender does to objects what the platform would: it makes routes ready and keeps one warm pod per environment.
type pretender struct {
	t         *testing.T
	clients   *kube.Clients
	namespace string
}

func pretend(t *testing.T) (*Session, *pretender) {
	t.Helper()
	if testing.Short() {
		t.Skip("starts an API server; run without -short")
	}
	s := server.Get(t)
	p := &pretender{t: t, namespace: s.Namespace(t)}
	var err error
	if p.clients, err = kube.NewClients(s.Config()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for ; ctx.Err() == nil; _ = pause(ctx, 10*time.Millisecond) {
			p.routes(ctx)
			p.pods(ctx)
		}
	}()
	t.Cleanup(func() { cancel(); <-done })
	config := Config{Namespace: p.namespace, Source: "../examples/hello.js", Image: "hotpod/node-env"}
	return &Session{config: config, log: quiet(), clients: p.clients}, p
}

func (p *pretender) routes(ctx context.Context) {
	list, err := p.clients.HTTPTriggers(p.namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return
	}
	for i := range list.Items {
		route := &list.Items[i]
		if len(route.Status.Conditions) > 0 {
			continue
		}
		route.Status.Conditions = []metav1.Condition{{
			Type: v1.ConditionReady, Status: metav1.ConditionTrue, Reason: v1.ReasonAcknowledged, LastTransitionTime: metav1.Now(),
		}}
		_, _ = p.clients.HTTPTriggers(p.namespace).UpdateStatus(ctx, route, metav1.UpdateOptions{})
	}
}

func (p *pretender) pods(ctx context.Context) {
	environments, err := p.clients.Environments(p.namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return
	}
	alive := map[string]bool{}
	for _, e := range environments.Items {
		alive[e.Name] = true
		p.warmPod(ctx, e)
	}
	pods, err := p.clients.Pods(p.namespace).List(ctx, metav1.ListOptions{})
	for i := range pods.Items {
		if err == nil && !alive[pods.Items[i].Labels[wire.LabelEnvironmentName]] {
			_ = p.clients.Pods(p.namespace).Delete(ctx, pods.Items[i].Name, *metav1.NewDeleteOptions(0))
		}
	}
}

func (p *pretender) warmPod(ctx context.Context, e v1.Environment) {
	pod, err := p.clients.Pods(p.namespace).Create(ctx, &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: e.Name, Labels: map[string]string{
			wire.LabelEnvironmentName: e.Name, wire.LabelEnvironmentUID: string(e.UID), wire.LabelState: string(wire.StateWarm),
		}},
		Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "runtime", Image: e.Spec.Runtime.Image}}},
	}, metav1.CreateOptions{})
	if err != nil {
		return
	}
	pod.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}
	_, _ = p.clients.Pods(p.namespace).UpdateStatus(ctx, pod, metav1.UpdateOptions{})
}

func TestFleet_MakesFunctionsThatTellWhoTheyAreAndRemovesThem(t *testing.T) {
	s, p := pretend(t)
	fleet, err := s.newFleet(t.Context(), "test", 1)
	if err != nil {
		t.Fatal(err)
	}
	members, err := fleet.add(t.Context(), 3, func(f *v1.FunctionSpec) { f.RequestsPerPod = 7 })
	if err != nil || len(members) != 3 {
		t.Fatal(members, err)
	}
	for _, m := range members {
		pkg, err := p.clients.Packages(p.namespace).Get(t.Context(), m.name, metav1.GetOptions{})
		if err != nil || !strings.Contains(string(pkg.Spec.Deployment.Literal), m.says) {
			t.Errorf("package of %s: %v", m.name, err)
		}
		function, err := p.clients.Functions(p.namespace).Get(t.Context(), m.name, metav1.GetOptions{})
		if err != nil || function.Spec.RequestsPerPod != 7 || function.Spec.Environment.Name != fleet.name {
			t.Errorf("function %s: %v", m.name, err)
		}
	}
	if err := fleet.remove(t.Context(), members); err != nil {
		t.Error(err)
	}
	if err := fleet.delete(t.Context()); err != nil {
		t.Error(err)
	}
	left, err := p.clients.HTTPTriggers(p.namespace).List(t.Context(), metav1.ListOptions{})
	if err != nil || len(left.Items) != 0 {
		t.Errorf("%d routes are left: %v", len(left.Items), err)
	}
}

func TestFleet_RefusesWhatTheServerRefuses(t *testing.T) {
	s, _ := pretend(t)
	s.config.Image = ""
	if _, err := s.newFleet(t.Context(), "test", 1); err == nil {
		t.Error("made an environment without an image")
	}
	s.config.Source = filepath.Join(t.TempDir(), "gone")
	if _, err := s.newFleet(t.Context(), "test", 1); err == nil {
		t.Error("made functions of nothing")
	}
}

func TestCold_MeasuresFunctionsBesideTheRuntimeAlone(t *testing.T) {
	s, p := pretend(t)
	s.router = serverAddress(t, func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.URL.Path, "empty") { // whose environment has no warm pod, so one is made now
			_ = p.clients.Pods(p.namespace).DeleteCollection(r.Context(), *metav1.NewDeleteOptions(0), metav1.ListOptions{})
		}
		_, _ = w.Write([]byte("Hello from " + strings.TrimPrefix(r.URL.Path, "/") + "."))
	})
	s.config.Environments, s.config.Environment = "../environments", "nodejs"
	s.config.Cold = ColdOptions{Functions: 2, AtOnce: 1, Rounds: 1, Crowd: 1, Empty: 1, Settle: time.Millisecond}
	var r Results
	if err := Cold(t.Context(), s, &r); err != nil {
		t.Fatal(err)
	}
	metrics := map[string]float64{}
	for _, row := range r.Rows {
		metrics[row.Contestant+" "+row.Metric] = row.Median
	}
	for _, want := range []string{"hotpod latency", "hotpod latency_p99", "runtime alone load_p50", "hotpod with an empty pool latency", "hotpod with an empty pool ready_after"} {
		if metrics[want] <= 0 {
			t.Errorf("%s was not measured: %v", want, metrics)
		}
	}
	if metrics["hotpod failures"] != 0 {
		t.Errorf("%v failures", metrics["hotpod failures"])
	}
}

func TestIsWarm_NeedsTheLabelReadinessAndLife(t *testing.T) {
	ready := []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}
	pod := func(state wire.PodState, conditions []corev1.PodCondition, deleting bool) corev1.Pod {
		p := corev1.Pod{ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{wire.LabelState: string(state)}}, Status: corev1.PodStatus{Conditions: conditions}}
		if deleting {
			now := metav1.Now()
			p.DeletionTimestamp = &now
		}
		return p
	}
	pods := []corev1.Pod{
		pod(wire.StateWarm, ready, false), pod(wire.StateHot, ready, false), pod(wire.StateWarm, nil, false), pod(wire.StateWarm, ready, true),
	}
	if got := count(pods, isWarm); got != 1 {
		t.Errorf("%d of them are warm, want 1", got)
	}
}

func TestRunsSince_CountsOnlyContainersOfThisStart(t *testing.T) {
	began := time.Date(2026, 1, 1, 12, 0, 0, 700_000_000, time.UTC)
	pod := func(started ...time.Time) corev1.Pod {
		var p corev1.Pod
		for _, at := range started {
			p.Status.ContainerStatuses = append(p.Status.ContainerStatuses, corev1.ContainerStatus{
				State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: metav1.NewTime(at)}},
			})
		}
		return p
	}
	cases := map[string]struct {
		pod  corev1.Pod
		want bool
	}{
		"same second":  {pod(began.Truncate(time.Second)), true},
		"later":        {pod(began.Add(time.Second)), true},
		"one is older": {pod(began.Add(time.Second), began.Add(-time.Minute)), false},
		"no container": {pod(), false},
		"not running":  {corev1.Pod{Status: corev1.PodStatus{ContainerStatuses: []corev1.ContainerStatus{{}}}}, false},
	}
	for name, c := range cases {
		if got := runsSince(c.pod, began); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestPoll_GivesUpWithItsContextAndTellsTheLastError(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := poll(ctx, "the moon", func() (bool, error) { return false, http.ErrServerClosed })
	if err == nil || !strings.Contains(err.Error(), "the moon") || !strings.Contains(err.Error(), http.ErrServerClosed.Error()) {
		t.Error(err)
	}
}
