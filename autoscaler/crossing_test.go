package autoscaler

import (
	"testing"
	"time"

	v1 "hotpod.dev/api/v1"
)

// A demand that was sent before its activator heard of a new pod does not count the pod's places.
func TestRunner_DemandThatCrossedAPlacementAsksForNoMore(t *testing.T) {
	inWorld(t, func(w *world) {
		f := hello(func(f *v1.Function) { f.Spec.RequestsPerPod = 4 })
		act := w.serving(f)
		act.waits(f, 2)
		before := act.last().Seq
		w.pass(25 * time.Millisecond)
		if len(act.last().Pods) != 1 || act.last().Seq <= before {
			t.Fatalf("placement %+v", act.last())
		}
		w.pass(time.Second) // however long it was on its way
		act.waitsSince(f, 4, before)
		w.wantPool(1, 1, 0)
		act.waits(f, 0)
		w.pass(time.Second)
		w.wantPool(1, 1, 0)
	})
}

// A demand that was counted with the new pod is more than it can take.
func TestRunner_DemandThatKnowsThePlacementAsksForAnotherPod(t *testing.T) {
	inWorld(t, func(w *world) {
		f := hello(func(f *v1.Function) { f.Spec.RequestsPerPod = 4 })
		act := w.serving(f)
		act.waits(f, 2)
		w.pass(25 * time.Millisecond)
		act.waits(f, 3)
		w.pass(200 * time.Millisecond)
		w.wantPool(2, 2, 0)
	})
}

// What one activator has seen counts for the pod: it took the places before it said that more wait.
func TestRunner_APodThatOneActivatorFilledIsNotFreshForAnother(t *testing.T) {
	inWorld(t, func(w *world) {
		f := hello(func(f *v1.Function) { f.Spec.RequestsPerPod = 4 })
		w.SetFunction(f)
		w.begin()
		one, hangUpOne := w.activator()
		defer hangUpOne()
		two, hangUpTwo := w.activator()
		defer hangUpTwo()
		one.waits(f, 2)
		w.pass(25 * time.Millisecond)
		w.wantPool(1, 1, 0)
		two.waitsSince(f, 2, 0) // there is room for them
		w.wantPool(1, 1, 0)
		one.waits(f, 1) // the room is taken
		w.pass(200 * time.Millisecond)
		w.wantPool(2, 2, 0)
	})
}

// An activator that never says that it uses a pod holds nothing up.
func TestRunner_AnActivatorThatIsStuckDoesNotKeepPodsFreshForEver(t *testing.T) {
	inWorld(t, func(w *world) {
		f := hello()
		act := w.serving(f)
		act.waitsSince(f, 1, 0)
		w.pass(25 * time.Millisecond)
		w.wantPool(1, 1, 0)
		act.waitsSince(f, 1, 0)
		w.pass(time.Second)
		w.wantPool(1, 1, 0)
		w.pass(2 * time.Second)
		if claims, _, _ := w.pool.count(); claims < 2 {
			t.Error("what waits for seconds got no other pod")
		}
	})
}
