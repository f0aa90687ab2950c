package autoscaler

import (
	"testing"
	"testing/synctest"
	"time"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/wire"
)

// announces says that a request of f is on its way.
func (f *fakeActivator) announces(fn *v1.Function) {
	f.up <- wire.Demand{Function: idOf(fn), Ahead: true}
	synctest.Wait()
}

// announced makes f known and lets xds connect beside an activator.
func (w *world) announced(f *v1.Function) (xds, act *fakeActivator) {
	act = w.serving(f)
	xds, hangUp := w.activator()
	w.hangUps = append(w.hangUps, hangUp)
	return xds, act
}

// The request that was announced and the one that waits are the same.
func TestRunner_AnAnnouncedRequestGetsOnePod(t *testing.T) {
	for name, later := range map[string]time.Duration{"before the pod is hot": time.Millisecond, "after it": 25 * time.Millisecond} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				f := hello()
				xds, act := w.announced(f)
				xds.announces(f)
				xds.announces(f) // another Envoy has a request too, or the same again
				w.wantPool(1, 0, 0)
				w.pass(later)
				act.waits(f, 1)
				w.pass(25 * time.Millisecond)
				w.wantPool(1, 1, 0)
				if len(act.last().Pods) != 1 {
					t.Errorf("placement %+v", act.last())
				}
				act.waits(f, 0)
				w.pass(3 * time.Second)
				w.wantPool(1, 1, 0)
				if got := xds.last(); got.Seq != 0 {
					t.Errorf("xds was told %+v, it did not ask", got)
				}
			})
		})
	}
}

func TestRunner_AnAnnouncedRequestThatNeverComesCostsAnIdlePod(t *testing.T) {
	inWorld(t, func(w *world) {
		f := hello()
		xds, _ := w.announced(f)
		xds.announces(f)
		w.pass(5 * time.Second)
		w.wantPool(1, 1, 0)
		w.pass(5 * time.Minute)
		w.wantPool(1, 0, 1)
		if known, active := w.count(); known != 1 || active != 0 {
			t.Errorf("%d functions known, %d active", known, active)
		}
	})
}

func TestRunner_AnnouncedRequestsOfFunctionsThatCannotBeCalledAreForgotten(t *testing.T) {
	inWorld(t, func(w *world) {
		xds, _ := w.announced(hello())
		unknown := hello(func(f *v1.Function) { f.Name, f.UID = "other", "uid-other" })
		xds.announces(unknown)
		w.wantPool(0, 0, 0)
		if known, _ := w.count(); known != 1 {
			t.Errorf("%d functions known", known)
		}
	})
}

func TestRunner_NoPodIsClaimedForAnAnnouncedRequestWhereOneIs(t *testing.T) {
	inWorld(t, func(w *world) {
		f := hello()
		xds, act := w.announced(f)
		act.waits(f, 1)
		w.pass(25 * time.Millisecond)
		act.waits(f, 0)
		xds.announces(f) // it had not heard of the pod
		w.pass(3 * time.Second)
		w.wantPool(1, 1, 0)
	})
}
