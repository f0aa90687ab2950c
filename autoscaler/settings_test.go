package autoscaler

import (
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/autoscaler/law"
)

// annotated returns a function with Knative's annotations, given as name, value, ….
func annotated(pairs ...string) *v1.Function {
	return hello(func(f *v1.Function) {
		f.Annotations = map[string]string{}
		for i := 0; i < len(pairs); i += 2 {
			f.Annotations[v1.ScalingPrefix+pairs[i]] = pairs[i+1]
		}
	})
}

func TestRunner_InitialScaleIsStartedOnceForAGeneration(t *testing.T) {
	inWorld(t, func(w *world) {
		f := annotated("initial-scale", "3")
		w.SetFunction(f)
		w.begin()
		w.pass(5 * time.Second)
		w.wantPool(3, 3, 0)
		if s := w.statusOfFunction(f); s.Begun != 1 {
			t.Errorf("status %+v", s)
		}
		w.pass(3 * time.Minute)
		w.wantPool(3, 0, 3)
		w.SetFunction(changed(f))
		w.pass(time.Second)
		w.wantPool(6, 3, 3)
	})
}

func TestRunner_InitialScaleOfAnEarlierLifeIsNotStartedAgain(t *testing.T) {
	inWorld(t, func(w *world) {
		f := annotated("initial-scale", "3")
		f.Status.Scale = &v1.FunctionScale{Begun: 1}
		w.SetFunction(f)
		w.begin()
		w.pass(time.Minute)
		w.wantPool(0, 0, 0)
	})
}

func TestRunner_ScheduleKeepsPodsInItsWindowsOnly(t *testing.T) {
	inWorld(t, func(w *world) { // time begins at midnight
		f := hello(func(f *v1.Function) {
			f.Spec.ProvisionedConcurrency = &v1.ProvisionedConcurrency{Target: 1, Windows: []v1.ProvisionedWindow{
				officeHours(),
				{Name: "night", Start: "0 22 * * *", Duration: metav1.Duration{Duration: time.Hour}, Target: 0},
			}}
		})
		w.SetFunction(f)
		w.begin()
		w.pass(5 * time.Second)
		w.wantPool(1, 1, 0)
		w.pass(8 * time.Hour)
		w.wantPool(5, 5, 0)
		if s := w.statusOfFunction(f); s.Reason != string(law.ReasonProvisioned) || s.Provisioned != 5 || s.Min != 5 {
			t.Errorf("status at eight o'clock %+v", s)
		}
		w.pass(10 * time.Hour)
		w.wantPool(5, 1, 4)
		w.pass(4*time.Hour + 10*time.Minute)
		w.wantPool(5, 0, 5)
		w.pass(time.Hour)
		w.wantPool(6, 1, 5)
	})
}

func TestRunner_ScalesByRequestsPerSecond(t *testing.T) {
	inWorld(t, func(w *world) {
		f := annotated("metric", "rps", "target", "100")
		f.Spec.RequestsPerPod = 50
		act := w.serving(f)
		w.cold(act, f)
		for range 10 { // 200 short requests a second: hardly any concurrency, but 200 / (100 * 0.7) pods
			w.reports.say("pod-001", .2, 0, 200)
			w.pass(time.Second)
		}
		w.wantPool(3, 3, 0)
		if s := w.statusOfFunction(f); s.Metric != v1.MetricRPS || s.Target != 70 || s.Stable < 150 || s.Stable > 200 {
			t.Errorf("status %+v", s)
		}
	})
}

func TestRunner_DefaultsChangeWithoutARestart(t *testing.T) {
	inWorld(t, func(w *world) {
		f := hello()
		w.SetFunction(f)
		w.begin()
		d := law.BuiltIn()
		d.MinScale, d.MaxScale = 2, 3
		w.SetDefaults(d)
		w.pass(5 * time.Second)
		w.wantPool(2, 2, 0)
		act, hangUp := w.activator()
		defer hangUp()
		act.waits(f, 9)
		w.pass(time.Second)
		act.waits(f, 0)
		w.wantPool(3, 3, 0)
		w.SetDefaults(law.BuiltIn())
		w.pass(3 * time.Minute)
		w.wantPool(3, 0, 3)
	})
}

func TestRunner_AnAnnotationTakesEffectWithoutANewGeneration(t *testing.T) {
	inWorld(t, func(w *world) {
		f := hello()
		w.SetFunction(f)
		w.begin()
		w.SetFunction(annotated("min-scale", "2"))
		w.pass(5 * time.Second)
		w.wantPool(2, 2, 0)
		if s := w.statusOfFunction(f); s.Min != 2 || s.Fault != "" {
			t.Errorf("status %+v", s)
		}
		w.SetFunction(annotated("min-scale", "two"))
		w.pass(time.Millisecond)
		if s := w.statusOfFunction(f); !strings.Contains(s.Fault, `min-scale is a whole number from 0, not "two"`) {
			t.Errorf("status %+v", s)
		}
	})
}

func TestRunner_StatusOfAFunctionAtZeroSaysWhy(t *testing.T) {
	inWorld(t, func(w *world) {
		f := hello()
		act := w.serving(f)
		w.cold(act, f)
		w.pass(10 * time.Minute)
		if _, active := w.count(); active != 0 {
			t.Fatal("the function is still active")
		}
		w.SetFunction(changed(f)) // publishes again
		s := w.statusOfFunction(f)
		if s.Reason != string(law.ReasonIdle) || s.ChangedMillis == 0 || s.Wanted != 0 || s.Hot != 0 {
			t.Errorf("status %+v", s)
		}
	})
}

func TestRunner_TellsTheLoadEveryFewSecondsOnly(t *testing.T) {
	inWorld(t, func(w *world) {
		f := hello(func(f *v1.Function) { f.Spec.RequestsPerPod = 100 })
		act := w.serving(f)
		w.cold(act, f)
		told, last := 0, w.statusOfFunction(f)
		for i := range 60 {
			w.reports.say("pod-001", float64(i%40), i%40, 10)
			w.pass(time.Second)
			if s := w.statusOfFunction(f); s != last {
				told, last = told+1, s
			}
		}
		if told < 5 || told > 20 {
			t.Errorf("told %d times in a minute", told)
		}
	})
}
