package v1

import (
	"fmt"
	"strconv"
	"time"
)

// Annotations that an Environment may carry: bounds of its pods.
const (
	// AnnotationMaxPods bounds all pods of the environment, those of functions included.
	AnnotationMaxPods = "hotpod.dev/max-pods"
	// AnnotationMaxPoolSize bounds the warm pods that are kept when many are claimed. It is at least the pool size.
	AnnotationMaxPoolSize = "hotpod.dev/max-pool-size"
	// AnnotationPoolIdleTimeout lets the pool shrink to zero when no function used the environment for so long. The next
	// request waits for a pod to start.
	AnnotationPoolIdleTimeout = "hotpod.dev/pool-idle-timeout"
)

const (
	maxEnvironmentPods = 10000
	minPoolIdleTimeout = 10 * time.Second
	maxPoolIdleTimeout = 30 * 24 * time.Hour
)

// PoolSettings are what an environment's annotations say of its pods; 0 where they say nothing.
//
// +kubebuilder:object:generate=false
type PoolSettings struct {
	MaxPods, MaxPoolSize int
	IdleTimeout          time.Duration
}

// PoolSettings reads the annotations. A wrong value counts as none and is a FieldError; those that are right hold all
// the same.
func (e *Environment) PoolSettings() (PoolSettings, error) {
	var s PoolSettings
	var f faults
	f.podNumber(e, AnnotationMaxPods, &s.MaxPods)
	f.podNumber(e, AnnotationMaxPoolSize, &s.MaxPoolSize)
	if s.MaxPoolSize > 0 && s.MaxPoolSize < e.PoolSize() {
		f.add(annotationPath(AnnotationMaxPoolSize),
			fmt.Sprintf("%s %d is less than the pool size: %d holds", AnnotationMaxPoolSize, s.MaxPoolSize, e.PoolSize()))
		s.MaxPoolSize = e.PoolSize()
	}
	if value, says := e.Annotations[AnnotationPoolIdleTimeout]; says {
		d, err := time.ParseDuration(value)
		if err != nil || d < minPoolIdleTimeout || d > maxPoolIdleTimeout {
			f.add(annotationPath(AnnotationPoolIdleTimeout),
				fmt.Sprintf("%s is a time from 10s to 720h, not %q", AnnotationPoolIdleTimeout, value))
			d = 0
		}
		s.IdleTimeout = d
	}
	return s, f.join()
}

// podNumber reads an annotation that is a number of pods.
func (f *faults) podNumber(e *Environment, name string, to *int) {
	value, says := e.Annotations[name]
	if !says {
		return
	}
	n, err := strconv.Atoi(value)
	if err != nil || n < 1 || n > maxEnvironmentPods {
		f.add(annotationPath(name), fmt.Sprintf("%s is a whole number from 1 to %d, not %q", name, maxEnvironmentPods, value))
		return
	}
	*to = n
}

// annotationPath is where an annotation stands in an object.
func annotationPath(name string) string { return "metadata.annotations[" + name + "]" }
