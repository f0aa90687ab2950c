package autoscaler

import (
	"testing"
	"time"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/wire"
)

func TestRunner_ARisingLoadIsDecidedBeforeTheTick(t *testing.T) {
	inWorld(t, func(w *world) {
		f := hello(func(f *v1.Function) {
			f.Spec.RequestsPerPod = 100
			f.Annotations = map[string]string{
				v1.ScalingPrefix + "min-scale": "1", v1.ScalingPrefix + "target": "4",
				v1.ScalingPrefix + "target-utilization-percentage": "100",
			}
		})
		w.SetFunction(f)
		w.begin()
		w.PodHot(wire.Held{Function: idOf(f), Generation: 1}, wire.HotPod{UID: "pod", Address: "127.1.1.9:8012"})
		for range 60 {
			w.reports.say("pod", 3, 3, 1)
			w.pass(time.Second)
		}
		w.reports.say("pod", 3.5, 4, 1) // less than what a pod takes: it waits for the tick
		w.pass(2 * gathering)
		if s := w.statusOfFunction(f); s.Wanted != 1 || s.Panic != 3 {
			t.Errorf("after a little more load: %+v", s)
		}
		w.pass(time.Second - 2*gathering)
		w.reports.say("pod", 40, 40, 1)
		w.pass(2 * gathering)
		if s := w.statusOfFunction(f); s.Wanted < 2 {
			t.Errorf("%s after ten times the load: %+v", 2*gathering, s)
		}
		if claims, _, _ := w.pool.count(); claims == 0 {
			t.Error("no pod is started for it")
		}
	})
}
