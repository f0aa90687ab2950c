package pool

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"hotpod.dev/wire"
)

// cannotPull makes a pod wait for its image.
func cannotPull(p *fakePod) {
	p.readyAt = time.Now().Add(1000 * time.Hour)
	p.pod.Status.ContainerStatuses = []corev1.ContainerStatus{{
		Name: "node", State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "ErrImagePull", Message: "no such image"}},
	}}
}

func TestBrokenEnvironment_StopsEatingTheClusterAndSaysWhy(t *testing.T) {
	bubble(t, func(w *world) {
		t := w.t
		w.prepare = cannotPull
		w.pool.SetEnvironment(environmentOf("node", 5))
		w.pool.Synced()
		w.settle(10 * time.Minute)
		if w.created > 5+12 {
			t.Errorf("%d pods were created in ten minutes; delays of 1 s doubling to 5 min allow 5 and about 10 tries", w.created)
		}
		if n := len(w.live()[wire.StateWarm]); n != 1 {
			t.Errorf("%d broken pods are kept to look at, want 1", n)
		}
		f := w.tallys["ns/node"].failure
		if f == nil || f.Reason != "PoolUnavailable" || !strings.Contains(f.Message, "ErrImagePull: no such image") {
			t.Errorf("the observer was told %v", f)
		}
		begun := time.Now()
		_, err := w.pool.Claim(t.Context(), functionOf("f", "node"))
		failure(t, err, "PoolUnavailable", "no such image")
		if took := time.Since(begun); took > time.Second {
			t.Errorf("the claim waited %v for it", took)
		}
	})
}

func TestBrokenEnvironment_AnswersClaimsThatWait(t *testing.T) {
	bubble(t, func(w *world) {
		t := w.t
		w.ready(0)
		w.prepare = cannotPull
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		begun := time.Now()
		_, err := w.pool.Claim(ctx, functionOf("f", "node"))
		failure(t, err, "PoolUnavailable", "kubectl describe pod")
		if took := time.Since(begun); took > 5*time.Second {
			t.Errorf("the claim waited %v", took)
		}
	})
}

func TestBrokenEnvironment_RecoversByItselfAndAtOnceWhenChanged(t *testing.T) {
	bubble(t, func(w *world) {
		t := w.t
		w.prepare = cannotPull
		w.pool.SetEnvironment(environmentOf("node", 3))
		w.pool.SetEnvironment(environmentOf("ruby", 2))
		w.pool.Synced()
		w.settle(time.Minute)
		w.mu.Lock()
		w.prepare = nil // the registry is back
		w.mu.Unlock()
		changed := environmentOf("ruby", 2)
		changed.Spec.Runtime.Image = "another"
		w.pool.SetEnvironment(changed)
		w.settle(time.Second)
		w.warm("ns/ruby", 2)
		w.settle(2 * time.Minute)
		w.warm("ns/node", 3)
		if f := w.tallys["ns/node"].failure; f != nil {
			t.Errorf("the failure stays: %v", f)
		}
	})
}

func TestPod_NeverReadyCountsAsBroken(t *testing.T) {
	bubble(t, func(w *world) {
		t := w.t
		w.starts = 1000 * time.Hour
		w.pool.SetEnvironment(environmentOf("node", 1))
		w.pool.Synced()
		w.settle(6 * time.Minute)
		if f := w.tallys["ns/node"].failure; f == nil || !strings.Contains(f.Message, "not ready after 5m") {
			t.Errorf("failure = %v", f)
		}
	})
}

func TestPod_WithoutANodeIsWaitedForAndSaidSo(t *testing.T) {
	bubble(t, func(w *world) {
		t := w.t
		w.ready(0)
		w.starts = 1000 * time.Hour
		w.prepare = func(p *fakePod) {
			p.pod.Status.Conditions = []corev1.PodCondition{{
				Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: "Unschedulable", Message: "0/3 nodes: insufficient cpu",
			}}
		}
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Minute)
		defer cancel()
		_, err := w.pool.Claim(ctx, functionOf("f", "node"))
		failure(t, err, "PoolUnavailable", "insufficient cpu")
		if w.created != 1 {
			t.Errorf("%d pods were made for one claim", w.created)
		}
	})
}

