package autoscaler

import (
	"time"

	v1 "hotpod.dev/api/v1"
)

// Defaults of the law, as Knative's users know them.
const (
	defaultStableWindow   = 60 * time.Second
	defaultPanicWindow    = 6 * time.Second
	defaultPanicThreshold = 2.0
	defaultMaxUpRate      = 1000.0
	defaultMaxDownRate    = 2.0
	defaultUtilisation    = 0.7
	// defaultTarget is the concurrency of a pod without limit.
	defaultTarget = 100.0

	// minIdle is the shortest idle timeout: a report needs a second to say that a pod is not idle.
	minIdle = 2 * time.Second
	// drainSlack is given to a draining pod beyond the longest run of a request.
	drainSlack = 5 * time.Second
	// streamDrain bounds the drain of streams that have no bound of their own.
	streamDrain = 5 * time.Minute
)

// Spec is how one function scales.
type Spec struct {
	// Min pods are kept although nobody calls. 0 lets the function go to zero.
	Min int
	// Retain keeps so many pods once they are hot, but starts none.
	Retain int
	// Max is the maximum of hot pods, at least 1. It wins over Min.
	Max int
	// Limit is the number of requests inside one pod at a time; 0 means no limit.
	Limit int
	// Target is the mean concurrency per pod that the windows aim at, above 0.
	Target float64
	// Idle is the time without any request after which the function goes to zero.
	Idle time.Duration
	// StableWindow and PanicWindow are whole seconds, at least one.
	StableWindow time.Duration
	PanicWindow  time.Duration
	// PanicThreshold is how many times the ready pods the panic window must want to begin panic.
	PanicThreshold float64
	// MaxUpRate and MaxDownRate bound the change of one decision to a multiple and a fraction of the ready pods.
	MaxUpRate   float64
	MaxDownRate float64
	// ScaleDownDelay keeps what was wanted within so long; 0 keeps nothing.
	ScaleDownDelay time.Duration
	// ActivationScale is the least that a window may want when it wants any; 0 and 1 mean one.
	ActivationScale int

	// Hold bounds the wait of a request, and of a claim, for a pod.
	Hold time.Duration
	// Run bounds a request inside the function.
	Run time.Duration
	// Drain bounds the drain of a pod.
	Drain time.Duration
	// Once says that a pod takes a single request in its life.
	Once bool
}

// FromAPI returns the Spec of a function's fields.
func FromAPI(f *v1.Function) Spec {
	strategy := f.Spec.InvokeStrategy.ExecutionStrategy
	s := Spec{
		Min:            max(0, strategy.MinScale),
		Retain:         max(0, f.Spec.RetainPods),
		Max:            f.MaxPods(),
		Limit:          f.RequestsPerPod(),
		Idle:           max(minIdle, f.IdleTimeout()),
		StableWindow:   defaultStableWindow,
		PanicWindow:    defaultPanicWindow,
		PanicThreshold: defaultPanicThreshold,
		MaxUpRate:      defaultMaxUpRate,
		MaxDownRate:    defaultMaxDownRate,
		Hold:           f.HoldTimeout(),
		Run:            f.RunTimeout(),
		Drain:          drainBound(f),
		Once:           f.Spec.OnceOnly,
	}
	if f.Executor() != v1.ExecutorPool && strategy.MaxScale > 0 {
		s.Max = strategy.MaxScale
	}
	if p := f.Spec.ProvisionedConcurrency; p != nil {
		s.Min = max(s.Min, p.Target)
	}
	s.Target = target(s.Limit)
	return s
}

// target leaves room in pods that take several requests. A pod that takes one is free or not: room there would
// give a second pod to every function that is called one request after the other, and demand finds the peaks.
func target(limit int) float64 {
	switch limit {
	case 0:
		return defaultTarget * defaultUtilisation
	case 1:
		return 1
	default:
		return float64(limit) * defaultUtilisation
	}
}

func drainBound(f *v1.Function) time.Duration {
	bound := f.RunTimeout()
	if s := f.Spec.Streaming; s != nil {
		if s.MaxDurationSeconds > 0 {
			bound = max(bound, time.Duration(s.MaxDurationSeconds)*time.Second)
		} else {
			bound = max(bound, streamDrain)
		}
	}
	return bound + drainSlack
}
