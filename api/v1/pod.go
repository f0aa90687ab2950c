package v1

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// AnnotationProbed names the containers of a pod, apart by spaces, whose own probes say whether the pod is ready.
const AnnotationProbed = "hotpod.dev/probed"

// Probed reports whether the kubelet says that the containers are ready whose own probes decide that. A pod without the
// annotation is.
func Probed(pod *corev1.Pod) bool {
	for name := range strings.FieldsSeq(pod.Annotations[AnnotationProbed]) {
		if !slices.ContainsFunc(pod.Status.ContainerStatuses, func(c corev1.ContainerStatus) bool { return c.Name == name && c.Ready }) {
			return false
		}
	}
	return true
}
