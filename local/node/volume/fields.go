package volume

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
)

// PodField returns the value of a downward API field such as metadata.labels['app'].
func PodField(pod *corev1.Pod, path string) (string, error) {
	if name, key, ok := subscript(path); ok {
		switch name {
		case "metadata.labels":
			return pod.Labels[key], nil
		case "metadata.annotations":
			return pod.Annotations[key], nil
		}
		return "", fmt.Errorf("pod field %q has no keys", path)
	}
	switch path {
	case "metadata.name":
		return pod.Name, nil
	case "metadata.namespace":
		return pod.Namespace, nil
	case "metadata.uid":
		return string(pod.UID), nil
	case "metadata.labels":
		return formatMap(pod.Labels), nil
	case "metadata.annotations":
		return formatMap(pod.Annotations), nil
	case "spec.nodeName":
		return pod.Spec.NodeName, nil
	case "spec.serviceAccountName":
		return pod.Spec.ServiceAccountName, nil
	}
	return statusField(pod.Status, path)
}

func statusField(s corev1.PodStatus, path string) (string, error) {
	switch path {
	case "status.podIP":
		return s.PodIP, nil
	case "status.hostIP":
		return s.HostIP, nil
	case "status.podIPs":
		var all []string
		for _, ip := range s.PodIPs {
			all = append(all, ip.IP)
		}
		return strings.Join(all, ","), nil
	case "status.hostIPs":
		var all []string
		for _, ip := range s.HostIPs {
			all = append(all, ip.IP)
		}
		return strings.Join(all, ","), nil
	}
	return "", fmt.Errorf("pod field %q is not supported", path)
}

// subscript splits name['key'].
func subscript(path string) (name, key string, ok bool) {
	name, rest, found := strings.Cut(path, "['")
	if !found || !strings.HasSuffix(rest, "']") {
		return "", "", false
	}
	return name, strings.TrimSuffix(rest, "']"), true
}

func formatMap(m map[string]string) string {
	lines := make([]string, 0, len(m))
	for key, value := range m {
		lines = append(lines, fmt.Sprintf("%s=%s", key, strconv.Quote(value)))
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// ResourceField returns a container's request or limit, in units of the divisor,
// rounded up. One that is not set is zero.
func ResourceField(pod *corev1.Pod, ref *corev1.ResourceFieldSelector, container string) (string, error) {
	resources, err := resourcesOf(pod, container)
	if err != nil {
		return "", err
	}
	kind, name, _ := strings.Cut(ref.Resource, ".")
	list := resources.Limits
	if kind == "requests" {
		list = resources.Requests
	}
	quantity := list[corev1.ResourceName(name)]
	divisor := ref.Divisor
	if divisor.IsZero() {
		divisor = resource.MustParse("1")
	}
	if name == string(corev1.ResourceCPU) {
		return strconv.FormatInt(divideUp(quantity.MilliValue(), divisor.MilliValue()), 10), nil
	}
	return strconv.FormatInt(divideUp(quantity.Value(), divisor.Value()), 10), nil
}

func divideUp(a, b int64) int64 { return int64(math.Ceil(float64(a) / float64(b))) }

func resourcesOf(pod *corev1.Pod, container string) (corev1.ResourceRequirements, error) {
	for _, c := range slices.Concat(pod.Spec.Containers, pod.Spec.InitContainers) {
		if c.Name == container {
			return c.Resources, nil
		}
	}
	return corev1.ResourceRequirements{}, fmt.Errorf("pod has no container %q", container)
}
