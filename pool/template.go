package pool

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/wire"
)

// Names of the sidecars in an environment pod.
const (
	ContainerFetcher = "fetcher"
	ContainerProxy   = "queue-proxy"
)

// Labels and annotations of environment pods that others read too.
const (
	labelServed         = "fission.io/served"
	AnnotationSafeEvict = "cluster-autoscaler.kubernetes.io/safe-to-evict"
	maxLabel            = 63
)

// PodFor returns what the environment's pods look like, without name and owner. The error says what in the
// environment is not allowed or cannot be read, for its owner.
func PodFor(e *v1.Environment, cfg Config) (*corev1.Pod, error) {
	cfg.fill()
	spec, err := podSpec(e, cfg)
	if err != nil {
		return nil, err
	}
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: podNamespace(e, cfg), Labels: Carried(e.Labels), Annotations: Carried(e.Annotations),
		},
		Spec: *spec,
	}
	maps.Copy(pod.Labels, map[string]string{
		wire.LabelEnvironmentName:      LabelValue(e.Name),
		wire.LabelEnvironmentNamespace: LabelValue(e.Namespace),
		wire.LabelEnvironmentUID:       string(e.UID),
		wire.LabelExecutorType:         v1.ExecutorPool,
		wire.LabelManaged:              "true",
		wire.LabelState:                string(wire.StateWarm),
	})
	pod.Annotations[annotationEnvironment], pod.Annotations[AnnotationSafeEvict] = e.Namespace+"/"+e.Name, "true"
	return pod, Stamp(pod)
}

// annotationEnvironment is the "namespace/name" of the environment: labels are too short for some names.
const annotationEnvironment = "hotpod.dev/environment"

func podNamespace(e *v1.Environment, cfg Config) string {
	if e.Namespace == metav1.NamespaceDefault && cfg.FunctionNamespace != "" {
		return cfg.FunctionNamespace
	}
	return e.Namespace
}

// Stamp annotates a template with its fingerprint, which changes with everything that would make a new pod differ, and
// with the object that the template is of.
func Stamp(template *corev1.Pod) error {
	delete(template.Annotations, wire.AnnotationEnvironmentHash)
	b, err := json.Marshal(template)
	if err != nil {
		return fmt.Errorf("encode pod: %w", err)
	}
	sum := sha256.Sum256(b)
	template.Annotations[wire.AnnotationEnvironmentHash] = hex.EncodeToString(sum[:8])
	return nil
}

// named makes a pod of the template, with a name and an owner. The spec is the template's own, which never changes.
func named(template *corev1.Pod, name string, owner metav1.OwnerReference) *corev1.Pod {
	pod := &corev1.Pod{ObjectMeta: *template.ObjectMeta.DeepCopy(), Spec: template.Spec}
	pod.Name = name
	pod.OwnerReferences = []metav1.OwnerReference{owner}
	return pod
}

func ownedBy(e *v1.Environment) metav1.OwnerReference {
	controller := true
	return metav1.OwnerReference{
		APIVersion: v1.GroupVersion.String(), Kind: "Environment", Name: e.Name, UID: e.UID, Controller: &controller,
	}
}

// podSpec is the platform's spec, with what the environment's owner asks for merged in.
func podSpec(e *v1.Environment, cfg Config) (*corev1.PodSpec, error) {
	user, err := userPodSpec(e)
	if err != nil {
		return nil, err
	}
	spec, err := MergePodSpec(basePodSpec(e, cfg), user)
	if err != nil {
		return nil, err
	}
	Confine(spec, cfg)
	spec.Containers = append(spec.Containers, sidecars(cfg)...)
	return spec, nil
}

func basePodSpec(e *v1.Environment, cfg Config) *corev1.PodSpec {
	no, grace := false, e.GracePeriod()
	spec := &corev1.PodSpec{
		Containers:                    []corev1.Container{runtimeContainer(e, cfg)},
		AutomountServiceAccountToken:  &no,
		EnableServiceLinks:            &no,
		TerminationGracePeriodSeconds: &grace,
	}
	for _, v := range volumes() {
		spec.Volumes = append(spec.Volumes, v.volume)
	}
	if e.Spec.ImagePullSecret != "" {
		spec.ImagePullSecrets = []corev1.LocalObjectReference{{Name: e.Spec.ImagePullSecret}}
	}
	return spec
}

func runtimeContainer(e *v1.Environment, cfg Config) corev1.Container {
	env := []corev1.EnvVar{}
	if cfg.RuntimeHost == RuntimeHostPod {
		env = append(env, FieldVar("POD_IP", "status.podIP"))
	}
	c := corev1.Container{
		Name:            runtimeName(e.Name),
		Image:           e.Spec.Runtime.Image,
		ImagePullPolicy: cfg.ImagePullPolicy,
		Env:             append(env, corev1.EnvVar{Name: "HOTPOD_RUNTIME_ADDRESS", Value: RuntimeAddress(cfg, wire.PortRuntime)}),
		Resources:       e.Spec.Resources,
		Lifecycle:       &corev1.Lifecycle{PreStop: WaitForDrain()},

		TerminationMessagePolicy: corev1.TerminationMessageFallbackToLogsOnError,
	}
	for _, v := range volumes() {
		c.VolumeMounts = append(c.VolumeMounts, v.mount)
	}
	return c
}

// WaitForDrain is the hook by which a runtime does not end before the requests in it have: the queue-proxy answers when
// it is drained.
func WaitForDrain() *corev1.LifecycleHandler {
	return &corev1.LifecycleHandler{
		HTTPGet: &corev1.HTTPGetAction{Path: wire.PathWaitForDrain, Port: intstr.FromInt32(wire.PortQueueControl)},
	}
}

