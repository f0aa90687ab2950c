package autoscaler

import (
	"testing"
	"time"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/wire"
)

// image is a function with pods of its own.
func image(minimum int) *v1.Function {
	return hello(func(f *v1.Function) {
		f.Spec.Environment.Name = ""
		f.Spec.InvokeStrategy.ExecutionStrategy = v1.ExecutionStrategy{ExecutorType: v1.ExecutorContainer, MinScale: minimum, MaxScale: 2}
		f.Spec.RequestsPerPod = 1
	})
}

func TestOwnPods_ComeAndGoByTheSameLaw(t *testing.T) {
	inWorld(t, func(w *world) {
		f := image(0)
		act := w.serving(f)
		w.cold(act, f)
		act.waits(f, 5)
		w.pass(time.Second)
		if _, hot, _ := w.pool.count(); hot != 2 {
			t.Errorf("%d pods are hot of at most 2", hot)
		}
		act.waits(f, 0)
		w.pass(10 * time.Minute)
		if _, hot, _ := w.pool.count(); hot != 0 {
			t.Errorf("%d pods are left without a request", hot)
		}
	})
}

func TestOwnPods_OfAMinimumAreThereBeforeTheFirstRequest(t *testing.T) {
	inWorld(t, func(w *world) {
		w.serving(image(1))
		w.pass(3 * time.Second)
		w.wantPool(1, 1, 0)
		w.pass(10 * time.Minute)
		w.wantPool(1, 1, 0)
	})
}

func TestOwnPods_WhatIsWrongWithThemIsSaidBeforeTheFirstRequest(t *testing.T) {
	inWorld(t, func(w *world) {
		f := image(0)
		act := w.serving(f)
		other := &wire.Failure{Reason: v1.ReasonPoolUnavailable, Message: "another pool's"}
		w.PoolChanged(f.EnvironmentKey(), 0, 0, other)
		wrong := &wire.Failure{Reason: v1.ReasonPoolUnavailable, Message: "podspec.containers is empty"}
		w.PoolChanged(f.OwnPool(), 0, 0, wrong)
		if s := w.statusOfFunction(f); s.Failure != wrong {
			t.Errorf("status %+v", s)
		}
		act.waits(f, 1)
		if p := act.last(); p.Failure != wrong {
			t.Errorf("placement %+v", p)
		}
	})
}
