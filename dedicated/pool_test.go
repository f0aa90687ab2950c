package dedicated

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/wire"
)

// executors calls f with a world and a function for each executor.
func executors(t *testing.T, f func(w *world, fn *v1.Function)) {
	t.Helper()
	for _, executor := range []string{v1.ExecutorNewDeploy, v1.ExecutorContainer} {
		t.Run(executor, func(t *testing.T) {
			bubble(t, func(w *world) {
				fn := functionOf("f", executor)
				w.pool.SetFunction(fn)
				w.pool.Synced()
				f(w, fn)
			})
		})
	}
}

func (w *world) mustClaim(f *v1.Function) wire.HotPod {
	w.t.Helper()
	pod, err := w.claim(f)
	if err != nil {
		w.t.Fatalf("claim %s: %v", f.Name, err)
	}
	return pod
}

func TestClaim_MakesAPodOfTheFunctionsOwn(t *testing.T) {
	executors(t, func(w *world, f *v1.Function) {
		t := w.t
		w.settle(time.Minute)
		if n := len(w.live()); n != 0 {
			t.Fatalf("%d pods before anybody claims one", n)
		}
		begun := time.Now()
		hot := w.mustClaim(f)
		if took := time.Since(begun); took < starts || took > starts+100*time.Millisecond {
			t.Errorf("the claim took %s, a pod's start takes %s", took, starts)
		}
		w.settle(time.Second)
		p := w.look(hot.UID)
		if p.assigned == nil || p.assigned.Function.Name != "f" || (p.specialize != nil) != (f.Executor() == v1.ExecutorNewDeploy) {
			t.Errorf("pod was assigned %v, and told to load %v", p.assigned, p.specialize)
		}
		if l := p.pod.Labels; l[wire.LabelState] != "hot" || l[wire.LabelFunctionGeneration] != "1" || l[wire.LabelExecutorType] != f.Executor() {
			t.Errorf("labels %v", l)
		}
		if n := len(w.live()); n != 1 || w.hot[hot.UID].Function.UID != "uid-f" {
			t.Errorf("%d pods, hot are %v", n, w.hot)
		}
	})
}

func TestClaim_LoadsTheCodeAsTheEnvironmentSays(t *testing.T) {
	bubble(t, func(w *world) {
		f := functionOf("f", v1.ExecutorNewDeploy)
		e := environmentOf("image")
		e.Spec.KeepArchive = true
		w.pool.SetEnvironment(e)
		w.pool.SetFunction(f)
		w.pool.Synced()
		if r := w.look(w.mustClaim(f).UID).specialize; r.EnvVersion != 2 || !r.Code.KeepArchive || string(r.Code.Literal) != "code of default/f-package" {
			t.Errorf("told to load %+v", r)
		}
	})
}

func TestClaim_ManyAtOnceGetAPodEach(t *testing.T) {
	executors(t, func(w *world, f *v1.Function) {
		t := w.t
		other := functionOf("g", f.Executor())
		w.pool.SetFunction(other)
		var wg sync.WaitGroup
		for range 5 {
			wg.Go(func() { w.mustClaim(f) })
			wg.Go(func() { w.mustClaim(other) })
		}
		wg.Wait()
		w.settle(time.Second)
		for uid, held := range w.hot {
			if owner := w.look(uid).pod.Labels[wire.LabelFunctionUID]; owner != held.Function.UID {
				t.Errorf("a pod of %s holds %s", owner, held.Function.UID)
			}
		}
		if len(w.hot) != 10 || len(w.live()) != 10 {
			t.Errorf("%d pods are hot of %d, want 10", len(w.hot), len(w.live()))
		}
	})
}

func TestClaim_OfAContainerWaitsForItsProbes(t *testing.T) {
	bubble(t, func(w *world) {
		f := functionOf("f", v1.ExecutorContainer)
		f.Spec.PodSpec.Raw = []byte(`{"containers":[{"name":"a","image":"i","readinessProbe":{"httpGet":{"path":"/","port":8888}}}]}`)
		w.pool.SetFunction(f)
		w.pool.Synced()
		begun := time.Now()
		w.mustClaim(f)
		if took := time.Since(begun); took < ready {
			t.Errorf("the claim took %s, the probe %s", took, ready)
		}
	})
}

