package parts

import (
	"fmt"
	"net/netip"
	"path"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const (
	credentialsPath   = "/var/run/secrets/kubernetes.io/serviceaccount" //nolint:gosec // a path
	credentialsVolume = "kube-api-access"
)

// StaticPods makes the pods of the plan's Deployments. Files that the pods mount are described by the second result;
// they have to be written before the pods start.
func (p *Plan) StaticPods(o Options) ([]*corev1.Pod, []Files, error) {
	var pods []*corev1.Pod
	var files []Files
	for _, d := range p.Deployments {
		if d.Spec.Replicas != nil && *d.Spec.Replicas == 0 {
			continue
		}
		c := &compiler{plan: p, options: o, deployment: d}
		pod, err := c.pod()
		if err != nil {
			return nil, nil, fmt.Errorf("make a static pod of Deployment %s: %w", d.Name, err)
		}
		pods, files = append(pods, pod), append(files, c.files...)
	}
	return pods, files, nil
}

// Options say where the pods run.
type Options struct {
	// NodeName is the node's name.
	NodeName string
	// Dir is the folder for the files that pods mount.
	Dir string
	// Addresses are the pods' addresses by the name of the Deployment.
	Addresses map[string]netip.Addr
	// Env is put in front of every container's variables.
	Env []corev1.EnvVar
}

// compiler makes one pod.
type compiler struct {
	plan       *Plan
	options    Options
	deployment *appsv1.Deployment
	files      []Files
}

func (c *compiler) name() string { return c.deployment.Name + "-" + c.options.NodeName }

func (c *compiler) pod() (*corev1.Pod, error) {
	template := c.deployment.Spec.Template.DeepCopy()
	pod := &corev1.Pod{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"},
		ObjectMeta: metav1.ObjectMeta{
			Name: c.name(), Namespace: c.deployment.Namespace, Labels: template.Labels, Annotations: template.Annotations,
		},
		Spec: template.Spec,
	}
	if err := c.setAddress(pod); err != nil {
		return nil, err
	}
	spec := &pod.Spec
	spec.NodeName = c.options.NodeName
	spec.RestartPolicy = corev1.RestartPolicyAlways
	for i := range spec.Volumes {
		if err := c.compileVolume(&spec.Volumes[i]); err != nil {
			return nil, fmt.Errorf("volume %s: %w", spec.Volumes[i].Name, err)
		}
	}
	containers := slices.Concat(pointers(spec.InitContainers), pointers(spec.Containers))
	for _, container := range containers {
		if err := c.compileEnv(container); err != nil {
			return nil, fmt.Errorf("container %s: %w", container.Name, err)
		}
		container.Env = slices.Concat(c.options.Env, container.Env)
	}
	if account := spec.ServiceAccountName; account != "" && (spec.AutomountServiceAccountToken == nil || *spec.AutomountServiceAccountToken) {
		c.addCredentials(spec, containers)
	}
	spec.ServiceAccountName, spec.DeprecatedServiceAccount = "", ""
	spec.AutomountServiceAccountToken = new(bool)
	// Nothing schedules these pods, and the API checks that priority classes exist.
	spec.Affinity, spec.TopologySpreadConstraints, spec.NodeSelector, spec.PriorityClassName = nil, nil, nil, ""
	spec.Tolerations = []corev1.Toleration{{Operator: corev1.TolerationOpExists}}
	return pod, nil
}

// setAddress writes the address where the node looks for it.
func (c *compiler) setAddress(pod *corev1.Pod) error {
	if pod.Annotations == nil {
		pod.Annotations = map[string]string{}
	}
	if text, ok := pod.Annotations[AddressAnnotation]; ok {
		if _, err := netip.ParseAddr(text); err != nil {
			return fmt.Errorf("annotation %s: %w", AddressAnnotation, err)
		}
		return nil
	}
	if address, ok := c.options.Addresses[c.deployment.Name]; ok {
		pod.Annotations[AddressAnnotation] = address.String()
	}
	return nil
}

// addCredentials mounts the service account's credentials where the client library of Kubernetes looks for them.
func (c *compiler) addCredentials(spec *corev1.PodSpec, containers []*corev1.Container) {
	dir := c.directory(credentialsVolume)
	c.files = append(c.files, Files{Dir: dir, ServiceAccount: key(c.deployment.Namespace, spec.ServiceAccountName)})
	spec.Volumes = append(spec.Volumes, corev1.Volume{Name: credentialsVolume, VolumeSource: hostPath(dir)})
	for _, container := range containers {
		container.VolumeMounts = append(container.VolumeMounts,
			corev1.VolumeMount{Name: credentialsVolume, MountPath: credentialsPath, ReadOnly: true})
		if !slices.ContainsFunc(container.Env, func(e corev1.EnvVar) bool { return e.Name == "KUBECONFIG" }) {
			container.Env = append(container.Env, corev1.EnvVar{Name: "KUBECONFIG", Value: path.Join(credentialsPath, "kubeconfig")})
		}
	}
}

func (c *compiler) directory(volume string) string {
	return path.Join(c.options.Dir, c.deployment.Namespace+"_"+c.name(), volume)
}

func hostPath(dir string) corev1.VolumeSource {
	directory := corev1.HostPathDirectory
	return corev1.VolumeSource{HostPath: &corev1.HostPathVolumeSource{Path: dir, Type: &directory}}
}

func pointers[T any](values []T) []*T {
	result := make([]*T, len(values))
	for i := range values {
		result[i] = &values[i]
	}
	return result
}
