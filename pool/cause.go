package pool

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// startFailures are the reasons for which a container waits that it will not get over by itself soon.
func startFailures() []string {
	return []string{
		"ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "RegistryUnavailable", "ImageInspectError",
		"CreateContainerConfigError", "CreateContainerError", "RunContainerError", "CrashLoopBackOff",
	}
}

// BrokenCause says why a pod cannot start, for the environment's owner; "" when nothing says that it cannot.
func BrokenCause(pod *corev1.Pod) string {
	if ended(pod) {
		return strings.TrimSpace(fmt.Sprintf("pod %s ended: %s %s", pod.Name, pod.Status.Reason, pod.Status.Message))
	}
	for _, c := range containerStatuses(pod) {
		w := c.State.Waiting
		if w == nil || !slices.Contains(startFailures(), w.Reason) {
			continue
		}
		if last := c.LastTerminationState.Terminated; w.Reason == "CrashLoopBackOff" && last != nil {
			return fmt.Sprintf("container %s ended with exit code %d (%s); see `kubectl logs -n %s %s -c %s --previous`",
				c.Name, last.ExitCode, lastLine(last.Message, last.Reason), pod.Namespace, pod.Name, c.Name)
		}
		return fmt.Sprintf("container %s: %s: %s; see `kubectl describe pod -n %s %s`",
			c.Name, w.Reason, lastLine(w.Message, "image "+c.Image), pod.Namespace, pod.Name)
	}
	return ""
}

// crashCause says which container of a pod that had started ended, for the environment's owner.
func crashCause(pod *corev1.Pod) string {
	for _, c := range pod.Status.ContainerStatuses {
		end := c.State.Terminated
		if end == nil {
			end = c.LastTerminationState.Terminated
		}
		if end != nil {
			return fmt.Sprintf("container %s ended soon after its start, with exit code %d (%s)",
				c.Name, end.ExitCode, lastLine(end.Message, end.Reason))
		}
	}
	return "a container of pod " + pod.Name + " ended soon after its start"
}

// unschedulable says why no node takes the pod; "" when one did or nobody tried.
func unschedulable(pod *corev1.Pod) string {
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.PodScheduled && c.Status == corev1.ConditionFalse && c.Reason == corev1.PodReasonUnschedulable {
			return c.Message
		}
	}
	return ""
}

// ended reports whether the pod's containers are over for good.
func ended(pod *corev1.Pod) bool {
	return pod.Status.Phase == corev1.PodFailed || pod.Status.Phase == corev1.PodSucceeded
}

// restarts counts the restarts of the pod's containers, those that are due included: a container that died may have to
// wait for its restart.
func restarts(pod *corev1.Pod) (n int32) {
	for _, c := range pod.Status.ContainerStatuses {
		n += c.RestartCount
		if c.State.Terminated != nil && pod.DeletionTimestamp == nil {
			n++
		}
	}
	return n
}

func containerStatuses(pod *corev1.Pod) []corev1.ContainerStatus {
	return slices.Concat(pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses)
}

// lastLine returns the last line of text that says something, or fallback: of a log's tail that is the error.
func lastLine(text, fallback string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	for _, line := range slices.Backward(lines) {
		if line = strings.TrimSpace(line); line != "" {
			return line[:min(len(line), 300)]
		}
	}
	return fallback
}
