package autoscaler

import (
	"testing"
	"time"

	v1 "hotpod.dev/api/v1"
)

func TestFromAPI_ReadsTheFunctionsFields(t *testing.T) {
	pointer := func(n int) *int { return &n }
	for name, c := range map[string]struct {
		change func(*v1.FunctionSpec)
		want   func(*Spec)
	}{
		"defaults": {func(*v1.FunctionSpec) {}, func(*Spec) {}},
		"limit leaves room": {
			func(f *v1.FunctionSpec) { f.RequestsPerPod = 10 }, func(s *Spec) { s.Limit, s.Target = 10, 7 },
		},
		"maximum": {func(f *v1.FunctionSpec) { f.Concurrency = 3 }, func(s *Spec) { s.Max = 3 }},
		"a negative maximum is none": {
			func(f *v1.FunctionSpec) { f.Concurrency = -3 }, func(*Spec) {},
		},
		"MaxScale is not for pools": {
			func(f *v1.FunctionSpec) { f.InvokeStrategy.ExecutionStrategy.MaxScale = 2 }, func(*Spec) {},
		},
		"MaxScale of newdeploy": {
			func(f *v1.FunctionSpec) {
				f.InvokeStrategy.ExecutionStrategy = v1.ExecutionStrategy{ExecutorType: v1.ExecutorNewDeploy, MaxScale: 2}
			}, func(s *Spec) { s.Max = 2 },
		},
		"minimum": {
			func(f *v1.FunctionSpec) { f.InvokeStrategy.ExecutionStrategy.MinScale = 2 }, func(s *Spec) { s.Min = 2 },
		},
		"provisioned above the minimum": {
			func(f *v1.FunctionSpec) {
				f.InvokeStrategy.ExecutionStrategy.MinScale = 2
				f.ProvisionedConcurrency = &v1.ProvisionedConcurrency{Target: 5}
			}, func(s *Spec) { s.Min = 5 },
		},
		"retained": {func(f *v1.FunctionSpec) { f.RetainPods = 1 }, func(s *Spec) { s.Retain = 1 }},
		"idle":     {func(f *v1.FunctionSpec) { f.IdleTimeout = pointer(30) }, func(s *Spec) { s.Idle = 30 * time.Second }},
		"idle at once is as soon as reports can say": {
			func(f *v1.FunctionSpec) { f.IdleTimeout = pointer(0) }, func(s *Spec) { s.Idle = minIdle },
		},
		"once": {
			func(f *v1.FunctionSpec) { f.OnceOnly, f.RequestsPerPod = true, 10 }, func(s *Spec) { s.Once = true },
		},
		"bounds": {
			func(f *v1.FunctionSpec) {
				f.FunctionTimeout = 10
				f.InvokeStrategy.ExecutionStrategy.SpecializationTimeout = 20
			}, func(s *Spec) { s.Run, s.Drain, s.Hold = 10*time.Second, 15*time.Second, 20*time.Second },
		},
		"streams drain as long as they may last": {
			func(f *v1.FunctionSpec) { f.Streaming = &v1.StreamingConfig{MaxDurationSeconds: 600} },
			func(s *Spec) { s.Drain = 605 * time.Second },
		},
		"streams without a bound get one": {
			func(f *v1.FunctionSpec) { f.Streaming = &v1.StreamingConfig{} },
			func(s *Spec) { s.Drain = streamDrain + drainSlack },
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := hello()
			c.change(&f.Spec)
			want := settings(1)
			want.Drain = 65 * time.Second
			c.want(&want)
			if got := FromAPI(f); got != want {
				t.Errorf("FromAPI =\n%+v, want\n%+v", got, want)
			}
		})
	}
}

func TestFromAPI_WithoutLimitAimsAsKnativeDoes(t *testing.T) {
	f := &v1.Function{}
	f.Annotations = map[string]string{v1.AnnotationContainerConcurrency: "0"}
	if s := FromAPI(f); s.Limit != 0 || s.Target != 70 {
		t.Errorf("limit %d, target %v, want 0 and 70", s.Limit, s.Target)
	}
}
