package autoscaler

import (
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/wire"
)

func TestRunner_AfterARestartNothingGoesByAmnesia(t *testing.T) {
	inWorld(t, func(w *world) {
		f := hello()
		w.reports.say("old-1", 0, 0, 500)                         // before anybody follows it
		for _, uid := range []string{"old-1", "old-2", "old-3"} { // before the function itself is known
			w.pool.hot[uid] = wire.Held{Function: idOf(f), Generation: 1}
			w.PodHot(wire.Held{Function: idOf(f), Generation: 1}, wire.HotPod{UID: uid, Address: "127.1.1.9:8012"})
		}
		w.pass(time.Minute)
		w.wantPool(0, 3, 0) // unsynced: kept
		w.SetFunction(f)
		w.Synced()
		w.pass(59 * time.Second)
		w.wantPool(0, 3, 0)
		if n := testutil.CollectAndCount(newCollector(w.Autoscaler), "hotpod_function_pods"); n != 3 {
			t.Errorf("%d series of pods", n)
		}
		if n := w.finished(f); n != 0 {
			t.Error("requests that an earlier autoscaler has counted were counted again")
		}
		w.reports.say("old-1", .001, 0, 7)
		w.pass(time.Millisecond)
		if got := w.finished(f); got != 7 {
			t.Errorf("counted %d requests, want 7", got)
		}
		w.pass(125 * time.Second)
		w.wantPool(0, 0, 3)
	})
}

func TestRunner_PodsOfAnEnvironmentThatChangedServeUntilOneIsReplaced(t *testing.T) {
	inWorld(t, func(w *world) {
		f := hello()
		act := w.serving(f)
		w.coldFor(act, f, 3)
		w.pass(2 * time.Second)
		w.PodsOutdated([]string{"pod-001", "nobody's", "pod-002", "pod-003"})
		if n := len(act.last().Pods); n != 3 {
			t.Errorf("%d pods are placed before any other is hot, want the 3 that there are", n)
		}
		w.pool.mu.Lock()
		w.pool.start = 5 * time.Second
		w.pool.mu.Unlock()
		w.pass(10 * time.Millisecond)
		if _, _, drained := w.pool.count(); drained != 0 {
			t.Errorf("%d pods were drained before any other is hot", drained)
		}
		w.pass(10 * time.Second)
		if p := act.last(); len(p.Pods) == 0 || p.Pods[0].UID < "pod-004" {
			t.Errorf("placement after the change %+v", p)
		}
		if _, _, drained := w.pool.count(); drained != 3 {
			t.Errorf("%d pods were drained, want the 3 outdated ones", drained)
		}
	})
}

func TestRunner_PodsThatAreNotReadyGetNothingNewAndCountAllTheSame(t *testing.T) {
	inWorld(t, func(w *world) {
		f := hello(func(f *v1.Function) { f.Spec.Concurrency = 1 })
		act := w.serving(f)
		w.cold(act, f)
		w.pass(2 * time.Second)
		w.PodReady("pod-001", false)
		w.pass(10 * time.Millisecond)
		if p := act.last(); len(p.Pods) != 0 || !p.AtMaximum || p.Failure != nil {
			t.Errorf("placement %+v", p)
		}
		w.pass(10 * time.Second)
		w.PodReady("nobody's", true)
		w.PodReady("pod-001", true)
		w.pass(10 * time.Millisecond)
		if p := act.last(); len(p.Pods) != 1 || p.Failure != nil {
			t.Errorf("placement %+v", p)
		}
		if claims, hot, _ := w.pool.count(); claims != 1 || hot != 1 {
			t.Errorf("%d claims, %d hot pods", claims, hot)
		}
	})
}

func TestRunner_PodsOfAnEnvironmentThatChangedServeOnWhenNoneCanReplaceThem(t *testing.T) {
	inWorld(t, func(w *world) {
		f := hello(func(f *v1.Function) { f.Spec.InvokeStrategy.ExecutionStrategy.MinScale = 1 })
		act := w.serving(f)
		w.cold(act, f)
		w.pass(adopting)
		w.pool.fail(&wire.Failure{Reason: v1.ReasonSpecializationFailed, Message: "not with that image"})
		w.PodsOutdated([]string{"pod-001"})
		w.pass(time.Minute)
		if p := act.last(); p.Failure != nil || len(p.Pods) != 1 {
			t.Errorf("placement %+v", p)
		}
		if claims, _, drained := w.pool.count(); drained != 0 || claims > 10 {
			t.Errorf("%d claims in a minute, %d pods drained", claims, drained)
		}
		w.pool.fail(nil)
		w.pass(time.Minute)
		if _, hot, drained := w.pool.count(); hot != 1 || drained != 1 {
			t.Errorf("after it got better %d pods are hot and %d drained", hot, drained)
		}
	})
}

