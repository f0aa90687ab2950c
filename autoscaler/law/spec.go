package law

import "time"

// Metric is what the load of a function is measured in.
type Metric string

// Metrics.
const (
	// Concurrency is the number of requests in the pods, waiters in their queues included.
	Concurrency Metric = "concurrency"
	// RPS is the number of requests that come to the pods in a second.
	RPS Metric = "rps"
)

// Aggregation is how the seconds of a window become one number.
type Aggregation string

// Aggregations.
const (
	// Linear is the mean.
	Linear Aggregation = "linear"
	// WeightedExponential lets seconds count the less, the longer ago they are.
	WeightedExponential Aggregation = "weighted-exponential"
)

// Spec is how one function scales. It is comparable.
type Spec struct {
	// Min pods are kept although nobody calls. 0 lets the function go to zero.
	Min int
	// Provisioned pods are kept now, as the function's schedule says.
	Provisioned int
	// Initial pods are started once; 0 when there are none, or when they were reached before.
	Initial int
	// Retain keeps so many pods once they are hot, but starts none.
	Retain int
	// Max is the maximum of hot pods, at least 1. It wins over all others.
	Max int
	// Activation is the least that load may want when it wants any; 0 and 1 mean one.
	Activation int

	// Metric, and the mean of it per pod that the windows aim at, above 0.
	Metric Metric
	Target float64
	// Aggregation of the windows' seconds.
	Aggregation Aggregation
	// Limit is the number of requests inside one pod at a time; 0 means no limit.
	Limit int
	// Once says that a pod takes one request in its life: load over is no reason for another pod.
	Once bool

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

	// Idle is the time without any request after which the function goes to zero, and LastPod how much longer the
	// last pod stays then.
	Idle    time.Duration
	LastPod time.Duration
	// KeepLast lets the last pod stay for good.
	KeepLast bool
}

// Floor is how many pods are kept although nobody calls, within Max.
func (s Spec) Floor() int { return min(s.Max, max(s.Min, s.Provisioned, s.Initial)) }