func TestPool_TellsOfHotContainersThatAreNotReadyAnyMore(t *testing.T) {
	bubble(t, func(w *world) {
		f := functionOf("f", v1.ExecutorContainer)
		f.Spec.PodSpec.Raw = []byte(`{"containers":[{"name":"a","image":"i","readinessProbe":{"httpGet":{"path":"/","port":8888}}}]}`)
		w.pool.SetFunction(f)
		w.pool.Synced()
		hot := w.mustClaim(f)
		w.settle(time.Second)
		if len(w.unready) != 0 {
			t.Errorf("told of readiness before it changed: %v", w.unready)
		}
		for _, ready := range []bool{false, true} {
			w.change(hot.UID, func(p *fakePod) {
				for i := range p.pod.Status.ContainerStatuses {
					p.pod.Status.ContainerStatuses[i].Ready = ready
				}
			})
			w.settle(time.Second)
			if was, told := w.unready[hot.UID]; !told || was == ready {
				t.Errorf("the containers are ready: %v; told %v", ready, w.unready)
			}
		}
		if p := w.look(hot.UID); p.drained || p.deleted || len(w.hot) != 1 {
			t.Errorf("drained %v, deleted %v, hot %v", p.drained, p.deleted, w.hot)
		}
	})
}

func TestClaim_SaysWhyPodsDoNotStart(t *testing.T) {
	executors(t, func(w *world, f *v1.Function) {
		t := w.t
		w.broken = "ErrImagePull"
		_, err := w.claim(f)
		failure := (*wire.Failure)(nil)
		if !errors.As(err, &failure) || failure.Reason != v1.ReasonPoolUnavailable ||
			!strings.Contains(failure.Message, "function default/f") || !strings.Contains(failure.Message, "ErrImagePull: because") {
			t.Errorf("error %v", err)
		}
		w.settle(100 * time.Millisecond)
		if told := w.told[f.OwnPool()]; told == nil || *told != *failure {
			t.Errorf("the autoscaler was told %v", told)
		}
		if n := len(w.live()); n != 1 {
			t.Errorf("%d pods show what is wrong", n)
		}
		begun := w.serial
		for range 100 { // as often as the autoscaler may ask
			_, _ = w.claim(f)
			w.settle(100 * time.Millisecond)
		}
		if made := w.serial - begun; made == 0 || made > 6 {
			t.Errorf("%d pods were tried within ten seconds", made)
		}
		w.mu.Lock()
		w.broken = ""
		w.mu.Unlock()
		w.settle(5 * time.Minute)
		w.mustClaim(f)
		w.settle(time.Second)
		if told := w.told[f.OwnPool()]; told != nil {
			t.Errorf("after a success the autoscaler was told %v", told)
		}
	})
}

func TestClaim_SaysWhatAPodThatIsNotReadyLacks(t *testing.T) {
	bubble(t, func(w *world) {
		t := w.t
		f := functionOf("f", v1.ExecutorContainer)
		f.Spec.PodSpec.Raw = []byte(`{"containers":[{"name":"a","image":"i","readinessProbe":{"httpGet":{"path":"/","port":8888}}}]}`)
		w.pool.SetFunction(f)
		w.pool.Synced()
		ctx, cancel := context.WithTimeout(t.Context(), ready/2)
		defer cancel()
		if _, err := w.pool.Claim(ctx, f); err == nil || !strings.Contains(err.Error(), "probes have not succeeded") {
			t.Errorf("error %v", err)
		}
		begun := time.Now()
		w.mustClaim(f) // it finds the pod that the first one began
		if took := time.Since(begun); took > ready/2+100*time.Millisecond || w.serial != 1 {
			t.Errorf("the next claim took %s and %d pods", took, w.serial)
		}
	})
}

func TestPool_LeavesNoBrokenPodForEver(t *testing.T) {
	executors(t, func(w *world, f *v1.Function) {
		t := w.t
		w.broken = "CreateContainerConfigError"
		_, _ = w.claim(f)
		w.settle(time.Minute)
		if n := len(w.live()); n != 1 {
			t.Errorf("%d pods show what is wrong", n)
		}
		w.settle(10 * time.Minute)
		if n := len(w.live()); n != 0 {
			t.Errorf("%d broken pods are left though nobody calls", n)
		}
	})
}

