package buildmgr

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/pool"
	"hotpod.dev/wire"
)

// Labels of builder pods, which are Fission's.
const (
	labelOwner           = "owner"
	labelName            = "envName"
	labelNamespace       = "envNamespace"
	labelResourceVersion = "envResourceVersion"

	// Owner is the value of the label owner of every builder pod.
	Owner = "buildmgr"
)

// containerBuilder is the name of the container that builds.
const containerBuilder = "builder"

// grace is what a builder pod that is deleted gets to end its builds.
const grace = int64(10)

// podFor returns what the environment's builder pods look like, without name and owner. The error is for the owner of
// the environment.
func podFor(e *v1.Environment, cfg Config) (*corev1.Pod, error) {
	user, err := pool.UserPodSpec(e.Spec.Builder.PodSpec, e.Spec.Builder.Container, "spec.builder", containerBuilder)
	if err == nil {
		err = check(user)
	}
	if err != nil {
		return nil, fmt.Errorf("environment %s/%s: %w", e.Namespace, e.Name, err)
	}
	spec, err := pool.MergePodSpec(basePodSpec(e, cfg), user)
	if err != nil {
		return nil, err
	}
	cfg.Pod.RuntimeHost = pool.RuntimeHostPod // the manager calls the builder, so it does not listen on loopback
	fetcher := pool.Fetcher(cfg.Pod, wire.PortBuilder)
	fetcher.Env = append(fetcher.Env, corev1.EnvVar{Name: "HOTPOD_PACKAGES_DIR", Value: packagesDir})
	fetcher.VolumeMounts = []corev1.VolumeMount{{Name: volumePackages, MountPath: packagesDir}}
	spec.Containers = append(spec.Containers, fetcher)
	pool.Confine(spec, cfg.Pod)
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: podNamespace(e, cfg),
			Labels: map[string]string{
				labelOwner: Owner, labelName: pool.LabelValue(e.Name), labelNamespace: pool.LabelValue(e.Namespace),
				wire.LabelEnvironmentUID: string(e.UID),
			},
			Annotations: map[string]string{pool.AnnotationSafeEvict: "false"},
		},
		Spec: *spec,
	}
	err = pool.Stamp(pod)
	// Which changes with everything that is said of the environment, also with what says nothing of builders.
	pod.Labels[labelResourceVersion] = e.ResourceVersion
	return pod, err
}

// Volumes of builder pods.
const (
	volumePackages = "packages"
	volumeTmp      = "tmp"
	packagesDir    = "/packages"
)

// check returns what must not be in a user's pod spec.
func check(spec *corev1.PodSpec) error {
	if err := pool.CheckPodSpec(spec); err != nil {
		return err
	}
	if i := slices.IndexFunc(spec.Volumes, func(v corev1.Volume) bool { return v.Name == volumePackages || v.Name == volumeTmp }); i >= 0 {
		return fmt.Errorf("volume %q: the name is the platform's; use another", spec.Volumes[i].Name)
	}
	return nil
}

func podNamespace(e *v1.Environment, cfg Config) string {
	if e.Namespace == metav1.NamespaceDefault && cfg.Pod.FunctionNamespace != "" {
		return cfg.Pod.FunctionNamespace
	}
	return e.Namespace
}

func basePodSpec(e *v1.Environment, cfg Config) *corev1.PodSpec {
	no, seconds := false, grace
	empty := func(name string) corev1.Volume {
		return corev1.Volume{Name: name, VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}}
	}
	spec := &corev1.PodSpec{
		Containers:                    []corev1.Container{builderContainer(e, cfg)},
		Volumes:                       []corev1.Volume{empty(volumePackages), empty(volumeTmp)},
		AutomountServiceAccountToken:  &no,
		EnableServiceLinks:            &no,
		TerminationGracePeriodSeconds: &seconds,
	}
	if e.Spec.ImagePullSecret != "" {
		spec.ImagePullSecrets = []corev1.LocalObjectReference{{Name: e.Spec.ImagePullSecret}}
	}
	return spec
}

func builderContainer(e *v1.Environment, cfg Config) corev1.Container {
	return corev1.Container{
		Name: containerBuilder, Image: e.Spec.Builder.Image, ImagePullPolicy: cfg.Pod.ImagePullPolicy, Command: cfg.BuilderCommand,
		Env: []corev1.EnvVar{
			pool.FieldVar("POD_UID", "metadata.uid"),
			pool.FieldVar("POD_IP", "status.podIP"),
			{Name: "HOTPOD_ADDRESS", Value: "$(POD_IP)"},
			{Name: "HOTPOD_CONTROL_KEY", Value: cfg.Pod.ControlKey},
			{Name: "HOTPOD_TIMEOUT", Value: cfg.Timeout.String()},
			{Name: "HOME", Value: "/tmp"}, // the user is arbitrary, and the root read-only
		},
		Ports: []corev1.ContainerPort{{Name: "builder", ContainerPort: wire.PortBuilder}},
		ReadinessProbe: &corev1.Probe{
			ProbeHandler:  corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Path: wire.PathHealth, Port: intstr.FromInt32(wire.PortBuilder)}},
			PeriodSeconds: 5, TimeoutSeconds: 2,
		},
		Resources: corev1.ResourceRequirements{Requests: corev1.ResourceList{
			corev1.ResourceCPU: resource.MustParse("50m"), corev1.ResourceMemory: resource.MustParse("64Mi"),
		}},
		VolumeMounts: []corev1.VolumeMount{{Name: volumePackages, MountPath: packagesDir}, {Name: volumeTmp, MountPath: "/tmp"}},

		TerminationMessagePolicy: corev1.TerminationMessageFallbackToLogsOnError,
	}
}
