package pool

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"hotpod.dev/wire"
)

// ready makes the environment "node" with warm pods.
func (w *world) ready(size int) {
	w.t.Helper()
	w.pool.SetEnvironment(environmentOf("node", size))
	w.pool.Synced()
	w.settle(time.Second)
	w.warm("ns/node", size)
}

// claim claims a pod of "node" for the function, or fails the test.
func (w *world) claim(name string) wire.HotPod {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), time.Minute)
	defer cancel()
	pod, err := w.pool.Claim(ctx, functionOf(name, "node"))
	if err != nil {
		w.t.Fatalf("claim %s: %v", name, err)
	}
	return pod
}

func failure(t *testing.T, err error, reason, text string) {
	t.Helper()
	var f *wire.Failure
	if !errors.As(err, &f) || f.Reason != reason || !strings.Contains(f.Message, text) {
		t.Errorf("error = %v, want %s that says %q", err, reason, text)
	}
}

func TestPool_KeepsTheEnvironmentsNumberOfWarmPods(t *testing.T) {
	bubble(t, func(w *world) {
		t := w.t
		w.ready(3)
		if w.created != 3 {
			t.Errorf("%d pods were created for 3", w.created)
		}
		e := environmentOf("node", 5)
		w.pool.SetEnvironment(e)
		w.settle(time.Second)
		w.warm("ns/node", 5)
		w.settle(patience)
		w.pool.SetEnvironment(environmentOf("node", 1))
		w.settle(time.Second)
		w.warm("ns/node", 1)
		if n := len(w.live()[wire.StateWarm]); n != 1 {
			t.Errorf("%d pods are left", n)
		}
	})
}

func TestPool_DoesNothingBeforeSynced(t *testing.T) {
	bubble(t, func(w *world) {
		t := w.t
		w.pool.SetEnvironment(environmentOf("node", 3))
		w.settle(time.Minute)
		if w.created != 0 {
			t.Errorf("%d pods were created", w.created)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := w.pool.Claim(ctx, functionOf("f", "node")); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("claim = %v", err)
		}
	})
}

func TestClaim_MakesAWarmPodHotAndRefills(t *testing.T) {
	bubble(t, func(w *world) {
		t := w.t
		w.ready(2)
		begun := time.Now()
		pod := w.claim("hello")
		if took := time.Since(begun); took > 10*time.Millisecond {
			t.Errorf("the claim took %v: it waited for more than the pod's own 8 ms", took)
		}
		if pod.Address != w.look(pod.UID).pod.Status.PodIP+":8012" {
			t.Errorf("address = %s", pod.Address)
		}
		w.settle(time.Second)
		if held := w.hot[pod.UID]; held.Function.Name != "hello" || held.Generation != 1 {
			t.Errorf("the observer was told %+v", held)
		}
		labels := w.look(pod.UID).pod.Labels
		for k, v := range map[string]string{
			"hotpod.dev/state": "hot", "managed": "false", "functionName": "hello", "functionNamespace": "ns",
			"functionUid": "fn-hello", "fission.io/function-generation": "1", "fission.io/served": "true",
			"environmentName": "node", "executorType": "poolmgr",
		} {
			if labels[k] != v {
				t.Errorf("label %s = %q, want %q", k, labels[k], v)
			}
		}
		w.warm("ns/node", 2)
	})
}

func TestClaim_WaitsForAPodWhenThePoolIsEmptyAndManyAtOnceGetOneEach(t *testing.T) {
	bubble(t, func(w *world) {
		t := w.t
		w.ready(0)
		var wg sync.WaitGroup
		begun := time.Now()
		for i := range 20 {
			wg.Go(func() { w.claim(fmt.Sprint("f", i)) })
		}
		wg.Wait()
		if took := time.Since(begun); took > 400*time.Millisecond {
			t.Errorf("20 claims took %v; pods start in 300 ms", took)
		}
		w.settle(time.Second)
		if w.created != 20 || len(w.hot) != 20 {
			t.Errorf("%d pods were created, %d are hot", w.created, len(w.hot))
		}
	})
}

func TestClaim_IsBoundedByTheMaximumOfPods(t *testing.T) {
	bubble(t, func(w *world) {
		t := w.t
		w.ready(0)
		for i := range 40 {
			w.claim(fmt.Sprint("f", i))
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		_, err := w.pool.Claim(ctx, functionOf("late", "node"))
		failure(t, err, "PoolUnavailable", "maximum of 40 pods")
		if w.created != 40 {
			t.Errorf("%d pods were created", w.created)
		}
	})
}

func TestClaim_OfACancelledCallerLeavesNothingBehind(t *testing.T) {
	bubble(t, func(w *world) {
		t := w.t
		w.ready(0)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() {
			_, err := w.pool.Claim(ctx, functionOf("f", "node"))
			done <- err
		}()
		w.settle(100 * time.Millisecond)
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("claim = %v", err)
		}
		w.settle(time.Minute)
		if n := len(w.live()[wire.StateWarm]); n != 0 || len(w.hot) != 0 {
			t.Errorf("%d warm pods are left of a pool of size 0, %d hot", n, len(w.hot))
		}
	})
}