// RuntimeAddress is where the queue-proxy finds what listens on the port, as a variable's value.
func RuntimeAddress(cfg Config, port int) string {
	if cfg.RuntimeHost == RuntimeHostPod {
		return "$(POD_IP):" + strconv.Itoa(port)
	}
	return "127.0.0.1:" + strconv.Itoa(port)
}

// runtimeName turns an environment's name into a container name, which is shorter and knows no dots.
func runtimeName(environment string) string {
	name := strings.ReplaceAll(LabelValue(environment), ".", "-")
	if name == ContainerFetcher || name == ContainerProxy {
		return name + "-runtime"
	}
	return name
}

type mounted struct {
	volume corev1.Volume
	mount  corev1.VolumeMount
}

// volumes are shared by fetcher and runtime; /tmp is the runtime's own, since its root is read-only.
func volumes() []mounted {
	podinfo := corev1.VolumeSource{DownwardAPI: &corev1.DownwardAPIVolumeSource{Items: []corev1.DownwardAPIVolumeFile{
		{Path: "name", FieldRef: &corev1.ObjectFieldSelector{FieldPath: "metadata.name"}},
		{Path: "namespace", FieldRef: &corev1.ObjectFieldSelector{FieldPath: "metadata.namespace"}},
	}}}
	empty := func() corev1.VolumeSource { return corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}} }
	named := func(name, path string, s corev1.VolumeSource) mounted {
		return mounted{corev1.Volume{Name: name, VolumeSource: s}, corev1.VolumeMount{Name: name, MountPath: path}}
	}
	return []mounted{
		named("userfunc", "/userfunc", empty()),
		named("secrets", "/secrets", empty()),
		named("configmaps", "/configs", empty()),
		named("podinfo", "/etc/podinfo", podinfo),
		named("tmp", "/tmp", empty()),
	}
}

func sidecars(cfg Config) []corev1.Container {
	fetcher := Fetcher(cfg, wire.PortRuntime)
	for _, v := range volumes() {
		if v.mount.Name != "tmp" {
			fetcher.VolumeMounts = append(fetcher.VolumeMounts, v.mount)
		}
	}
	return []corev1.Container{fetcher, QueueProxy(cfg, wire.PortRuntime)}
}

// Fetcher is the sidecar that brings code, without volumes. It counts as ready when something listens on the port.
func Fetcher(cfg Config, port int) corev1.Container {
	fetcher := sidecar(ContainerFetcher, cfg.FetcherImage, cfg.FetcherCommand, cfg, port)
	fetcher.ReadinessProbe = httpProbe(wire.PathReadiness, wire.PortFetcher)
	fetcher.Resources = resources("5m", "16Mi", "192Mi")
	return fetcher
}

// QueueProxy is the sidecar in front of a runtime that listens on the port.
func QueueProxy(cfg Config, port int) corev1.Container {
	proxy := sidecar(ContainerProxy, cfg.ProxyImage, cfg.ProxyCommand, cfg, port)
	proxy.Env = append(proxy.Env, cfg.ProxyEnv...)
	proxy.ReadinessProbe = httpProbe(wire.PathHealth, wire.PortQueueControl)
	proxy.Resources = resources("10m", "24Mi", "256Mi")
	proxy.Ports = []corev1.ContainerPort{{Name: "requests", ContainerPort: wire.PortRequests}}
	return proxy
}

func sidecar(name, image string, command []string, cfg Config, port int) corev1.Container {
	return corev1.Container{
		Name: name, Image: image, Command: command, ImagePullPolicy: cfg.ImagePullPolicy,
		Env: []corev1.EnvVar{
			FieldVar("POD_UID", "metadata.uid"),
			FieldVar("POD_IP", "status.podIP"),
			FieldVar("POD_NAME", "metadata.name"),
			FieldVar("POD_NAMESPACE", "metadata.namespace"),
			{Name: "HOTPOD_ADDRESS", Value: "$(POD_IP)"},
			{Name: "HOTPOD_CONTROL_KEY", Value: cfg.ControlKey},
			{Name: "HOTPOD_RUNTIME_ADDRESS", Value: RuntimeAddress(cfg, port)},
		},
		SecurityContext:          confined(nil, cfg),
		TerminationMessagePolicy: corev1.TerminationMessageFallbackToLogsOnError,
	}
}

// FieldVar is a variable that has the value of a field of its pod.
func FieldVar(name, path string) corev1.EnvVar {
	return corev1.EnvVar{Name: name, ValueFrom: &corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{FieldPath: path}}}
}

func httpProbe(path string, port int32) *corev1.Probe {
	return &corev1.Probe{
		ProbeHandler:  corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Path: path, Port: intstr.FromInt32(port)}},
		PeriodSeconds: 5, TimeoutSeconds: 2, FailureThreshold: 3,
	}
}

func resources(cpu, memory, limit string) corev1.ResourceRequirements {
	return corev1.ResourceRequirements{
		Requests: corev1.ResourceList{
			corev1.ResourceCPU: resource.MustParse(cpu), corev1.ResourceMemory: resource.MustParse(memory),
		},
		Limits: corev1.ResourceList{corev1.ResourceMemory: resource.MustParse(limit)},
	}
}

// LabelValue returns s if it fits into a label, else a shorter value that is still its own.
func LabelValue(s string) string {
	if len(s) <= maxLabel {
		return s
	}
	sum := sha256.Sum256([]byte(s))
	return s[:maxLabel-9] + "-" + hex.EncodeToString(sum[:4])
}