func TestClaim_SaysWhatIsWrongWithTheSpec(t *testing.T) {
	bubble(t, func(w *world) {
		w.pool.Synced()
		for want, f := range map[string]*v1.Function{
			"EnvironmentNotFound: environment default/gone": functionOf("f", v1.ExecutorNewDeploy),
			"podspec.containers is empty":                   functionOf("g", v1.ExecutorContainer),
		} {
			f.Spec.Environment.Name = "gone"
			if f.Spec.PodSpec != nil {
				f.Spec.PodSpec.Raw = []byte(`{}`)
			}
			w.pool.SetFunction(f)
			if _, err := w.claim(f); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("error %v, want %s", err, want)
			}
		}
		if len(w.live()) != 0 {
			t.Error("pods were made")
		}
	})
}

func TestPool_ReplacesPodsThatStartFromAnOldTemplate(t *testing.T) {
	bubble(t, func(w *world) {
		f := functionOf("f", v1.ExecutorNewDeploy)
		w.pool.SetFunction(f)
		w.pool.Synced()
		done := make(chan wire.HotPod)
		go func() { done <- w.mustClaim(f) }()
		w.settle(starts / 2)
		w.pool.SetEnvironment(environmentOf("newer"))
		hot := w.look((<-done).UID)
		if image := hot.pod.Spec.Containers[0].Image; image != "newer" {
			t.Errorf("the pod is made from %s", image)
		}
		w.settle(time.Second)
		if n := len(w.live()); n != 1 {
			t.Errorf("%d pods are left", n)
		}
	})
}

func TestPool_TellsOfHotPodsWhoseEnvironmentChanged(t *testing.T) {
	bubble(t, func(w *world) {
		f := functionOf("f", v1.ExecutorNewDeploy)
		w.pool.SetFunction(f)
		w.pool.Synced()
		old := w.mustClaim(f)
		w.settle(time.Minute)
		w.pool.SetEnvironment(environmentOf("newer"))
		w.settle(time.Minute)
		if len(w.outdated) != 1 || w.outdated[0] != old.UID || w.look(old.UID).drained {
			t.Errorf("told of %v", w.outdated)
		}
		if image := w.look(w.mustClaim(f).UID).pod.Spec.Containers[0].Image; image != "newer" {
			t.Errorf("the next pod is made from %s", image)
		}
		w.settle(time.Minute)
		if len(w.outdated) != 1 {
			t.Errorf("told of %v", w.outdated)
		}
	})
}

func TestPool_KeepsHotPodsOfAnOldGenerationUntilTheyAreDrained(t *testing.T) {
	executors(t, func(w *world, f *v1.Function) {
		t := w.t
		old := w.mustClaim(f)
		next := f.DeepCopy()
		next.Generation, next.Spec.Env = 2, []corev1.EnvVar{{Name: "A", Value: "new"}}
		w.pool.SetFunction(next)
		w.settle(time.Minute)
		if w.look(old.UID).drained {
			t.Fatal("the old pod was drained before there was a new one")
		}
		fresh := w.mustClaim(next)
		if p := w.look(fresh.UID); p.assigned.Generation != 2 || !strings.Contains(fmt.Sprint(variables(&p.pod.Spec.Containers[0])), "A=new") {
			t.Errorf("the new pod holds %v", p.assigned)
		}
		if err := w.pool.Drain(t.Context(), old.UID, time.Minute); err != nil {
			t.Error(err)
		}
		w.settle(time.Second)
		if p := w.look(old.UID); !p.drained || !p.deleted {
			t.Error("the old pod is still there")
		}
	})
}

func TestPool_ChangedToPoolmgrKeepsItsPodsUntilTheyAreDrained(t *testing.T) {
	executors(t, func(w *world, f *v1.Function) {
		t := w.t
		hot := w.mustClaim(f)
		next := f.DeepCopy()
		next.Generation, next.Spec.InvokeStrategy.ExecutionStrategy.ExecutorType = 2, v1.ExecutorPool
		w.pool.SetFunction(next)
		w.settle(time.Minute)
		if w.look(hot.UID).drained {
			t.Error("the pod was drained though nothing replaces it")
		}
		w.pool.DeleteFunction(wire.FunctionID{Namespace: f.Namespace, Name: f.Name, UID: string(f.UID)})
		w.settle(time.Second)
		if len(w.live()) != 0 {
			t.Error("pods outlive their function")
		}
	})
}