func TestPodsThatTheAPIRefuses_FailTheClaimsWithItsWords(t *testing.T) {
	bubble(t, func(w *world) {
		t := w.t
		w.ready(0)
		w.createErr = apierrors.NewForbidden(schema.GroupResource{Resource: "pods"}, "x", errors.New("exceeded quota"))
		_, err := w.pool.Claim(t.Context(), functionOf("f", "node"))
		failure(t, err, "PoolUnavailable", "exceeded quota")
	})
}

func TestNamespaceThatIsBeingDeleted_GetsNoMorePods(t *testing.T) {
	bubble(t, func(w *world) {
		t := w.t
		w.ready(1)
		ending := apierrors.NewForbidden(schema.GroupResource{Resource: "pods"}, "x", errors.New("namespace is being terminated"))
		ending.ErrStatus.Details.Causes = []metav1.StatusCause{{Type: corev1.NamespaceTerminatingCause}}
		w.mu.Lock()
		w.createErr = ending
		before := w.asked
		w.mu.Unlock()
		w.claim("f")
		w.settle(4 * time.Minute)
		w.mu.Lock()
		defer w.mu.Unlock()
		if n := w.asked - before; n != 1 {
			t.Errorf("the API server was asked for %d pods", n)
		}
	})
}

// An API server that has just started forbids everything until it has read the roles.
func TestAPIServerThatForbidsForAMoment_NobodyNotices(t *testing.T) {
	bubble(t, func(w *world) {
		w.ready(0)
		w.createErr = apierrors.NewForbidden(schema.GroupResource{Resource: "pods"}, "", errors.New("no role says so"))
		time.AfterFunc(3*time.Second, func() {
			w.mu.Lock()
			w.createErr = nil
			w.mu.Unlock()
		})
		began := time.Now()
		w.claim("f")
		if took := time.Since(began); took > 4*time.Second {
			w.t.Errorf("claimed after %s", took)
		}
	})
}

func TestEnvironmentThatIsNotAllowed_FailsItsClaims(t *testing.T) {
	bubble(t, func(w *world) {
		t := w.t
		w.ready(1)
		e := environmentOf("node", 1)
		e.Spec.Runtime.PodSpec = raw(`{"hostNetwork":true}`)
		w.pool.SetEnvironment(e)
		w.settle(time.Second)
		_, err := w.pool.Claim(t.Context(), functionOf("f", "node"))
		failure(t, err, "PoolUnavailable", "hostNetwork")
		if n := len(w.live()[wire.StateWarm]); n != 0 {
			t.Errorf("%d pods of the former environment are left", n)
		}
		w.pool.SetEnvironment(environmentOf("node", 1))
		w.settle(time.Second)
		w.claim("f")
	})
}

