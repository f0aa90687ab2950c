package autoscaler

import (
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/wire"
)

// cold starts f for one request and finishes it.
func (w *world) cold(act *fakeActivator, f *v1.Function) {
	w.t.Helper()
	w.coldFor(act, f, 1)
}

// coldFor is cold with as many requests at once.
func (w *world) coldFor(act *fakeActivator, f *v1.Function, requests int) {
	w.t.Helper()
	act.waits(f, requests)
	w.pass(25 * time.Millisecond)
	if len(act.last().Pods) == 0 {
		w.t.Fatalf("no pod after a cold start: %+v", act.last())
	}
	act.waits(f, 0)
}

func TestRunner_FromZeroToOneAndBackWithTheReasonInTheLog(t *testing.T) {
	inWorld(t, func(w *world) {
		f := hello()
		act := w.serving(f)
		w.cold(act, f)
		if p := act.last(); p.Limit != 1 || p.HoldMillis != 120_000 || p.RunMillis != 60_000 || p.Generation != 1 {
			t.Errorf("placement %+v", p)
		}
		w.reports.say("pod-001", .1, 0, 1)
		w.pass(119 * time.Second)
		w.wantPool(1, 1, 0)
		w.pass(3 * time.Second)
		w.wantPool(1, 0, 1)
		if s := w.statusOfFunction(f); s.Hot != 0 || s.Wanted != 0 {
			t.Errorf("status at zero %+v", s)
		}
		if log := strings.Join(w.log.lines, ""); !strings.Contains(log, `msg="function went to zero"`) ||
			!strings.Contains(log, "reason=IdleTimeout") || !strings.Contains(log, "idle_for=2m0") {
			t.Errorf("log says\n%s", log)
		}
		w.pass(2 * time.Minute)
		if _, active := w.count(); active != 0 {
			t.Error("an idle function is still looked at")
		}
	})
}

func TestRunner_ABurstClaimsAPodForEachAndNotOneMore(t *testing.T) {
	inWorld(t, func(w *world) {
		f := hello()
		act := w.serving(f)
		for n := 1; n <= 16; n++ {
			act.waits(f, n)
		}
		w.pass(25 * time.Millisecond)
		act.waits(f, 0)
		w.pass(time.Second)
		w.wantPool(16, 16, 0)
		if got := len(act.last().Pods); got != 16 {
			t.Errorf("placed %d pods", got)
		}
	})
}

func TestRunner_NeverBeyondTheMaximum(t *testing.T) {
	inWorld(t, func(w *world) {
		f := hello(func(f *v1.Function) { f.Spec.Concurrency = 3 })
		act := w.serving(f)
		act.waits(f, 50)
		w.pass(5 * time.Second)
		w.wantPool(3, 3, 0)
		if !act.last().AtMaximum {
			t.Errorf("placement does not say that the maximum is reached: %+v", act.last())
		}
	})
}

func TestRunner_ReportedLoadScalesUpAndDown(t *testing.T) {
	inWorld(t, func(w *world) {
		f := hello(func(f *v1.Function) { f.Spec.RequestsPerPod = 10 })
		act := w.serving(f)
		w.cold(act, f)
		for range 5 {
			w.reports.say("pod-001", 28, 28, 100)
			w.pass(time.Second)
		}
		w.wantPool(4, 4, 0) // 28 in flight over 10 * 0.7
		w.reports.say("pod-001", 1, 1, 100)
		w.pass(150 * time.Second)
		w.wantPool(4, 1, 3)
		if _, ok := w.pool.hot["pod-001"]; !ok {
			t.Error("the only busy pod was drained")
		}
	})
}

func TestRunner_APodThatSaysNothingIsNotIdle(t *testing.T) {
	inWorld(t, func(w *world) {
		f := hello(func(f *v1.Function) { idle := 10; f.Spec.IdleTimeout = &idle })
		act := w.serving(f)
		w.cold(act, f)
		w.reports.silence("pod-001")
		w.pass(10 * time.Minute)
		w.wantPool(1, 1, 0)
		w.reports.speak("pod-001")
		w.pass(20 * time.Second)
		w.wantPool(1, 0, 1)
	})
}

func TestRunner_AFailureAnswersWhatWaitsAndTheNextTriesAgain(t *testing.T) {
	inWorld(t, func(w *world) {
		f := hello()
		act := w.serving(f)
		w.pool.fail(&wire.Failure{Reason: v1.ReasonSpecializationFailed, Message: "SyntaxError"})
		act.waits(f, 1)
		w.pass(25 * time.Millisecond)
		if p := act.last(); p.Failure == nil || p.Failure.Message != "SyntaxError" {
			t.Fatalf("placement %+v", p)
		}
		before := act.count()
		act.waits(f, 1) // another came while the first was answered
		if act.count() != before+1 || act.last().Failure == nil {
			t.Error("a request in the pause was not answered at once")
		}
		w.wantPool(1, 0, 0)
		act.waits(f, 0)
		w.pass(time.Second)
		w.pool.fail(nil)
		w.cold(act, f)
	})
}

