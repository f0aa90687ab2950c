package law

import (
	"strings"
	"testing"
	"time"

	v1 "hotpod.dev/api/v1"
)

// case of a function's settings: what it says, what the platform says, and what differs from the defaults then.
type settled struct {
	annotations map[string]string // without their prefix
	fields      func(*v1.FunctionSpec)
	platform    func(*Defaults)
	want        func(*Spec)
	fault       string // part of it
	unused      string // part of it
}

func (c settled) check(t *testing.T) {
	t.Helper()
	f, d := function(), BuiltIn()
	f.Annotations = map[string]string{}
	for name, value := range c.annotations {
		f.Annotations[v1.ScalingPrefix+name] = value
	}
	if c.fields != nil {
		c.fields(&f.Spec)
	}
	if c.platform != nil {
		c.platform(&d)
	}
	want := Settle(function(), BuiltIn()).Spec
	if c.want != nil {
		c.want(&want)
	}
	got := Settle(f, d)
	if got.Spec != want {
		t.Errorf("Settle =\n%+v, want\n%+v", got.Spec, want)
	}
	if (c.fault == "") != (got.Fault == "") || !strings.Contains(got.Fault, c.fault) {
		t.Errorf("fault %q, want %q in it", got.Fault, c.fault)
	}
	if (c.unused == "") != (got.Unused == "") || !strings.Contains(got.Unused, c.unused) {
		t.Errorf("unused %q, want %q in it", got.Unused, c.unused)
	}
}

func TestSettle_Defaults(t *testing.T) {
	want := Spec{
		Max: 500, Limit: 1, Metric: Concurrency, Target: 1, Aggregation: Linear,
		StableWindow: time.Minute, PanicWindow: 6 * time.Second, PanicThreshold: 2, MaxUpRate: 1000, MaxDownRate: 2, Idle: 2 * time.Minute,
	}
	if s := Settle(function(), BuiltIn()); s != (Settings{Spec: want}) {
		t.Errorf("Settle = %+v, want %+v", s, want)
	}
}

func executor(kind string) func(*v1.FunctionSpec) {
	return func(f *v1.FunctionSpec) {
		f.InvokeStrategy.ExecutionStrategy = v1.ExecutionStrategy{ExecutorType: kind, MaxScale: 2}
	}
}

func perPod(n int) func(*v1.FunctionSpec) { return func(f *v1.FunctionSpec) { f.RequestsPerPod = n } }

func minutes(n int) *int { s := 60 * n; return &s }

func TestSettle_FissionsFields(t *testing.T) {
	for name, c := range map[string]settled{
		"requestsPerPod leaves room":     {fields: perPod(10), want: func(s *Spec) { s.Limit, s.Target = 10, 7 }},
		"concurrency is a maximum":       {fields: func(f *v1.FunctionSpec) { f.Concurrency = 3 }, want: func(s *Spec) { s.Max = 3 }},
		"a negative concurrency is none": {fields: func(f *v1.FunctionSpec) { f.Concurrency = -3 }},
		"MaxScale of newdeploy":          {fields: executor(v1.ExecutorNewDeploy), want: func(s *Spec) { s.Max, s.Limit, s.Target = 2, 0, 70 }},
		"idletimeout of a container": {
			fields: executor(v1.ExecutorContainer), want: func(s *Spec) { s.Max, s.Limit, s.Target, s.Idle = 2, 0, 70, time.Minute },
		},
		"requestsPerPod of newdeploy": {
			fields: func(f *v1.FunctionSpec) { executor(v1.ExecutorNewDeploy)(f); f.RequestsPerPod = 10 }, want: func(s *Spec) { s.Max, s.Limit, s.Target = 2, 10, 7 },
		},
		"MaxScale of poolmgr": {fields: executor(v1.ExecutorPool), want: func(s *Spec) { s.Max = 2 }},
		"the lesser of MaxScale and concurrency": {
			fields: func(f *v1.FunctionSpec) { executor(v1.ExecutorPool)(f); f.Concurrency = 1 }, want: func(s *Spec) { s.Max = 1 },
		},
		"concurrency is not for newdeploy": {
			fields: func(f *v1.FunctionSpec) { executor(v1.ExecutorNewDeploy)(f); f.Concurrency = 1 }, want: func(s *Spec) { s.Max, s.Limit, s.Target = 2, 0, 70 },
		},
		"MaxScale that old clients wrote for poolmgr": {
			fields: func(f *v1.FunctionSpec) {
				f.InvokeStrategy.ExecutionStrategy = v1.ExecutionStrategy{ExecutorType: v1.ExecutorPool, MaxScale: 1, TargetCPUPercent: 80}
			}, unused: "MaxScale beside TargetCPUPercent",
		},
		"MinScale": {
			fields: func(f *v1.FunctionSpec) { f.InvokeStrategy.ExecutionStrategy.MinScale = 2 }, want: func(s *Spec) { s.Min = 2 },
		},
		"retainPods":  {fields: func(f *v1.FunctionSpec) { f.RetainPods = 1 }, want: func(s *Spec) { s.Retain = 1 }},
		"idletimeout": {fields: func(f *v1.FunctionSpec) { f.IdleTimeout = minutes(5) }, want: func(s *Spec) { s.Idle = 5 * time.Minute }},
		"idletimeout 0 is as soon as reports can say": {
			fields: func(f *v1.FunctionSpec) { f.IdleTimeout = minutes(0) }, want: func(s *Spec) { s.Idle = minIdle },
		},
		"onceOnly is one request a pod": {
			fields: func(f *v1.FunctionSpec) { f.OnceOnly = true; f.RequestsPerPod = 10 }, want: func(s *Spec) { s.Once = true },
		},
	} {
		t.Run(name, c.check)
	}
}