func TestAPIAway_ClaimsGoOnNothingIsDeletedAndLabelsFollow(t *testing.T) {
	bubble(t, func(w *world) {
		t := w.t
		w.ready(3)
		w.mu.Lock()
		w.apiErr = errors.New("connection refused")
		w.mu.Unlock()
		pods := []wire.HotPod{w.claim("a"), w.claim("b"), w.claim("c")}
		w.settle(time.Minute)
		if n := len(w.live()[wire.StateWarm]); n != 3 { // labels say so still
			t.Errorf("%d pods are left", n)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := w.pool.Claim(ctx, functionOf("d", "node"))
		failure(t, err, "PoolUnavailable", "the API server does not take new pods")
		w.mu.Lock()
		w.apiErr = nil
		w.mu.Unlock()
		w.settle(time.Minute)
		for _, pod := range pods {
			if s := w.look(pod.UID).pod.Labels[wire.LabelState]; s != "hot" {
				t.Errorf("label of %s = %s", pod.UID, s)
			}
		}
		w.warm("ns/node", 3)
	})
}

func TestUnsure_NothingIsDeletedForBeingTooMuch(t *testing.T) {
	bubble(t, func(w *world) {
		t := w.t
		w.ready(3)
		w.settle(patience)
		w.sure.Store(false)
		w.pool.SetEnvironment(environmentOf("node", 1))
		w.settle(time.Minute)
		w.warm("ns/node", 3)
		w.claim("a")
		w.settle(time.Minute)
		w.warm("ns/node", 2)
		w.sure.Store(true)
		w.settle(2 * time.Second)
		w.warm("ns/node", 1)
		if n := len(w.live()[wire.StateWarm]); n != 1 {
			t.Errorf("%d pods are left", n)
		}
	})
}

func TestEnvironmentChange_ReplacesWarmPodsAndLeavesHotOnes(t *testing.T) {
	bubble(t, func(w *world) {
		t := w.t
		w.ready(2)
		hot := w.claim("f")
		w.settle(time.Second)
		old := w.live()[wire.StateWarm]
		e := environmentOf("node", 2)
		e.Spec.Runtime.Image = "image:2"
		w.pool.SetEnvironment(e)
		w.settle(time.Second)
		for _, p := range old {
			if !w.look(string(p.pod.UID)).deleted {
				t.Errorf("%s runs the old image", p.pod.UID)
			}
		}
		w.warm("ns/node", 2)
		if w.look(hot.UID).deleted {
			t.Error("the hot pod was deleted")
		}
	})
}

func TestDeleteEnvironment_DrainsAndDeletesAllItsPods(t *testing.T) {
	bubble(t, func(w *world) {
		t := w.t
		w.ready(2)
		w.pool.SetFunction(functionOf("f", "node"))
		hot := w.claim("f")
		w.settle(time.Second)
		w.pool.DeleteEnvironment("ns/node")
		w.settle(time.Second)
		if n := len(w.live()); n != 0 || w.look(hot.UID).drains != 1 {
			t.Errorf("%v are left, the hot pod was drained %d times", w.live(), w.look(hot.UID).drains)
		}
		_, err := w.pool.Claim(t.Context(), functionOf("f", "node"))
		failure(t, err, "EnvironmentNotFound", "ns/node")
		if n := len(w.pool.environments) + len(w.pool.members); n != 0 {
			t.Errorf("the pool remembers %d things of it", n)
		}
	})
}

func TestRestartedContainer_ItsPodIsNeverUsedAgain(t *testing.T) {
	dead := corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: 137}}
	t.Run("restarted", func(t *testing.T) { loseContainer(t, corev1.ContainerStatus{Name: "node", RestartCount: 1}) })
	t.Run("dead", func(t *testing.T) { loseContainer(t, corev1.ContainerStatus{Name: "node", State: dead}) })
}

func loseContainer(t *testing.T, status corev1.ContainerStatus) {
	t.Helper()
	bubble(t, func(w *world) {
		t := w.t
		w.ready(2)
		hot := w.claim("f")
		w.settle(time.Second)
		restart := func(p *fakePod) { p.pod.Status.ContainerStatuses = []corev1.ContainerStatus{status} }
		warm := string(w.live()[wire.StateWarm][0].pod.UID)
		w.change(hot.UID, restart)
		w.change(warm, restart)
		w.settle(3 * time.Second) // a pod that ends soon after its start is no good sign
		if !w.look(warm).deleted || !w.look(hot.UID).deleted || len(w.hot) != 0 {
			t.Errorf("warm deleted %v, hot deleted %v, hot %v", w.look(warm).deleted, w.look(hot.UID).deleted, w.hot)
		}
		w.warm("ns/node", 2)
	})
}

func TestPodDeletedByOthers_IsReplacedAndItsHotnessRetracted(t *testing.T) {
	bubble(t, func(w *world) {
		t := w.t
		w.ready(1)
		hot := w.claim("f")
		w.settle(time.Second)
		warm := string(w.live()[wire.StateWarm][0].pod.UID)
		for _, uid := range []string{hot.UID, warm} {
			w.change(uid, func(p *fakePod) { p.deleted = true })
		}
		w.settle(time.Second)
		if len(w.hot) != 0 || len(w.gone) != 1 {
			t.Errorf("hot %v, gone %v", w.hot, w.gone)
		}
		w.warm("ns/node", 1)
	})
}

