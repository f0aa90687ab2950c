package dedicated

import (
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/pool"
	"hotpod.dev/wire"
)

// newDeploy returns what the pods of a function of executor type newdeploy look like: those of its environment, with the
// function's own resources and variables. The environment is nil when it does not exist.
func newDeploy(f *v1.Function, e *v1.Environment, cfg pool.Config) (*corev1.Pod, error) {
	if e == nil {
		return nil, pool.NotFound(f.EnvironmentKey())
	}
	pod, err := pool.PodFor(e, cfg)
	if err != nil {
		return nil, err
	}
	equip(&pod.Spec.Containers[0], f)
	return owned(pod, f)
}

// equip gives the function's container what the function says of it.
func equip(c *corev1.Container, f *v1.Function) {
	c.EnvFrom = append(c.EnvFrom, f.Spec.EnvFrom...)
	for _, v := range f.Spec.Env {
		c.Env = withVariable(c.Env, v)
	}
	c.Resources.Requests = withResources(c.Resources.Requests, f.Spec.Resources.Requests)
	c.Resources.Limits = withResources(c.Resources.Limits, f.Spec.Resources.Limits)
}

// withVariable sets a variable, in place of one of its name.
func withVariable(env []corev1.EnvVar, v corev1.EnvVar) []corev1.EnvVar {
	env = slices.DeleteFunc(slices.Clone(env), func(other corev1.EnvVar) bool { return other.Name == v.Name })
	return append(env, v)
}

// withResources returns base with the amounts of own in place of its own.
func withResources(base, own corev1.ResourceList) corev1.ResourceList {
	if len(own) == 0 {
		return base
	}
	all := base.DeepCopy()
	if all == nil {
		all = corev1.ResourceList{}
	}
	maps.Copy(all, own)
	return all
}

// owned makes a template the function's, from its place to its fingerprint.
func owned(pod *corev1.Pod, f *v1.Function) (*corev1.Pod, error) {
	pod.Namespace = f.Namespace
	maps.Copy(pod.Labels, pool.Carried(f.Labels))
	maps.Copy(pod.Annotations, pool.Carried(f.Annotations))
	maps.Copy(pod.Labels, map[string]string{
		wire.LabelExecutorType:      f.Executor(),
		wire.LabelManaged:           "true",
		wire.LabelState:             string(wire.StateWarm),
		wire.LabelFunctionName:      f.Name,
		wire.LabelFunctionNamespace: f.Namespace,
		wire.LabelFunctionUID:       string(f.UID),
	})
	pod.Annotations[pool.AnnotationSafeEvict] = "true"
	owns := true
	pod.OwnerReferences = []metav1.OwnerReference{{
		APIVersion: v1.GroupVersion.String(), Kind: "Function", Name: f.Name, UID: f.UID, Controller: &owns,
	}}
	return pod, pool.Stamp(pod)
}
