package v1

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// ScalingPrefix begins the annotations that say how a Function scales. They are Knative's, with the same values.
const ScalingPrefix = "autoscaling.knative.dev/"

// Metrics of Scaling.
const (
	MetricConcurrency = "concurrency"
	MetricRPS         = "rps"
)

// Aggregations of Scaling.
const (
	AggregationLinear              = "linear"
	AggregationWeightedExponential = "weighted-exponential"
)

// Bounds of Scaling.
const (
	MinTarget = 0.01
	MinWindow = 6 * time.Second
	MaxWindow = time.Hour

	MinPanicWindowPercentage    = 1
	MaxPanicWindowPercentage    = 100
	MinPanicThresholdPercentage = 110
	MaxPanicThresholdPercentage = 1000

	maxScale = 1_000_000
)

// Scaling is what a Function's annotations say of its scale. What they do not say is nil or empty.
//
// +kubebuilder:object:generate=false
type Scaling struct {
	// MinScale and MaxScale bound the number of pods; a MaxScale of 0 is no bound.
	MinScale, MaxScale *int
	// InitialScale pods are started for each new generation.
	InitialScale *int
	// ActivationScale is the least number of pods when there are any, at least 2.
	ActivationScale *int
	// Metric is MetricConcurrency or MetricRPS.
	Metric string
	// Target is the Metric's value per pod, and TargetUtilizationPercentage how much of it is aimed at.
	Target, TargetUtilizationPercentage *float64
	// Window is the stable window, in whole seconds.
	Window *time.Duration
	// PanicWindowPercentage is a part of Window, PanicThresholdPercentage a multiple of what the pods can take.
	PanicWindowPercentage, PanicThresholdPercentage *float64
	// ScaleDownDelay is in whole seconds.
	ScaleDownDelay *time.Duration
	// PodRetention is how long the last pod stays.
	PodRetention *time.Duration
	// Aggregation is AggregationLinear or AggregationWeightedExponential.
	Aggregation string
	// BurstCapacity says that target-burst-capacity was given.
	BurstCapacity bool
}

// Scaling returns what the annotations say, and what is wrong with them as FieldErrors. A wrong value counts as none.
func (f *Function) Scaling() (Scaling, error) {
	var s Scaling
	var faults faults
	if !f.saysScaling() {
		return s, nil
	}
	known := map[string]bool{}
	for _, a := range s.annotations() {
		known[a.name], known[a.alias] = true, true
		name := a.name
		value, says := f.Annotations[ScalingPrefix+name]
		if !says && a.alias != "" {
			name = a.alias
			value, says = f.Annotations[ScalingPrefix+name]
		}
		faults.when(says && !a.set(value), annotationField(name), fmt.Sprintf("%s%s is %s, not %q", ScalingPrefix, name, a.allowed, value))
	}
	for _, key := range slices.Sorted(maps.Keys(f.Annotations)) {
		name, scaling := strings.CutPrefix(key, ScalingPrefix)
		faults.when(scaling && !known[name], annotationField(name), key+" is not known here")
	}
	s.compare(&faults)
	return s, faults.join()
}

func (f *Function) saysScaling() bool {
	for key := range f.Annotations {
		if strings.HasPrefix(key, ScalingPrefix) {
			return true
		}
	}
	return false
}

func annotationField(name string) string { return annotationPath(ScalingPrefix + name) }

// compare adds what is wrong between annotations, and takes out the smaller evil.
func (s *Scaling) compare(f *faults) {
	bounded := s.MaxScale != nil && *s.MaxScale > 0
	if s.MinScale != nil && bounded && *s.MinScale > *s.MaxScale {
		f.add(annotationField("min-scale"), fmt.Sprintf("min-scale %d is more than max-scale %d", *s.MinScale, *s.MaxScale))
		s.MinScale = nil
	}
	if s.ActivationScale == nil {
		return
	}
	low := s.MinScale != nil && *s.ActivationScale < *s.MinScale
	if high := bounded && *s.ActivationScale > *s.MaxScale; low || high {
		f.add(annotationField("activation-scale"), "activation-scale is from min-scale to max-scale")
		s.ActivationScale = nil
	}
}

