package controller

import (
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/wire"
)

func TestController_TellsOfAnEnvironmentsPool(t *testing.T) {
	w := newWorld(t)
	e := w.env("node", 3)
	used := time.Now().Truncate(time.Second)
	s := wire.PoolStatus{
		Environment: w.ns + "/node", UID: string(e.UID), Wanted: 5, Reason: "Claims", Warm: 2, Starting: 3, Busy: 7, Unschedulable: 1,
		Maximum: 100, Rate: .25, LeadMillis: 4123, LastUsedMillis: used.UnixMilli(),
	}
	w.pools.Publish(s.Environment, s)
	stamp := metav1.NewTime(used)
	want := v1.EnvironmentPool{
		Wanted: 5, Reason: "Claims", Warm: 2, Starting: 3, Busy: 7, Unschedulable: 1, Maximum: 100,
		ClaimsPerSecond: "0.25", LeadTime: "4.1s", LastUsed: &stamp,
	}
	pool := func() *v1.EnvironmentPool {
		e, err := w.user.Environments(w.ns).Get(t.Context(), "node", metav1.GetOptions{})
		w.check(err)
		return e.Status.Pool
	}
	w.eventually("the status tells of the pool", func() bool { p := pool(); return p != nil && p.Warm == 2 })
	got := pool()
	if !got.LastUsed.Equal(want.LastUsed) {
		t.Errorf("last used %v, want %v", got.LastUsed, want.LastUsed)
	}
	if got.LastUsed = want.LastUsed; *got != want {
		t.Errorf("pool is %+v, want %+v", *got, want)
	}
	begun := time.Now()
	s.Warm = 3
	w.pools.Publish(s.Environment, s)
	w.eventually("the change is written", func() bool { return pool().Warm == 3 })
	if took := time.Since(begun); took < scaleDelay/2 {
		t.Errorf("a second change was written after %s: claims would write all the time", took)
	}
}

func TestController_NamesAnEnvironmentsWrongAnnotations(t *testing.T) {
	e := &v1.Environment{Spec: v1.EnvironmentSpec{Version: 3, Poolsize: 3}}
	if c := poolSettings(e); len(c) != 0 {
		t.Errorf("an environment without annotations: %v", c)
	}
	e.Spec.AllowedFunctionsPerContainer = "infinite"
	if b := brief(poolSettings(e), v1.ConditionSettingsValid); b != "True/SettingsWithoutEffect" {
		t.Errorf("functions that shall share a pod: %s", b)
	}
	e.Annotations = map[string]string{v1.AnnotationMaxPods: "many", v1.AnnotationPoolIdleTimeout: "soon"}
	c := poolSettings(e)
	if b := brief(c, v1.ConditionSettingsValid); b != "False/InvalidSettings" {
		t.Fatalf("condition %s", b)
	}
	for _, part := range []string{`not "many"; `, `not "soon"`, "mend it"} {
		if !strings.Contains(c[0].Message, part) {
			t.Errorf("message %q lacks %q", c[0].Message, part)
		}
	}
}
