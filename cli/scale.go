package cli

import (
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/util/duration"

	v1 "hotpod.dev/api/v1"
)

// scale says in lines how many pods the function has and wants, and why.
func (f facts) scale(now time.Time) []string {
	fn, s := f.function, f.function.Status.Scale
	pods, most := fmt.Sprintf("%d hot, %d warm available", f.hot(), f.warm), fn.MaxPods()
	if fn.Executor() != v1.ExecutorPool {
		pods, most = fmt.Sprintf("%d hot", f.hot()), fn.Spec.InvokeStrategy.ExecutionStrategy.MaxScale
	}
	if s == nil {
		return []string{pods, fmt.Sprintf("never called; at most %d pods, %s request(s) a pod, to zero after %s idle",
			most, requestsPerPod(fn), fn.IdleTimeout())}
	}
	if s.Starting > 0 {
		pods += fmt.Sprintf(", %d starting", s.Starting)
	}
	wanted := fmt.Sprintf("%d wanted", s.Wanted)
	if s.Reason != "" {
		wanted += " because of " + s.Reason
	}
	if s.LastChange != nil {
		wanted += fmt.Sprintf(", changed %s ago", duration.HumanDuration(now.Sub(s.LastChange.Time)))
	}
	bounds := fmt.Sprintf("%d to %d pods, %s request(s) a pod, to zero after %s idle", s.Minimum, s.Maximum, requestsPerPod(fn), fn.IdleTimeout())
	if s.Minimum > 0 {
		bounds = fmt.Sprintf("%d to %d pods, %s request(s) a pod", s.Minimum, s.Maximum, requestsPerPod(fn))
	}
	if s.Provisioned > 0 {
		bounds += fmt.Sprintf(", %d provisioned now", s.Provisioned)
	}
	return []string{pods, wanted, load(s), bounds}
}

// load says what the pods had to do when the status was written.
func load(s *v1.FunctionScale) string {
	unit := "requests at a time"
	if s.Metric == v1.MetricRPS {
		unit = "requests a second"
	}
	line := fmt.Sprintf("load %s %s (stable window), %s (panic window); %s a pod aimed at", s.StableWindow, unit, s.PanicWindow, s.Target)
	if s.Panicking {
		line += "; in panic, nothing is taken away"
	}
	return line
}