func TestClaim_GoesOnToHotWhenItsCallerLeavesDuringSpecialization(t *testing.T) {
	bubble(t, func(w *world) {
		t := w.t
		w.ready(1)
		ctx, cancel := context.WithTimeout(t.Context(), 4*time.Millisecond)
		defer cancel()
		if _, err := w.pool.Claim(ctx, functionOf("f", "node")); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("claim = %v", err)
		}
		w.settle(time.Second)
		if len(w.hot) != 1 {
			t.Errorf("%d pods are hot", len(w.hot))
		}
	})
}

func TestClaim_SaysWhatIsMissing(t *testing.T) {
	bubble(t, func(w *world) {
		t := w.t
		w.ready(1)
		_, err := w.pool.Claim(t.Context(), functionOf("f", "ruby"))
		failure(t, err, "EnvironmentNotFound", "ns/ruby does not exist")
		f := functionOf("f", "node")
		f.Spec.InvokeStrategy.ExecutionStrategy.ExecutorType = "container"
		_, err = w.pool.Claim(t.Context(), f)
		failure(t, err, "ExecutorUnsupported", "container")
		f = functionOf("f", "node")
		f.Spec.Package.PackageRef.Name = ""
		_, err = w.pool.Claim(t.Context(), f)
		failure(t, err, "PackageNotFound", "names no package")
		w.code = func(string) (wire.Code, error) {
			return wire.Code{}, &wire.Failure{Reason: "PackageBuildFailed", Message: "npm"}
		}
		_, err = w.pool.Claim(t.Context(), functionOf("f", "node"))
		failure(t, err, "PackageBuildFailed", "npm")
		if w.created != 1 {
			t.Errorf("claims that could not succeed cost %d pods", w.created-1)
		}
	})
}

func TestClaim_OfBrokenCodeIsAnsweredFromMemoryForAWhile(t *testing.T) {
	bubble(t, func(w *world) {
		t := w.t
		w.ready(2)
		w.load = func(*fakePod, *wire.SpecializeRequest) error {
			return &LoadError{wire.Failure{Reason: "SpecializationFailed", Message: "SyntaxError: line 3"}, true}
		}
		tries := func(d time.Duration) int {
			before := w.created
			for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
				_, err := w.pool.Claim(t.Context(), functionOf("bad", "node"))
				failure(t, err, "SpecializationFailed", "SyntaxError: line 3")
			}
			w.settle(time.Second)
			return w.created - before
		}
		if n := tries(time.Minute); n < 4 || n > 7 {
			t.Errorf("a minute of requests cost %d pods; delays of 1, 2, 4, 8, 16, 30 s make it 6", n)
		}
		w.load = nil
		f := functionOf("bad", "node")
		f.Generation = 2
		if _, err := w.pool.Claim(t.Context(), f); err != nil {
			t.Errorf("the corrected function is still refused: %v", err)
		}
		w.settle(time.Second)
		w.warm("ns/node", 2)
	})
}

func TestClaim_BrokenCodeFailsTheFunctionsWaitingClaimsAndNoOthers(t *testing.T) {
	bubble(t, func(w *world) {
		t := w.t
		w.ready(1)
		w.load = func(_ *fakePod, r *wire.SpecializeRequest) error {
			if r.Function.Name == "bad" {
				return &LoadError{wire.Failure{Reason: "SpecializationFailed", Message: "no"}, true}
			}
			return nil
		}
		var wg sync.WaitGroup
		for range 10 {
			wg.Go(func() {
				_, err := w.pool.Claim(t.Context(), functionOf("bad", "node"))
				failure(t, err, "SpecializationFailed", "no")
			})
		}
		synctest.Wait() // one has the pod, the others wait
		wg.Go(func() { w.claim("good") })
		wg.Wait()
		spent := 0
		for _, p := range w.pods {
			spent += p.calls
		}
		if spent > 2 {
			t.Errorf("%d pods were spent on one broken and one good function", spent)
		}
	})
}

func TestClaim_TakesAnotherPodWhenOneDied(t *testing.T) {
	bubble(t, func(w *world) {
		t := w.t
		w.ready(3)
		dead := 0
		w.load = func(*fakePod, *wire.SpecializeRequest) error {
			if dead++; dead <= 2 {
				return errors.New("connection reset")
			}
			return nil
		}
		w.claim("f")
		w.settle(time.Second)
		if len(w.hot) != 1 {
			t.Errorf("%d pods are hot", len(w.hot))
		}
		w.warm("ns/node", 3)
		w.load = func(*fakePod, *wire.SpecializeRequest) error { return errors.New("connection reset") }
		_, err := w.pool.Claim(t.Context(), functionOf("g", "node"))
		failure(t, err, "PoolUnavailable", "connection reset")
		before := w.created
		_, err = w.pool.Claim(t.Context(), functionOf("g", "node"))
		failure(t, err, "PoolUnavailable", "connection reset")
		w.settle(time.Second)
		if w.created-before > 3 {
			t.Errorf("the second claim cost pods at once")
		}
	})
}