// scalingAnnotation is one of them: its name and its older name without the prefix, what is allowed, and how it is
// read; set returns false for a value that is not allowed.
type scalingAnnotation struct {
	name, alias, allowed string
	set                  func(value string) bool
}

// annotations are those of a Scaling, which they set.
func (s *Scaling) annotations() []scalingAnnotation {
	const percent = "a percentage from %d to %d"
	return []scalingAnnotation{
		{"min-scale", "minScale", "a whole number from 0", intInto(&s.MinScale, 0)},
		{"max-scale", "maxScale", "a whole number from 0, which is no bound", intInto(&s.MaxScale, 0)},
		{"initial-scale", "initialScale", "a whole number from 0", intInto(&s.InitialScale, 0)},
		{"activation-scale", "", "a whole number from 2", intInto(&s.ActivationScale, 2)},
		{"metric", "", "concurrency or rps", wordInto(&s.Metric, MetricConcurrency, MetricRPS)},
		{"target", "", "a number from 0.01", floatInto(&s.Target, MinTarget, 1e9)},
		{"target-utilization-percentage", "targetUtilizationPercentage", fmt.Sprintf(percent, 1, 100), floatInto(&s.TargetUtilizationPercentage, 1, 100)},
		{"window", "", "a time from 6s to 1h in whole seconds", durationInto(&s.Window, MinWindow, time.Second)},
		{
			"panic-window-percentage", "panicWindowPercentage", fmt.Sprintf(percent, MinPanicWindowPercentage, MaxPanicWindowPercentage),
			floatInto(&s.PanicWindowPercentage, MinPanicWindowPercentage, MaxPanicWindowPercentage),
		},
		{
			"panic-threshold-percentage", "panicThresholdPercentage", fmt.Sprintf(percent, MinPanicThresholdPercentage, MaxPanicThresholdPercentage),
			floatInto(&s.PanicThresholdPercentage, MinPanicThresholdPercentage, MaxPanicThresholdPercentage),
		},
		{"scale-down-delay", "scaleDownDelay", "a time from 0s to 1h in whole seconds", durationInto(&s.ScaleDownDelay, 0, time.Second)},
		{
			"scale-to-zero-pod-retention-period", "scaleToZeroPodRetentionPeriod", "a time from 0s to 1h",
			durationInto(&s.PodRetention, 0, 1),
		},
		{"metric-aggregation-algorithm", "metricAggregationAlgorithm", "linear or weighted-exponential", s.setAggregation},
		{"target-burst-capacity", "targetBurstCapacity", "a number from 0, or -1", s.setBurstCapacity},
		{"class", "", "kpa.autoscaling.knative.dev", wordInto(new(string), "kpa.autoscaling.knative.dev")},
	}
}

func (s *Scaling) setAggregation(value string) bool {
	if value == "weightedExponential" { // Knative's other spelling
		value = AggregationWeightedExponential
	}
	return wordInto(&s.Aggregation, AggregationLinear, AggregationWeightedExponential)(value)
}

func (s *Scaling) setBurstCapacity(value string) bool {
	n, err := strconv.ParseFloat(value, 64)
	s.BurstCapacity = err == nil && (n >= 0 || n == -1)
	return s.BurstCapacity
}

func intInto(to **int, low int) func(string) bool {
	return func(s string) bool {
		n, err := strconv.Atoi(s)
		if err != nil || n < low || n > maxScale {
			return false
		}
		*to = &n
		return true
	}
}

func floatInto(to **float64, low, high float64) func(string) bool {
	return func(s string) bool {
		n, err := strconv.ParseFloat(s, 64)
		if err != nil || cmp.Less(n, low) || cmp.Less(high, n) { // NaN is less than any number
			return false
		}
		*to = &n
		return true
	}
}

// durationInto takes times from low to MaxWindow that are multiples of unit.
func durationInto(to **time.Duration, low, unit time.Duration) func(string) bool {
	return func(s string) bool {
		d, err := time.ParseDuration(s)
		if err != nil || d < low || d > MaxWindow || d%unit != 0 {
			return false
		}
		*to = &d
		return true
	}
}

func wordInto(to *string, words ...string) func(string) bool {
	return func(s string) bool {
		if !slices.Contains(words, s) {
			return false
		}
		*to = s
		return true
	}
}
