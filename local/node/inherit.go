package node

import (
	"strconv"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// inherited returns the containers' states for a pod that an earlier agent ran.
// Its processes ended with that agent, which is told as kubelets tell of a
// container that they cannot find: so owners see that the container is not the
// one they knew.
func inherited(pod *corev1.Pod, now metav1.Time) map[string]containerState {
	states := map[string]containerState{}
	for i := range pod.Spec.InitContainers {
		states[pod.Spec.InitContainers[i].Name] = waitingState("PodInitializing")
	}
	first := "ContainerCreating"
	if len(pod.Spec.InitContainers) > 0 {
		first = "PodInitializing"
	}
	for i := range pod.Spec.Containers {
		states[pod.Spec.Containers[i].Name] = waitingState(first)
	}
	for _, old := range append(append([]corev1.ContainerStatus(nil), pod.Status.InitContainerStatuses...), pod.Status.ContainerStatuses...) {
		s, ok := states[old.Name]
		if !ok {
			continue
		}
		s.restarts, s.id, s.last = old.RestartCount, old.ContainerID, old.LastTerminationState
		switch {
		case old.State.Running != nil:
			s.last = corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{
				ExitCode: 137, Reason: "ContainerStatusUnknown", ContainerID: old.ContainerID,
				Message:   "The container could not be located when the node agent was restarted",
				StartedAt: old.State.Running.StartedAt, FinishedAt: now,
			}}
		case old.State.Terminated != nil:
			s.last = old.State
		}
		states[old.Name] = s
	}
	keepEnded(pod, states)
	return states
}

// keepEnded leaves main containers ended which would not be started again.
func keepEnded(pod *corev1.Pod, states map[string]containerState) {
	for i := range pod.Spec.Containers {
		name := pod.Spec.Containers[i].Name
		s := states[name]
		if s.last.Terminated != nil && !restarts(pod.Spec.RestartPolicy, int(s.last.Terminated.ExitCode)) {
			s.now, s.last = s.last, corev1.ContainerState{}
			states[name] = s
		}
	}
}

func waitingState(reason string) containerState {
	return containerState{now: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: reason}}}
}

// restarts says whether a container that exited with code is started again.
func restarts(policy corev1.RestartPolicy, code int) bool {
	switch policy {
	case corev1.RestartPolicyNever:
		return false
	case corev1.RestartPolicyOnFailure:
		return code != 0
	default:
		return true
	}
}

// newer says whether a is a later version of the object than b. What has no
// version, as a static pod, is always taken.
func newer(a, b *corev1.Pod) bool {
	x, errX := strconv.ParseUint(a.ResourceVersion, 10, 64)
	y, errY := strconv.ParseUint(b.ResourceVersion, 10, 64)
	return errX != nil || errY != nil || x > y
}