func TestRunner_MinimumIsStartedOnceAdoptionIsOver(t *testing.T) {
	inWorld(t, func(w *world) {
		f := hello(func(f *v1.Function) { f.Spec.InvokeStrategy.ExecutionStrategy.MinScale = 2 })
		w.SetFunction(f)
		w.pass(time.Minute)
		w.wantPool(0, 0, 0)
		w.Synced()
		w.pool.hot["old-1"] = wire.Held{}
		w.PodHot(wire.Held{Function: idOf(f), Generation: 1}, wire.HotPod{UID: "old-1", Address: "127.1.1.9:8012"})
		w.pass(5 * time.Second)
		w.wantPool(1, 2, 0)
		w.pass(time.Hour)
		w.wantPool(1, 2, 0)
		w.PodGone("old-1")
		w.pass(2 * time.Second)
		if claims, _, _ := w.pool.count(); claims != 2 {
			t.Errorf("a pod that died was not replaced: %d claims", claims)
		}
	})
}

func TestRunner_OldPodsServeUntilANewOneIsHot(t *testing.T) {
	inWorld(t, func(w *world) {
		f := hello()
		act := w.serving(f)
		w.coldFor(act, f, 3)
		w.pass(time.Second)
		w.pool.start = 10 * time.Second
		w.SetFunction(changed(f))
		w.pass(9 * time.Second)
		if p := act.last(); p.Generation != 1 || len(p.Pods) != 3 {
			t.Errorf("while the new one starts: %+v", p)
		}
		w.pass(2 * time.Second)
		if p := act.last(); p.Generation != 2 || len(p.Pods) == 0 {
			t.Errorf("after the new one is hot: %+v", p)
		}
		if _, _, drained := w.pool.count(); drained != 3 {
			t.Errorf("%d old pods drained", drained)
		}
		if s := w.statusOfFunction(f); s.ServedGeneration != 2 || s.Generation != 2 {
			t.Errorf("status %+v", s)
		}
	})
}

func TestRunner_AFailedGenerationLeavesTheOldPods(t *testing.T) {
	inWorld(t, func(w *world) {
		f := hello()
		act := w.serving(f)
		w.cold(act, f)
		broken := &wire.Failure{Reason: v1.ReasonSpecializationFailed, Message: "SyntaxError: line 1"}
		w.pool.fail(broken)
		w.SetFunction(changed(f))
		w.pass(30 * time.Second)
		w.reports.say("pod-001", .5, 1, 1)
		w.pass(time.Second)
		p := act.last()
		if p.Failure != nil || len(p.Pods) != 1 || p.Generation != 1 {
			t.Errorf("placement %+v", p)
		}
		if s := w.statusOfFunction(f); s.Failure == nil || s.Failure.Reason != v1.ReasonSpecializationFailed || s.Hot != 1 {
			t.Errorf("status %+v", s)
		}
		if claims, _, drained := w.pool.count(); claims > 10 || claims < 3 || drained != 0 {
			t.Errorf("%d claims, %d drains in 30 s", claims, drained)
		}
		w.pool.fail(nil)
		w.SetFunction(changed(changed(f)))
		w.pass(time.Second)
		if s := w.statusOfFunction(f); s.Failure != nil || s.ServedGeneration != 3 {
			t.Errorf("status after the repair %+v", s)
		}
	})
}

func TestRunner_DeletingAFunctionDrainsItsPodsAndEndsItsSeries(t *testing.T) {
	inWorld(t, func(w *world) {
		f := hello()
		act := w.serving(f)
		w.coldFor(act, f, 2)
		w.reports.say("pod-001", 1, 1, 1)
		w.pass(time.Second)
		if n, err := testutil.GatherAndCount(w.registry, "hotpod_function_requests_total"); err != nil || n != 1 {
			t.Errorf("%d series of requests, %v", n, err)
		}
		w.DeleteFunction(idOf(f))
		w.pass(time.Millisecond)
		w.wantPool(2, 0, 2)
		if p := act.last(); p.Failure == nil || p.Failure.Reason != v1.ReasonFunctionNotFound {
			t.Errorf("placement %+v", p)
		}
		if n, err := testutil.GatherAndCount(w.registry, "hotpod_function_requests_total", "hotpod_function_pods"); err != nil || n != 0 {
			t.Errorf("%d series left, %v", n, err)
		}
		if _, ok := w.status.Get(string(f.UID)); ok {
			t.Error("the status is still there")
		}
	})
}

