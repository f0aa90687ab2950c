package autoscaler

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/autoscaler/law"
)

func TestSpecOf_BoundsOfRequestsAndPods(t *testing.T) {
	for name, c := range map[string]struct {
		change           func(*v1.FunctionSpec)
		hold, run, drain time.Duration
		once             bool
	}{
		"defaults": {func(*v1.FunctionSpec) {}, 2 * time.Minute, time.Minute, 65 * time.Second, false},
		"once":     {func(f *v1.FunctionSpec) { f.OnceOnly = true }, 2 * time.Minute, time.Minute, 65 * time.Second, true},
		"its own": {
			func(f *v1.FunctionSpec) {
				f.FunctionTimeout = 10
				f.InvokeStrategy.ExecutionStrategy.SpecializationTimeout = 20
			}, 20 * time.Second, 10 * time.Second, 15 * time.Second, false,
		},
		"streams drain as long as they may last": {
			func(f *v1.FunctionSpec) { f.Streaming = &v1.StreamingConfig{MaxDurationSeconds: 600} },
			2 * time.Minute, time.Minute, 605 * time.Second, false,
		},
		"streams without a bound get one": {
			func(f *v1.FunctionSpec) { f.Streaming = &v1.StreamingConfig{} },
			2 * time.Minute, time.Minute, streamDrain + drainSlack, false,
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := hello()
			c.change(&f.Spec)
			s := specOf(f, law.BuiltIn())
			if s.hold != c.hold || s.run != c.run || s.drain != c.drain || s.once != c.once {
				t.Errorf("hold %s, run %s, drain %s, once %v; want %s, %s, %s, %v", s.hold, s.run, s.drain, s.once, c.hold, c.run, c.drain, c.once)
			}
		})
	}
}

func TestSpec_AsksTheScheduleAgainWhenTheClockWasSet(t *testing.T) {
	f := hello(func(f *v1.Function) {
		f.Spec.ProvisionedConcurrency = &v1.ProvisionedConcurrency{Target: 1, Windows: []v1.ProvisionedWindow{officeHours()}}
	})
	s := specOf(f, law.BuiltIn())
	day := time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		at   time.Duration
		want int
	}{{9 * time.Hour, 5}, {9*time.Hour + time.Second, 5}, {7 * time.Hour, 1}, {20 * time.Hour, 1}, {10 * time.Hour, 5}} {
		s.provision(day.Add(c.at))
		if s.Provisioned != c.want {
			t.Errorf("at %s: %d, want %d", c.at, s.Provisioned, c.want)
		}
	}
}

// officeHours wants five pods from 8 to 18 o'clock.
func officeHours() v1.ProvisionedWindow {
	return v1.ProvisionedWindow{Name: "office", Start: "0 8 * * *", Duration: metav1.Duration{Duration: 10 * time.Hour}, Target: 5}
}