func TestSettle_Annotations(t *testing.T) {
	for name, c := range map[string]settled{
		"min-scale":        {annotations: map[string]string{"min-scale": "2"}, want: func(s *Spec) { s.Min = 2 }},
		"minScale":         {annotations: map[string]string{"minScale": "2"}, want: func(s *Spec) { s.Min = 2 }},
		"max-scale":        {annotations: map[string]string{"max-scale": "7"}, want: func(s *Spec) { s.Max = 7 }},
		"maxScale":         {annotations: map[string]string{"maxScale": "700"}, want: func(s *Spec) { s.Max = 700 }},
		"initial-scale":    {annotations: map[string]string{"initial-scale": "3"}, want: func(s *Spec) { s.Initial = 3 }},
		"activation-scale": {annotations: map[string]string{"activation-scale": "3"}, want: func(s *Spec) { s.Activation = 3 }},
		"target":           {annotations: map[string]string{"target": "20"}, fields: perPod(50), want: func(s *Spec) { s.Limit, s.Target = 50, 14 }},
		"a target beyond the limit": {
			annotations: map[string]string{"target": "80"}, fields: perPod(50), want: func(s *Spec) { s.Limit, s.Target = 50, 35 },
		},
		"a target for pods that take one request": {annotations: map[string]string{"target": "1"}, want: func(s *Spec) { s.Target = .7 }},
		"target-utilization-percentage": {
			annotations: map[string]string{"target-utilization-percentage": "90"}, fields: perPod(50), want: func(s *Spec) { s.Limit, s.Target = 50, 45 },
		},
		"utilization of pods that take one request": {
			annotations: map[string]string{"targetUtilizationPercentage": "50"}, want: func(s *Spec) { s.Target = .5 },
		},
		"the least target": {
			annotations: map[string]string{"target": "0.01"}, want: func(s *Spec) { s.Target = .01 },
		},
		"metric rps": {annotations: map[string]string{"metric": "rps"}, want: func(s *Spec) { s.Metric, s.Target = RPS, 140 }},
		"metric rps with a target beyond the limit": {
			annotations: map[string]string{"metric": "rps", "target": "100"}, want: func(s *Spec) { s.Metric, s.Target = RPS, 70 },
		},
		"window": {
			annotations: map[string]string{"window": "30s"},
			want:        func(s *Spec) { s.StableWindow, s.PanicWindow, s.Idle = 30*time.Second, 3*time.Second, 30*time.Second },
		},
		"window beside idletimeout": {
			annotations: map[string]string{"window": "30s"}, fields: func(f *v1.FunctionSpec) { f.IdleTimeout = minutes(1) },
			want: func(s *Spec) { s.StableWindow, s.PanicWindow, s.Idle = 30*time.Second, 3*time.Second, time.Minute },
		},
		"panic-window-percentage rounds to seconds": {
			annotations: map[string]string{"panic-window-percentage": "12.5"}, want: func(s *Spec) { s.PanicWindow = 8 * time.Second }, // of 7.5
		},
		"the panic window is a second at least": {
			annotations: map[string]string{"window": "6s", "panicWindowPercentage": "1"},
			want:        func(s *Spec) { s.StableWindow, s.PanicWindow, s.Idle = 6*time.Second, time.Second, 6*time.Second },
		},
		"panic-threshold-percentage": {
			annotations: map[string]string{"panic-threshold-percentage": "150"}, want: func(s *Spec) { s.PanicThreshold = 1.5 },
		},
		"scale-down-delay": {
			annotations: map[string]string{"scale-down-delay": "5m"}, want: func(s *Spec) { s.ScaleDownDelay = 5 * time.Minute },
		},
		"scale-to-zero-pod-retention-period": {
			annotations: map[string]string{"scale-to-zero-pod-retention-period": "90s"}, want: func(s *Spec) { s.LastPod = 90 * time.Second },
		},
		"metric-aggregation-algorithm": {
			annotations: map[string]string{"metric-aggregation-algorithm": "weightedExponential"},
			want:        func(s *Spec) { s.Aggregation = WeightedExponential },
		},
		"target-burst-capacity": {annotations: map[string]string{"target-burst-capacity": "-1"}, unused: "target-burst-capacity"},
		"class":                 {annotations: map[string]string{"class": "kpa.autoscaling.knative.dev"}},
		"a wrong value counts as none, and the others hold": {
			annotations: map[string]string{"target": "much", "min-scale": "2"}, want: func(s *Spec) { s.Min = 2 }, fault: `target is a number from 0.01, not "much"`,
		},
		"an annotation that nobody knows": {annotations: map[string]string{"minscale": "2"}, fault: "minscale is not known"},
	} {
		t.Run(name, c.check)
	}
}

