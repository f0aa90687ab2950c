package v1

import (
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// Executors of functions.
const (
	ExecutorPool      = "poolmgr"
	ExecutorNewDeploy = "newdeploy"
	ExecutorContainer = "container"
)

// Defaults of functions.
const (
	DefaultConcurrency           = 500
	DefaultRequestsPerPod        = 1
	DefaultFunctionTimeout       = 60 * time.Second
	DefaultIdleTimeout           = 120 * time.Second
	DefaultContainerIdleTimeout  = 60 * time.Second
	DefaultSpecializationTimeout = 120 * time.Second
)

// Executor returns the function's executor, with its default.
func (f *Function) Executor() string {
	if t := f.Spec.InvokeStrategy.ExecutionStrategy.ExecutorType; t != "" {
		return t
	}
	return ExecutorPool
}

// MaxPods returns the maximum of hot pods, at least 1.
func (f *Function) MaxPods() int {
	if f.Spec.Concurrency <= 0 {
		return DefaultConcurrency
	}
	return f.Spec.Concurrency
}

// RequestsPerPod returns the number of requests that may be inside one pod at a time; 0 means no limit. A function with
// pods of its own has none unless it says so.
func (f *Function) RequestsPerPod() int {
	if f.Spec.OnceOnly {
		return 1
	}
	if limit, ok := f.containerConcurrency(); ok {
		return limit
	}
	if f.Spec.RequestsPerPod <= 0 && f.Executor() != ExecutorPool {
		return 0
	}
	if f.Spec.RequestsPerPod <= 0 {
		return DefaultRequestsPerPod
	}
	return f.Spec.RequestsPerPod
}

// RunTimeout returns the bound of a request's run inside the function.
func (f *Function) RunTimeout() time.Duration {
	return seconds(f.Spec.FunctionTimeout, DefaultFunctionTimeout)
}

// IdleTimeout returns how long a pod may idle before it goes.
func (f *Function) IdleTimeout() time.Duration {
	if f.Spec.IdleTimeout == nil && f.Executor() == ExecutorContainer {
		return DefaultContainerIdleTimeout
	}
	if f.Spec.IdleTimeout == nil {
		return DefaultIdleTimeout
	}
	return time.Duration(*f.Spec.IdleTimeout) * time.Second
}

// HoldTimeout returns how long a request may wait for a pod.
func (f *Function) HoldTimeout() time.Duration {
	return seconds(f.Spec.InvokeStrategy.ExecutionStrategy.SpecializationTimeout, DefaultSpecializationTimeout)
}

// EnvironmentKey returns "namespace/name" of the function's environment.
func (f *Function) EnvironmentKey() string {
	return key(f.Spec.Environment.Namespace, f.Namespace, f.Spec.Environment.Name)
}

// OwnPoolPrefix begins the key of a function's own pool.
const OwnPoolPrefix = "function "

// OwnPool returns the key of the pool of the function's own pods, where it has such.
func (f *Function) OwnPool() string { return OwnPoolPrefix + f.Namespace + "/" + f.Name }

// PoolKey returns the key of the pool whose pods run the function: EnvironmentKey, or OwnPool.
func (f *Function) PoolKey() string {
	if f.Executor() == ExecutorPool {
		return f.EnvironmentKey()
	}
	return f.OwnPool()
}

// MainContainer returns the container of the function's pods that takes its requests: the one with the function's name, or
// the first, of which there must be one.
func (f *Function) MainContainer(spec *corev1.PodSpec) *corev1.Container {
	i := slices.IndexFunc(spec.Containers, func(c corev1.Container) bool { return c.Name == f.Name })
	return &spec.Containers[max(0, i)]
}

// PackageKey returns "namespace/name" of the function's package, "" when it names none.
func (f *Function) PackageKey() string {
	if f.Spec.Package.PackageRef.Name == "" {
		return ""
	}
	return key(f.Spec.Package.PackageRef.Namespace, f.Namespace, f.Spec.Package.PackageRef.Name)
}

func key(namespace, fallback, name string) string {
	if namespace == "" {
		namespace = fallback
	}
	return namespace + "/" + name
}

func seconds(n int, fallback time.Duration) time.Duration {
	if n <= 0 {
		return fallback
	}
	return time.Duration(n) * time.Second
}
