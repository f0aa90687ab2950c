package v1

import (
	"fmt"
	"path"
)

// Validate returns every fault of the function that can be seen without the API server, as FieldErrors.
func (fn *Function) Validate() error {
	var f faults
	s := &fn.Spec
	f.when(!label(fn.Name), "metadata.name", labelMessage)
	f.when(fn.Executor() != ExecutorContainer && s.Environment.Name == "", "spec.environment.name",
		"spec.environment.name is required: the Environment whose pods run the function")
	f.name(s.Environment.Name, "spec.environment.name")
	f.when(fn.Executor() == ExecutorContainer && s.PodSpec == nil, "spec.podspec",
		"executor type container needs spec.podspec: the container to run")
	fn.annotations(&f)
	s.numbers(&f)
	s.InvokeStrategy.ExecutionStrategy.validate(&f)
	s.variables(&f)
	for i, r := range s.Secrets {
		f.mount(r.MountPath, fmt.Sprintf("spec.secrets[%d].mountPath", i))
	}
	for i, r := range s.ConfigMaps {
		f.mount(r.MountPath, fmt.Sprintf("spec.configmaps[%d].mountPath", i))
	}
	if p := s.ProvisionedConcurrency; p != nil {
		f.when(fn.Executor() != ExecutorPool, "spec.provisionedConcurrency",
			"provisionedConcurrency goes with executor type poolmgr only")
		f.windows(p.Windows)
	}
	return f.join()
}

func (s *FunctionSpec) numbers(f *faults) {
	idle := 0
	if s.IdleTimeout != nil {
		idle = *s.IdleTimeout
	}
	for _, n := range []struct {
		field string
		value int
	}{
		{"functionTimeout", s.FunctionTimeout},
		{"idletimeout", idle},
		{"concurrency", s.Concurrency},
		{"requestsPerPod", s.RequestsPerPod},
		{"retainPods", s.RetainPods},
	} {
		f.when(n.value < 0, "spec."+n.field, n.field+" is 0 or more")
	}
}

func (e *ExecutionStrategy) validate(f *faults) {
	const field = "spec.InvokeStrategy.ExecutionStrategy."
	deployed := e.ExecutorType == ExecutorNewDeploy || e.ExecutorType == ExecutorContainer
	f.when(deployed && e.MaxScale <= 0, field+"MaxScale", "executor types newdeploy and container need MaxScale above 0")
	f.when(e.MaxScale > 0 && e.MinScale > e.MaxScale, field+"MinScale", "MinScale is at most MaxScale")
	f.when(e.MinScale < 0, field+"MinScale", "MinScale is 0 or more")
	f.when(e.MaxScale < 0, field+"MaxScale", "MaxScale is 0 or more")
	f.when(e.TargetCPUPercent < 0 || e.TargetCPUPercent > 100, field+"TargetCPUPercent", "TargetCPUPercent is between 0 and 100")
	f.when(e.SpecializationTimeout < 0, field+"SpecializationTimeout", "SpecializationTimeout is 0 seconds or more")
}

// mount adds a fault if p is not a clean relative path.
func (f *faults) mount(p, field string) {
	bad := p != "" && (path.IsAbs(p) || path.Clean(p) != p || p == "." || hasSegment(p, ".."))
	f.when(bad, field, "mountPath is a relative path without '.', '..' or empty segments")
}

func (f *faults) windows(windows []ProvisionedWindow) {
	for i := range windows {
		w := &windows[i]
		_, err := w.Opens()
		f.when(err != nil, fmt.Sprintf("spec.provisionedConcurrency.windows[%d].start", i), cronMessage)
		f.when(w.Duration.Duration <= 0, fmt.Sprintf("spec.provisionedConcurrency.windows[%d].duration", i),
			"duration is a time such as 30m or 12h")
	}
}