func TestSettle_WhereTheWorldsDisagree(t *testing.T) {
	scale := func(least, most int) func(*v1.FunctionSpec) {
		return func(f *v1.FunctionSpec) {
			f.InvokeStrategy.ExecutionStrategy.MinScale, f.InvokeStrategy.ExecutionStrategy.MaxScale = least, most
		}
	}
	for name, c := range map[string]settled{
		"the greater minimum holds": {
			annotations: map[string]string{"min-scale": "2"}, fields: scale(3, 0), want: func(s *Spec) { s.Min = 3 },
		},
		"the lesser maximum holds": {
			annotations: map[string]string{"max-scale": "20"}, fields: scale(0, 5), want: func(s *Spec) { s.Max = 5 },
		},
		"max-scale 0 is no bound, and concurrency is one": {
			annotations: map[string]string{"max-scale": "0"}, fields: func(f *v1.FunctionSpec) { f.Concurrency = 7 }, want: func(s *Spec) { s.Max = 7 },
		},
		"the platform's defaults are for functions that say nothing": {
			platform: func(d *Defaults) { d.MinScale, d.MaxScale, d.InitialScale = 1, 9, 2 },
			want:     func(s *Spec) { s.Min, s.Max, s.Initial = 1, 9, 2 },
		},
		"and not for those that say something": {
			annotations: map[string]string{"min-scale": "0", "max-scale": "50", "initial-scale": "0"},
			platform:    func(d *Defaults) { d.MinScale, d.MaxScale, d.InitialScale = 1, 9, 2 },
			want:        func(s *Spec) { s.Max = 50 },
		},
		"max-scale-limit bounds everybody": {
			platform: func(d *Defaults) { d.MaxScaleLimit = 20 }, want: func(s *Spec) { s.Max = 20 }, fault: "max-scale-limit, 20",
		},
		"initial-scale 0 may be forbidden": {
			annotations: map[string]string{"initial-scale": "0"},
			platform:    func(d *Defaults) { d.InitialScale, d.AllowZeroInitialScale = 1, false },
			want:        func(s *Spec) { s.Initial = 1 }, fault: "initial-scale is 0",
		},
		"the longer of grace period and retention": {
			annotations: map[string]string{"scale-to-zero-pod-retention-period": "10s"},
			platform:    func(d *Defaults) { d.GracePeriod = 30 * time.Second },
			want:        func(s *Spec) { s.LastPod = 30 * time.Second },
		},
		"enable-scale-to-zero": {platform: func(d *Defaults) { d.ScaleToZero = false }, want: func(s *Spec) { s.KeepLast = true }},
		"utilization is not for pods that take one request": {
			platform: func(d *Defaults) { d.Utilization = .5 },
		},
		"minimum over maximum is told and the maximum holds": {
			annotations: map[string]string{"min-scale": "5", "max-scale": "4"}, want: func(s *Spec) { s.Max = 4 }, fault: "min-scale 5 is more than max-scale 4",
		},
		"a schedule that cannot be read": {
			fields: func(f *v1.FunctionSpec) { f.ProvisionedConcurrency = provision(1, opening("never", "1h", 2)) }, fault: `read start "never" of window w`,
			want: nil,
		},
	} {
		t.Run(name, c.check)
	}
}

func TestSettle_GivesTheScheduleApart(t *testing.T) {
	f := function()
	f.Spec.ProvisionedConcurrency = provision(3)
	s := Settle(f, BuiltIn())
	if s.Schedule == nil || s.Min != 0 || s.Provisioned != 0 {
		t.Fatalf("Settle = %+v", s)
	}
	if n, _ := s.Schedule.At(noon); n != 3 {
		t.Errorf("%d pods provisioned", n)
	}
}

func TestSettle_WithoutLimitAimsAsKnativeDoes(t *testing.T) {
	if s := settings(0); s.Limit != 0 || s.Target != 70 {
		t.Errorf("limit %d, target %v, want 0 and 70", s.Limit, s.Target)
	}
	f, d := function(), BuiltIn()
	f.Annotations = map[string]string{v1.AnnotationContainerConcurrency: "0"}
	d.Concurrency, d.Utilization = 50, .5
	if s := Settle(f, d); s.Target != 25 {
		t.Errorf("with the platform's own default of 50 and half of it: target %v", s.Target)
	}
}