func TestRunner_AFunctionMadeAnewIsAnother(t *testing.T) {
	inWorld(t, func(w *world) {
		f := hello()
		act := w.serving(f)
		w.cold(act, f)
		w.SetFunction(hello(func(f *v1.Function) { f.UID = "uid-2" }))
		w.pass(time.Millisecond)
		w.wantPool(1, 0, 1)
		w.DeleteFunction(idOf(f)) // comes late
		if known, _ := w.count(); known != 1 {
			t.Errorf("%d functions", known)
		}
	})
}

func TestRunner_UnknownFunctionIsAnsweredAfterAGrace(t *testing.T) {
	inWorld(t, func(w *world) {
		w.begin()
		act, hangUp := w.activator()
		defer hangUp()
		f := hello()
		act.waits(f, 1)
		w.pass(2 * time.Second)
		if act.count() != 0 {
			t.Errorf("answered too early: %+v", act.last())
		}
		w.pass(3 * time.Second)
		if p := act.last(); p.Failure == nil || p.Failure.Reason != v1.ReasonFunctionNotFound {
			t.Errorf("placement %+v", p)
		}
		w.SetFunction(f)
		w.pass(30 * time.Millisecond)
		if p := act.last(); len(p.Pods) != 1 {
			t.Errorf("placement once the function is known %+v", p)
		}
	})
}

func TestRunner_PodsOfFunctionsThatAreGoneAreDrained(t *testing.T) {
	inWorld(t, func(w *world) {
		f := hello()
		w.pool.hot["old-1"] = wire.Held{}
		w.PodHot(wire.Held{Function: idOf(f), Generation: 1}, wire.HotPod{UID: "old-1", Address: "127.1.1.9:8012"})
		w.Synced()
		w.pass(9 * time.Second)
		w.wantPool(0, 1, 0)
		w.pass(2 * time.Second)
		w.wantPool(0, 0, 1)
		w.pass(2 * time.Minute)
		if known, _ := w.count(); known != 0 {
			t.Errorf("%d functions kept", known)
		}
	})
}

func TestRunner_AfterARestartDemandWaitsForThePodsThatAreThere(t *testing.T) {
	inWorld(t, func(w *world) {
		f := hello()
		w.SetFunction(f)
		act, hangUp := w.activator()
		defer hangUp()
		act.waits(f, 1)
		w.pass(time.Minute)
		w.wantPool(0, 0, 0)
		w.Synced()
		w.pass(100 * time.Millisecond)
		w.pool.hot["old-1"] = wire.Held{}
		w.PodHot(wire.Held{Function: idOf(f), Generation: 1}, wire.HotPod{UID: "old-1", Address: "127.1.1.9:8012"})
		w.pass(time.Millisecond)
		if p := act.last(); len(p.Pods) != 1 {
			t.Errorf("placement %+v", p)
		}
		act.waits(f, 0)
		w.pass(5 * time.Second)
		w.wantPool(0, 1, 0)
		other := hello(func(f *v1.Function) { f.Name = "other"; f.UID = "uid-other" })
		w.SetFunction(other)
		w.cold(act, other)
	})
}

func TestRunner_ClaimMayReturnBeforeThePodIsAnnounced(t *testing.T) {
	inWorld(t, func(w *world) {
		f := hello()
		w.SetFunction(f)
		w.begin()
		w.pool.tell = func(held wire.Held, pod wire.HotPod) {
			time.AfterFunc(10*time.Millisecond, func() { w.PodHot(held, pod) })
		}
		act, hangUp := w.activator()
		defer hangUp()
		w.cold(act, f)
		w.reports.say("pod-001", .1, 0, 3)
		w.pass(time.Second)
		w.wantPool(1, 1, 0)
		if n := w.finished(f); n != 3 {
			t.Errorf("counted %d requests of a pod that was claimed, want 3", n)
		}
	})
}

func TestRunner_PodThatWentBeforeItsClaimReturnedIsNotPlaced(t *testing.T) {
	inWorld(t, func(w *world) {
		f := hello()
		w.SetFunction(f)
		w.begin()
		w.pool.tell = func(held wire.Held, pod wire.HotPod) {
			if pod.UID != "pod-001" {
				w.PodHot(held, pod)
				return
			}
			w.PodGone(pod.UID)
		}
		act, hangUp := w.activator()
		defer hangUp()
		act.waits(f, 1)
		w.pass(50 * time.Millisecond)
		if p := act.last(); len(p.Pods) != 1 || p.Pods[0].UID != "pod-002" {
			t.Errorf("placement %+v", p)
		}
	})
}
