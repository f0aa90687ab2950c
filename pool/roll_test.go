package pool

import (
	"fmt"
	"slices"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/wire"
)

func changed(e *v1.Environment, image string) *v1.Environment {
	e.Spec.Runtime.Image = image
	return e
}

// told returns how many pods were said to be outdated.
func (w *world) told() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.outdated)
}

func TestEnvironmentChange_FormerPodsServeUntilANewOneIsWarm(t *testing.T) {
	bubble(t, func(w *world) {
		t := w.t
		w.ready(2)
		hot := w.claim("a")
		w.settle(5 * time.Second)
		w.mu.Lock()
		w.starts = 10 * time.Second
		w.mu.Unlock()
		w.pool.SetEnvironment(changed(environmentOf("node", 2), "image:2"))
		w.settle(time.Second)
		begun := time.Now()
		between := w.claim("b")
		if took := time.Since(begun); took > 100*time.Millisecond {
			t.Errorf("a claim during the change took %s", took)
		}
		if n := w.told(); n != 0 {
			t.Errorf("%d hot pods were given up before any new pod started", n)
		}
		w.settle(20 * time.Second)
		if !slices.Contains(w.outdated, hot.UID) || !slices.Contains(w.outdated, between.UID) || w.told() != 2 {
			t.Errorf("outdated are %v, want %s and %s", w.outdated, hot.UID, between.UID)
		}
		for _, p := range w.live()[wire.StateWarm] {
			if image := p.pod.Spec.Containers[0].Image; image != "image:2" {
				t.Errorf("a warm pod of %s is left", image)
			}
		}
		w.warm("ns/node", 2)
		if w.look(hot.UID).deleted {
			t.Error("a hot pod was deleted by the pool; its function may have no other")
		}
	})
}

func TestEnvironmentChange_ToAnImageThatDoesNotStartLeavesWhatRuns(t *testing.T) {
	bubble(t, func(w *world) {
		t := w.t
		w.ready(2)
		w.claim("a")
		w.settle(5 * time.Second)
		w.mu.Lock()
		w.prepare = cannotPull
		w.mu.Unlock()
		w.pool.SetEnvironment(changed(environmentOf("node", 2), "nobody:knows"))
		w.settle(10 * time.Minute)
		if f := w.status().Failure; f == nil {
			t.Error("nobody is told that the new image cannot be pulled")
		}
		w.claim("b") // from the pods of before
		w.claim("c")
		_, err := w.pool.Claim(t.Context(), functionOf("d", "node"))
		failure(t, err, "PoolUnavailable", "no such image")
		if n := w.told(); n != 0 {
			t.Errorf("%d hot pods were given up for an image that cannot be pulled", n)
		}
		w.mu.Lock()
		w.prepare = nil
		w.mu.Unlock()
		w.pool.SetEnvironment(environmentOf("node", 2)) // back: nothing is outdated
		w.settle(time.Minute)
		w.warm("ns/node", 2)
		if n := w.told(); n != 0 {
			t.Errorf("%d hot pods are outdated after the change was taken back", n)
		}
	})
}

func TestEnvironmentChange_RollsSomeFunctionsAtATimeEachAsAWhole(t *testing.T) {
	bubble(t, func(w *world) {
		t := w.t
		w.ready(1)
		for i := range 15 {
			w.claim(fmt.Sprint("f", i%12))
		}
		w.settle(5 * time.Second)
		w.mu.Lock()
		w.starts = 300 * time.Millisecond
		w.mu.Unlock()
		w.pool.SetEnvironment(changed(environmentOf("node", 1), "image:2"))
		w.settle(500 * time.Millisecond)
		functions := map[string]int{}
		w.mu.Lock()
		for _, uid := range w.outdated {
			functions[w.hot[uid].Function.Name]++
		}
		w.mu.Unlock()
		if len(functions) != rollAtOnce {
			t.Errorf("%d functions are rolled at a time, want %d", len(functions), rollAtOnce)
		}
		for name, n := range functions {
			if name <= "f2" && name != "f10" && name != "f11" && n != 2 {
				t.Errorf("%d of 2 pods of %s are rolled", n, name)
			}
		}
		w.settle(3 * time.Second)
		if n := w.told(); n != 15 {
			t.Errorf("%d of 15 pods were rolled", n)
		}
	})
}

// A pod that becomes warm and then ends, again and again, costs ever fewer pods.
func TestBrokenEnvironment_OneWhoseRuntimeEndsSoonAfterItsStartBacksOff(t *testing.T) {
	bubble(t, func(w *world) {
		t := w.t
		w.prepare = func(p *fakePod) {
			uid := string(p.pod.UID)
			time.AfterFunc(2*time.Second, func() {
				w.change(uid, func(p *fakePod) {
					p.pod.Status.ContainerStatuses = []corev1.ContainerStatus{{Name: "node", State: corev1.ContainerState{
						Terminated: &corev1.ContainerStateTerminated{ExitCode: 3, Message: "starting\nout of memory\n"},
					}}}
				})
			})
		}
		w.pool.SetEnvironment(environmentOf("node", 1))
		w.pool.Synced()
		w.settle(10 * time.Minute)
		if n := w.made(); n > 12 {
			t.Errorf("%d pods were made in ten minutes; delays that double from 1 s to 5 min allow 10", n)
		}
		if f := w.status().Failure; f == nil || f.Message != "no pod of environment ns/node can start: container node ended soon after its start, with exit code 3 (out of memory)" {
			t.Errorf("failure is %v", f)
		}
		w.mu.Lock()
		w.prepare = nil
		w.mu.Unlock()
		w.settle(10 * time.Minute)
		w.warm("ns/node", 1)
		created := w.made()
		w.change(string(w.live()[wire.StateWarm][0].pod.UID), func(p *fakePod) {
			p.pod.Status.ContainerStatuses = []corev1.ContainerStatus{{Name: "node", RestartCount: 1}}
		})
		w.settle(time.Second)
		if n := w.made() - created; n != 1 {
			t.Errorf("%d pods replace one that ran well for minutes", n)
		}
		if f := w.status().Failure; f != nil {
			t.Errorf("the environment is broken because of one pod: %v", f)
		}
	})
}