func TestRestart_FindsEverythingAsItWas(t *testing.T) {
	bubble(t, func(w *world) {
		t := w.t
		w.ready(2)
		f := functionOf("f", "node")
		hot, orphan := w.claim("f"), w.claim("other")
		w.settle(time.Second)
		lost := string(w.live()[wire.StateWarm][0].pod.UID)
		w.stop()

		// A claim that the former pool did not come to label.
		held := wire.Held{Function: functionID(f), Generation: 1}
		w.edit(lost, func(p *fakePod) { p.held, p.assigned = &held, &held })
		created := w.created
		w.restart()
		w.hot = map[string]wire.Held{}
		w.run()
		w.pool.SetEnvironment(environmentOf("node", 2))
		w.pool.SetFunction(f) // but not other, which was deleted meanwhile
		for _, ps := range w.live() {
			for _, p := range ps {
				w.pool.SetPod(p.pod.DeepCopy())
			}
		}
		w.settle(time.Second)
		if len(w.hot) != 0 || w.created != created {
			t.Error("something happened before Synced")
		}
		w.pool.Synced()
		w.settle(5 * time.Second)
		if len(w.hot) != 2 || w.hot[hot.UID] != held || w.hot[lost] != held {
			t.Errorf("hot pods: %v", w.hot)
		}
		if p := w.look(orphan.UID); !p.deleted || p.drains != 1 {
			t.Errorf("the deleted function's pod: deleted %v, drained %d times", p.deleted, p.drains)
		}
		if s := w.look(lost).pod.Labels[wire.LabelState]; s != "hot" {
			t.Errorf("the unlabelled pod is labelled %s", s)
		}
		w.warm("ns/node", 2)
		if w.created != created+1 {
			t.Errorf("%d pods were created to replace one", w.created-created)
		}
	})
}

func TestRestart_PodsWithoutAFutureAreDeleted(t *testing.T) {
	bubble(t, func(w *world) {
		t := w.t
		w.ready(0)
		f := functionOf("f", "node")
		uids := make([]string, 0, 5)
		for range 5 {
			uids = append(uids, w.claim("f").UID)
		}
		w.settle(time.Second)
		w.stop()
		w.edit(uids[0], func(p *fakePod) { p.held = nil })                                                 // its fetcher restarted
		w.edit(uids[1], func(p *fakePod) { p.used = true })                                                // and knows it
		w.edit(uids[2], func(p *fakePod) { p.pod.Labels[wire.LabelState] = "draining" })                   // half drained
		w.edit(uids[3], func(p *fakePod) { p.pod.Labels[wire.LabelEnvironmentUID] = "of another one" })    // its environment was made again
		w.edit(uids[4], func(p *fakePod) { p.pod.Labels[wire.LabelState], p.held.Generation = "warm", 7 }) // claimed for older code
		w.restart()
		w.hot = map[string]wire.Held{}
		w.run()
		w.pool.SetEnvironment(environmentOf("node", 0))
		w.pool.SetFunction(f)
		for _, ps := range w.live() {
			for _, p := range ps {
				w.pool.SetPod(p.pod.DeepCopy())
			}
		}
		w.pool.Synced()
		w.settle(5 * time.Second)
		for i, uid := range uids {
			if p := w.look(uid); !p.deleted || p.drains != 1 { // it may have requests
				t.Errorf("pod %d: deleted %v, drained %d times", i, p.deleted, p.drains)
			}
		}
		if len(w.hot) != 0 {
			t.Errorf("hot pods: %v", w.hot)
		}
	})
}

func TestRestart_PodThatDoesNotAnswerIsKept(t *testing.T) {
	bubble(t, func(w *world) {
		t := w.t
		w.ready(1)
		hot := w.claim("f")
		w.settle(time.Second)
		w.stop()
		w.edit(hot.UID, func(p *fakePod) { p.readyAt = time.Now().Add(time.Hour) })
		w.restart()
		w.hot = map[string]wire.Held{}
		w.run()
		w.pool.SetEnvironment(environmentOf("node", 0))
		w.pool.SetFunction(functionOf("f", "node"))
		w.pool.SetPod(w.look(hot.UID).pod)
		w.pool.Synced()
		w.settle(30 * time.Minute)
		if w.look(hot.UID).deleted {
			t.Error("a hot pod was deleted for lack of news")
		}
		w.settle(31 * time.Minute)
		if len(w.hot) != 1 {
			t.Error("the pod was not adopted when it answered again")
		}
	})
}