func TestClaim_PodThatHoldsAnotherFunctionBecomesThatFunctions(t *testing.T) {
	bubble(t, func(w *world) {
		t := w.t
		w.ready(2)
		w.pool.SetFunction(functionOf("other", "node"))
		other := wire.Held{Function: functionID(functionOf("other", "node")), Generation: 1}
		first := w.live()[wire.StateWarm][0]
		uid := string(first.pod.UID)
		w.edit(uid, func(p *fakePod) { p.held, p.assigned = &other, &other })
		mine := w.claim("mine")
		w.settle(time.Second)
		if w.hot[mine.UID].Function.Name != "mine" || w.hot[uid] != other {
			t.Errorf("hot pods: %v", w.hot)
		}
	})
}

func TestClaim_PodOfTwoMindsIsDeleted(t *testing.T) {
	bubble(t, func(w *world) {
		t := w.t
		w.ready(2)
		w.pool.SetFunction(functionOf("other", "node"))
		other := wire.Held{Function: functionID(functionOf("other", "node")), Generation: 1}
		uid := string(w.live()[wire.StateWarm][0].pod.UID)
		w.edit(uid, func(p *fakePod) { p.held = &other }) // its queue-proxy will be told of mine
		w.claim("mine")
		w.settle(time.Second)
		if !w.look(uid).deleted || len(w.hot) != 1 {
			t.Errorf("deleted %v, hot pods: %v", w.look(uid).deleted, w.hot)
		}
	})
}

func TestClaims_OfManyFunctionsTakeTurns(t *testing.T) {
	bubble(t, func(w *world) {
		t := w.t
		w.ready(0)
		w.createErr = errors.New("later")
		var mu sync.Mutex
		var order []string
		var wg sync.WaitGroup
		for _, name := range []string{"a", "a", "a", "b", "c"} {
			wg.Go(func() {
				w.claim(name)
				mu.Lock()
				order = append(order, name)
				mu.Unlock()
			})
			synctest.Wait()
		}
		// One pod at a time, so that the order shows.
		ready := time.Now()
		w.mu.Lock()
		w.createErr, w.prepare = nil, func(p *fakePod) {
			ready = ready.Add(2 * time.Second)
			p.readyAt = ready
		}
		w.mu.Unlock()
		wg.Wait()
		if got := strings.Join(order, ""); got != "abcaa" {
			t.Errorf("pods went to %s, want abcaa", got)
		}
	})
}

func TestDrain_LetsThePodFinishThenDeletesIt(t *testing.T) {
	bubble(t, func(w *world) {
		t := w.t
		w.ready(1)
		pod := w.claim("f")
		w.settle(time.Second)
		w.edit(pod.UID, func(p *fakePod) { p.inFlight = 1 })
		done := make(chan error, 1)
		go func() { done <- w.pool.Drain(t.Context(), pod.UID, 10*time.Second) }()
		w.settle(5 * time.Second)
		p := w.look(pod.UID)
		if p.pod.Labels[wire.LabelState] != "draining" || p.deleted || len(w.hot) != 0 {
			t.Errorf("while it drains: label %s, deleted %v, hot %v", p.pod.Labels[wire.LabelState], p.deleted, w.hot)
		}
		err := <-done
		if p = w.look(pod.UID); err != nil || !p.deleted {
			t.Errorf("drain = %v, deleted %v", err, p.deleted)
		}
		if err := w.pool.Drain(t.Context(), pod.UID, time.Second); err != nil || p.drains != 1 {
			t.Errorf("a second drain = %v, the pod was asked %d times", err, p.drains)
		}
	})
}

func TestDrain_GoesOnWhenItsCallerLeaves(t *testing.T) {
	bubble(t, func(w *world) {
		t := w.t
		w.ready(1)
		pod := w.claim("f")
		w.edit(pod.UID, func(p *fakePod) { p.inFlight = 1 })
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := w.pool.Drain(ctx, pod.UID, 10*time.Second); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("drain = %v", err)
		}
		w.settle(15 * time.Second)
		if !w.look(pod.UID).deleted {
			t.Error("the pod is still there")
		}
	})
}

func TestDeleteFunction_DrainsItsPodsAlsoThoseThatBecomeHotLater(t *testing.T) {
	bubble(t, func(w *world) {
		t := w.t
		w.ready(3)
		f := functionOf("f", "node")
		w.pool.SetFunction(f)
		first := w.claim("f")
		done := make(chan wire.HotPod)
		go func() { done <- w.claim("f") }()
		w.settle(4 * time.Millisecond) // the second one is being specialized
		w.pool.DeleteFunction(functionID(f))
		second := <-done
		keep := w.claim("other")
		w.settle(10 * time.Second)
		for _, uid := range []string{first.UID, second.UID} {
			if p := w.look(uid); !p.deleted || p.drains != 1 {
				t.Errorf("%s: deleted %v, drained %d times", uid, p.deleted, p.drains)
			}
		}
		if w.look(keep.UID).deleted {
			t.Error("another function's pod was deleted")
		}
	})
}
