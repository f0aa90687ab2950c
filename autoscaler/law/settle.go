package law

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	v1 "hotpod.dev/api/v1"
)

// minIdle is the shortest idle timeout: a report needs a second to say that a pod is not idle.
const minIdle = 2 * time.Second

// Settings are how a function scales, and what its owner should know of them.
type Settings struct {
	Spec
	// Schedule is nil when nothing is provisioned; what it wants goes into Spec.Provisioned.
	Schedule *Schedule
	// Fault says which settings are wrong and do not hold; empty when none.
	Fault string
	// Unused says which settings have no effect, and why; empty when none.
	Unused string
}

// Settle returns how f scales: its fields, its annotations and the platform's defaults put together as the table in
// docs/scaling.md says. It never fails: a setting that is wrong counts as none and is named in Fault.
func Settle(f *v1.Function, d Defaults) Settings {
	said, err := f.Scaling()
	schedule, wrong := NewSchedule(f.Spec.ProvisionedConcurrency)
	r := &settler{f: f, said: said, d: d, faults: []error{err, wrong}}
	s := Settings{Spec: r.spec(), Schedule: schedule}
	s.Fault, s.Unused = lines(r.faults), lines(r.unused)
	return s
}

// settler puts the settings of one function together.
type settler struct {
	f              *v1.Function
	said           v1.Scaling
	d              Defaults
	faults, unused []error
}

func (r *settler) spec() Spec {
	s := Spec{
		Retain: max(0, r.f.Spec.RetainPods), Limit: r.f.RequestsPerPod(), Once: r.f.Spec.OnceOnly, Activation: or(r.said.ActivationScale, 0),
		Metric: Concurrency, Aggregation: Linear,
		StableWindow:   or(r.said.Window, r.d.StableWindow),
		PanicThreshold: or(r.said.PanicThresholdPercentage, r.d.PanicThresholdPercentage) / 100,
		MaxUpRate:      r.d.MaxUpRate, MaxDownRate: r.d.MaxDownRate,
		ScaleDownDelay: or(r.said.ScaleDownDelay, r.d.ScaleDownDelay),
		Idle:           max(minIdle, r.idle()),
		LastPod:        max(r.d.GracePeriod, or(r.said.PodRetention, r.d.PodRetention)),
		KeepLast:       !r.d.ScaleToZero,
	}
	if r.said.Metric != "" {
		s.Metric = Metric(r.said.Metric)
	}
	if r.said.Aggregation != "" {
		s.Aggregation = Aggregation(r.said.Aggregation)
	}
	share := or(r.said.PanicWindowPercentage, r.d.PanicWindowPercentage) / 100
	s.PanicWindow = max(time.Second, time.Duration(float64(s.StableWindow)*share).Round(time.Second))
	s.Target = r.target(s.Metric, s.Limit)
	s.Max = r.maximum()
	s.Min = r.minimum()
	s.Initial = r.initial()
	if r.said.BurstCapacity {
		r.unused = append(r.unused, errors.New(v1.ScalingPrefix+"target-burst-capacity: requests that find no free place go to an activator, always and only then"))
	}
	return s
}

// idle is Fission's idletimeout. Who says nothing of it and sets a window gets Knative's rule: to zero when the
// window is empty.
func (r *settler) idle() time.Duration {
	if r.f.Spec.IdleTimeout == nil && r.said.Window != nil {
		return *r.said.Window
	}
	return r.f.IdleTimeout()
}

// target is Knative's, but for pods that take one request at a time: those are free or not. Room there would give a
// second pod to every function that is called one request after the other, and demand finds the peaks.
func (r *settler) target(m Metric, limit int) float64 {
	total, utilization := r.d.Concurrency, r.d.Utilization
	switch {
	case m == RPS:
		total, utilization = r.d.RPS, rpsUtilization
	case limit == 1 && r.said.Target == nil:
		total, utilization = 1, 1
	case limit > 0:
		total = float64(limit)
	}
	if r.said.Target != nil {
		total = *r.said.Target
		if m == Concurrency && limit > 0 {
			total = min(total, float64(limit))
		}
	}
	if u := r.said.TargetUtilizationPercentage; u != nil {
		utilization = *u / 100
	}
	return max(v1.MinTarget, total*utilization)
}

// maximum is the least of the bounds that the function sets, or else the default; the platform's limit holds always.
func (r *settler) maximum() int {
	strategy, n := r.f.Spec.InvokeStrategy.ExecutionStrategy, math.MaxInt
	bounds := []int{strategy.MaxScale, or(r.said.MaxScale, 0)}
	if r.f.Executor() == v1.ExecutorPool {
		bounds = append(bounds, r.f.Spec.Concurrency)
		if strategy.MaxScale > 0 && strategy.TargetCPUPercent > 0 {
			// Such a function was never bounded by it: old clients wrote their defaults for newdeploy everywhere.
			bounds[0] = 0
			r.unused = append(r.unused, errors.New("MaxScale beside TargetCPUPercent, which is for newdeploy: set concurrency, or take TargetCPUPercent out"))
		}
	}
	for _, b := range bounds {
		if b > 0 {
			n = min(n, b)
		}
	}
	if n == math.MaxInt {
		n = r.f.MaxPods()
		if r.d.MaxScale > 0 {
			n = r.d.MaxScale
		}
	}
	if limit := r.d.MaxScaleLimit; limit > 0 && n > limit {
		r.faults = append(r.faults, fmt.Errorf("the maximum of %d pods is more than the platform's max-scale-limit, %d, which holds", n, limit))
		n = limit
	}
	return n
}

// minimum is the greatest of those that the function sets, or else the default.
func (r *settler) minimum() int {
	field, annotation := r.f.Spec.InvokeStrategy.ExecutionStrategy.MinScale, r.said.MinScale
	if field <= 0 && annotation == nil {
		return r.d.MinScale
	}
	return max(field, or(annotation, 0))
}

func (r *settler) initial() int {
	n := or(r.said.InitialScale, r.d.InitialScale)
	if n == 0 && !r.d.AllowZeroInitialScale {
		r.faults = append(r.faults, fmt.Errorf("%sinitial-scale is 0, which the platform does not allow: %d holds", v1.ScalingPrefix, r.d.InitialScale))
		return r.d.InitialScale
	}
	return n
}

// or returns what was said, or else the default.
func or[T any](said *T, otherwise T) T {
	if said != nil {
		return *said
	}
	return otherwise
}

// lines puts errors into one line.
func lines(errs []error) string {
	err := errors.Join(errs...)
	if err == nil {
		return ""
	}
	return strings.ReplaceAll(err.Error(), "\n", "; ")
}