func TestPool_DrainsThePodsOfADeletedFunction(t *testing.T) {
	executors(t, func(w *world, f *v1.Function) {
		t := w.t
		hot := w.mustClaim(f)
		w.settle(time.Second)
		w.pool.DeleteFunction(wire.FunctionID{Namespace: f.Namespace, Name: f.Name, UID: string(f.UID)})
		w.settle(time.Second)
		if p := w.look(hot.UID); !p.drained || !p.deleted {
			t.Errorf("drained %v, deleted %v", p.drained, p.deleted)
		}
		if _, err := w.claim(f); err == nil || !strings.Contains(err.Error(), v1.ReasonFunctionNotFound) {
			t.Errorf("a later claim: %v", err)
		}
	})
}

func TestPool_FunctionMadeAnewGetsNoPodOfTheOldOne(t *testing.T) {
	executors(t, func(w *world, f *v1.Function) {
		t := w.t
		old := w.mustClaim(f)
		w.settle(time.Second)
		again := f.DeepCopy()
		again.UID = "uid-again"
		w.pool.SetFunction(again)
		w.pool.DeleteFunction(wire.FunctionID{Namespace: f.Namespace, Name: f.Name, UID: string(f.UID)})
		if fresh := w.mustClaim(again); fresh.UID == old.UID || w.look(fresh.UID).pod.Labels[wire.LabelFunctionUID] != "uid-again" {
			t.Errorf("the new function has pod %s", fresh.UID)
		}
		w.settle(time.Second)
		if n := len(w.live()); n != 1 {
			t.Errorf("%d pods are left", n)
		}
	})
}

func TestPool_AdoptsItsPodsAfterARestart(t *testing.T) {
	executors(t, func(w *world, f *v1.Function) {
		t := w.t
		other := functionOf("g", f.Executor())
		w.pool.SetFunction(other)
		kept, orphan := w.mustClaim(f), w.mustClaim(other)
		w.settle(time.Second)
		w.stop()
		clear(w.hot)
		w.start()
		w.change(kept.UID, func(*fakePod) {})
		w.change(orphan.UID, func(*fakePod) {})
		w.pool.SetEnvironment(environmentOf("image"))
		w.pool.SetFunction(f)
		w.settle(time.Second)
		if len(w.hot) != 0 {
			t.Error("pods were judged before all functions were known")
		}
		w.pool.Synced()
		w.settle(time.Second)
		if held := w.hot[kept.UID]; held.Function.UID != "uid-f" || held.Generation != 1 || w.look(kept.UID).deleted {
			t.Errorf("the pod was not taken over: %v", w.hot)
		}
		if p := w.look(orphan.UID); !p.drained || !p.deleted {
			t.Error("a pod without function is left")
		}
	})
}

func TestPool_ReplacesAPodWhoseContainerRestarted(t *testing.T) {
	executors(t, func(w *world, f *v1.Function) {
		t := w.t
		hot := w.mustClaim(f)
		w.settle(time.Second)
		w.change(hot.UID, func(p *fakePod) { p.pod.Status.ContainerStatuses[0].RestartCount = 1 })
		w.settle(time.Second)
		if p := w.look(hot.UID); !p.drained || !p.deleted || len(w.hot) != 0 {
			t.Errorf("drained %v, deleted %v, hot %v", p.drained, p.deleted, w.hot)
		}
	})
}

func TestPool_IgnoresPodsOfEnvironments(t *testing.T) {
	bubble(t, func(w *world) {
		pod := &corev1.Pod{}
		pod.UID, pod.Labels = "p", map[string]string{wire.LabelExecutorType: v1.ExecutorPool, wire.LabelState: "hot"}
		w.pool.SetPod(pod)
		w.pool.Synced()
		w.settle(time.Minute)
		if len(w.told) != 0 {
			t.Errorf("told %v", w.told)
		}
	})
}
