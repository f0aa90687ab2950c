package dedicated

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/pool"
	"hotpod.dev/wire"
)

// container returns what the pods of a function of executor type container look like: the user's pod spec, with a
// queue-proxy in front of the function's container. The error says what in the spec is not allowed, for its owner.
func container(f *v1.Function, cfg pool.Config) (*corev1.Pod, error) {
	spec, err := pool.DecodePodSpec(f.Spec.PodSpec, "spec.podspec")
	if err != nil {
		return nil, err
	}
	if err := check(spec, f); err != nil {
		return nil, fmt.Errorf("function %s/%s: %w", f.Namespace, f.Name, err)
	}
	main, probed := f.MainContainer(spec), probedOf(spec)
	port := portOf(main)
	prepare(main, f, cfg, port)
	complete(spec, cfg)
	spec.Containers = append(spec.Containers, pool.QueueProxy(cfg, port))
	pod := &corev1.Pod{Spec: *spec}
	pod.Labels, pod.Annotations = map[string]string{}, map[string]string{}
	if len(probed) > 0 {
		pod.Annotations[v1.AnnotationProbed] = strings.Join(probed, " ")
	}
	return owned(pod, f)
}

// check returns everything that makes the user's spec unfit for a function's pod.
func check(spec *corev1.PodSpec, f *v1.Function) error {
	if len(spec.Containers) == 0 {
		return errors.New("podspec.containers is empty: name the container to run")
	}
	faults := []error{pool.CheckPodSpec(spec)}
	main := f.MainContainer(spec)
	if main.Image == "" {
		faults = append(faults, fmt.Errorf("container %q has no image", main.Name))
	}
	if main.Lifecycle != nil && main.Lifecycle.PreStop != nil {
		faults = append(faults, fmt.Errorf("container %q: lifecycle.preStop is the platform's, which waits there until the requests are done", main.Name))
	}
	for _, c := range spec.Containers {
		for _, p := range c.Ports {
			if p.ContainerPort == wire.PortRequests || p.ContainerPort == wire.PortQueueControl {
				faults = append(faults, fmt.Errorf("container %q: port %d is the queue-proxy's; use another", c.Name, p.ContainerPort))
			}
		}
	}
	return errors.Join(faults...)
}

// portOf returns the port that the container takes requests on: the first that it names.
func portOf(c *corev1.Container) int {
	if len(c.Ports) == 0 {
		return wire.PortRuntime
	}
	return int(c.Ports[0].ContainerPort)
}

// probedOf returns the names of the containers that have a word on when the pod is ready.
func probedOf(spec *corev1.PodSpec) (names []string) {
	for _, c := range spec.Containers {
		if c.ReadinessProbe != nil || c.StartupProbe != nil {
			names = append(names, c.Name)
		}
	}
	return names
}

// prepare gives the function's container what the function and the platform say of it.
func prepare(c *corev1.Container, f *v1.Function, cfg pool.Config, port int) {
	env := []corev1.EnvVar{{Name: "PORT", Value: strconv.Itoa(port)}}
	if cfg.RuntimeHost == pool.RuntimeHostPod { // where ports are the machine's, an address keeps pods apart
		env = append(env, pool.FieldVar("POD_IP", "status.podIP"),
			corev1.EnvVar{Name: "HOTPOD_RUNTIME_ADDRESS", Value: pool.RuntimeAddress(cfg, port)})
	}
	for _, v := range c.Env {
		env = withVariable(env, v)
	}
	c.Env = env
	for _, s := range f.Spec.Secrets {
		c.EnvFrom = append(c.EnvFrom, corev1.EnvFromSource{
			SecretRef: &corev1.SecretEnvSource{LocalObjectReference: corev1.LocalObjectReference{Name: s.Name}},
		})
	}
	for _, m := range f.Spec.ConfigMaps {
		c.EnvFrom = append(c.EnvFrom, corev1.EnvFromSource{
			ConfigMapRef: &corev1.ConfigMapEnvSource{LocalObjectReference: corev1.LocalObjectReference{Name: m.Name}},
		})
	}
	equip(c, f)
	if c.TerminationMessagePolicy == "" {
		c.TerminationMessagePolicy = corev1.TerminationMessageFallbackToLogsOnError
	}
	if c.Lifecycle == nil {
		c.Lifecycle = &corev1.Lifecycle{}
	}
	c.Lifecycle.PreStop = pool.WaitForDrain()
}

// complete sets what the platform decides of every pod, and what the user left open.
func complete(spec *corev1.PodSpec, cfg pool.Config) {
	no, grace := false, int64(v1.DefaultTerminationGracePeriod)
	spec.AutomountServiceAccountToken, spec.EnableServiceLinks = &no, &no
	if spec.TerminationGracePeriodSeconds == nil {
		spec.TerminationGracePeriodSeconds = &grace
	}
	for _, list := range [][]corev1.Container{spec.InitContainers, spec.Containers} {
		for i := range list { // images of all kinds write somewhere
			if list[i].SecurityContext == nil {
				list[i].SecurityContext = &corev1.SecurityContext{}
			}
			if list[i].SecurityContext.ReadOnlyRootFilesystem == nil {
				list[i].SecurityContext.ReadOnlyRootFilesystem = &no
			}
		}
	}
	pool.Confine(spec, cfg)
}