func TestRunner_ARecoveredPoolIsTriedAtOnce(t *testing.T) {
	inWorld(t, func(w *world) {
		f := hello()
		act := w.serving(f)
		w.PoolChanged("default/nodejs", 0, 0, &wire.Failure{Reason: v1.ReasonPoolUnavailable, Message: "image unknown"})
		w.pool.fail(&wire.Failure{Reason: v1.ReasonPoolUnavailable, Message: "image unknown"})
		act.waits(f, 1)
		if p := act.last(); p.Failure == nil || p.Failure.Message != "image unknown" {
			t.Errorf("placement %+v", p)
		}
		w.pass(100 * time.Millisecond)
		w.pool.fail(nil)
		w.PoolChanged("default/nodejs", 0, 1, nil)
		w.pass(30 * time.Millisecond)
		if p := act.last(); p.Failure != nil || len(p.Pods) != 1 {
			t.Errorf("placement after the recovery %+v", p)
		}
	})
}

func TestRunner_OneRequestPodsLeaveAfterTheirRequest(t *testing.T) {
	inWorld(t, func(w *world) {
		f := hello(func(f *v1.Function) { f.Spec.OnceOnly = true })
		act := w.serving(f)
		w.cold(act, f)
		w.reports.say("pod-001", 1, 1, 0)
		w.pass(time.Second)
		w.wantPool(1, 1, 0)
		w.reports.say("pod-001", .5, 0, 1)
		w.pass(time.Millisecond)
		if _, _, drained := w.pool.count(); drained != 1 {
			t.Error("a pod that had its request was not drained")
		}
		w.pass(5 * time.Minute)
		w.wantPool(1, 0, 1) // and no other was claimed for the load that it had
	})
}

func TestRunner_APodWithoutItsRuntimeIsReplacedAtOnce(t *testing.T) {
	inWorld(t, func(w *world) {
		f := hello(func(f *v1.Function) { f.Spec.InvokeStrategy.ExecutionStrategy.MinScale = 1 })
		act := w.serving(f)
		w.cold(act, f)
		w.pass(adopting)
		w.reports.lose("pod-001")
		w.pass(30 * time.Millisecond)
		w.wantPool(2, 1, 1)
		if p := act.last(); len(p.Pods) != 1 || p.Pods[0].UID != "pod-002" {
			t.Errorf("placement after the loss %+v", p)
		}
	})
}

func TestRunner_TotalsOutliveReconnectsAndPods(t *testing.T) {
	inWorld(t, func(w *world) {
		f := hello()
		act := w.serving(f)
		w.cold(act, f)
		w.reports.say("pod-001", .1, 0, 5)
		w.pass(time.Second)
		w.reports.silence("pod-001")
		w.reports.speak("pod-001")
		w.pass(5 * time.Second)
		w.reports.say("pod-001", .1, 0, 5)
		w.pass(time.Second)
		w.pool.Drain(t.Context(), "pod-001", 0) // somebody else drains it: its last requests still count
		w.reports.say("pod-001", .1, 0, 2)
		w.pass(time.Second)
		w.reports.silence("pod-001")
		w.pass(time.Second)
		w.cold(act, f)
		w.reports.say("pod-002", .1, 0, 1)
		w.pass(time.Second)
		want := `
# HELP hotpod_function_request_duration_seconds Time of finished requests inside the function.
# TYPE hotpod_function_request_duration_seconds histogram
hotpod_function_request_duration_seconds_bucket{function="hello",function_namespace="default",le="0.005"} 0
hotpod_function_request_duration_seconds_bucket{function="hello",function_namespace="default",le="0.01"} 0
hotpod_function_request_duration_seconds_bucket{function="hello",function_namespace="default",le="0.025"} 0
hotpod_function_request_duration_seconds_bucket{function="hello",function_namespace="default",le="0.05"} 13
hotpod_function_request_duration_seconds_bucket{function="hello",function_namespace="default",le="0.1"} 13
hotpod_function_request_duration_seconds_bucket{function="hello",function_namespace="default",le="0.25"} 13
hotpod_function_request_duration_seconds_bucket{function="hello",function_namespace="default",le="0.5"} 13
hotpod_function_request_duration_seconds_bucket{function="hello",function_namespace="default",le="1"} 13
hotpod_function_request_duration_seconds_bucket{function="hello",function_namespace="default",le="2.5"} 13
hotpod_function_request_duration_seconds_bucket{function="hello",function_namespace="default",le="5"} 13
hotpod_function_request_duration_seconds_bucket{function="hello",function_namespace="default",le="10"} 13
hotpod_function_request_duration_seconds_bucket{function="hello",function_namespace="default",le="30"} 13
hotpod_function_request_duration_seconds_bucket{function="hello",function_namespace="default",le="60"} 13
hotpod_function_request_duration_seconds_bucket{function="hello",function_namespace="default",le="+Inf"} 13
hotpod_function_request_duration_seconds_sum{function="hello",function_namespace="default"} 1.3
hotpod_function_request_duration_seconds_count{function="hello",function_namespace="default"} 13
`
		if err := testutil.GatherAndCompare(w.registry, strings.NewReader(want), "hotpod_function_request_duration_seconds"); err != nil {
			t.Error(err)
		}
	})
}

func TestRunner_AnActivatorThatHangsUpTakesItsDemandAlong(t *testing.T) {
	inWorld(t, func(w *world) {
		f := hello()
		w.SetFunction(f)
		w.begin()
		w.pool.start = time.Hour
		act, hangUp := w.activator()
		act.waits(f, 3)
		hangUp()
		w.pass(time.Second)
		if n := w.waitingFor(f); n != 0 {
			t.Errorf("%d requests wait in an activator that is gone", n)
		}
		w.pass(3 * time.Minute) // claims end with the function's hold time
		if _, active := w.count(); active != 0 {
			t.Error("the function is still active")
		}
	})
}
