package node

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// containerState is what a worker knows of one container.
type containerState struct {
	now      corev1.ContainerState
	last     corev1.ContainerState
	restarts int32
	ready    bool
	started  bool
	// id names the present or last run.
	id string
}

// completed says that the container ended with success and will not run again.
func (s containerState) completed() bool {
	return s.now.Terminated != nil && s.now.Terminated.ExitCode == 0
}

// podView is what a worker knows of its pod; with the pod it determines the status.
type podView struct {
	containers map[string]containerState
	address    netip.Addr
	host       string
	began      metav1.Time
	// sandbox says that the pod's namespaces exist.
	sandbox bool
	// failed, when not empty, ends the pod whatever its containers say, as
	// DeadlineExceeded does; message explains it.
	failed, message string
}

// statusOf computes the pod's status. Conditions whose status did not change keep
// their times, and those of others are kept as they are.
func statusOf(pod *corev1.Pod, v podView, now metav1.Time) corev1.PodStatus {
	status := *pod.Status.DeepCopy()
	status.ObservedGeneration = pod.Generation
	status.StartTime = &v.began
	status.HostIP, status.HostIPs = v.host, []corev1.HostIP{{IP: v.host}}
	status.PodIP, status.PodIPs = "", nil
	if v.address.IsValid() {
		status.PodIP, status.PodIPs = v.address.String(), []corev1.PodIP{{IP: v.address.String()}}
	}
	status.InitContainerStatuses = containerStatuses(pod.Spec.InitContainers, v)
	status.ContainerStatuses = containerStatuses(pod.Spec.Containers, v)
	status.Phase = phaseOf(pod, v)
	status.Reason, status.Message = v.failed, v.message
	for _, c := range conditionsOf(pod, v, status.Phase) {
		setCondition(&status, c, pod.Generation, now)
	}
	return status
}

func containerStatuses(containers []corev1.Container, v podView) []corev1.ContainerStatus {
	all := make([]corev1.ContainerStatus, 0, len(containers))
	for _, c := range containers {
		s := v.containers[c.Name]
		all = append(all, corev1.ContainerStatus{
			Name: c.Name, Image: c.Image, ImageID: c.Image, ContainerID: s.id,
			State: s.now, LastTerminationState: s.last, RestartCount: s.restarts,
			Ready: s.ready, Started: new(s.started),
		})
	}
	return all
}

// phaseOf follows the kubelet's rules.
func phaseOf(pod *corev1.Pod, v podView) corev1.PodPhase {
	if v.failed != "" {
		return corev1.PodFailed
	}
	if initialized, failed := initState(pod, v); failed {
		return corev1.PodFailed
	} else if !initialized {
		return corev1.PodPending
	}
	var waiting, running, stopped, succeeded int
	for _, c := range pod.Spec.Containers {
		s := v.containers[c.Name]
		switch {
		case s.now.Running != nil:
			running++
		case s.now.Terminated != nil, s.last.Terminated != nil:
			stopped++
			if s.completed() {
				succeeded++
			}
		default:
			waiting++
		}
	}
	switch {
	case waiting > 0:
		return corev1.PodPending
	case running > 0, pod.Spec.RestartPolicy == corev1.RestartPolicyAlways || pod.Spec.RestartPolicy == "":
		return corev1.PodRunning
	case stopped == succeeded:
		return corev1.PodSucceeded
	case pod.Spec.RestartPolicy == corev1.RestartPolicyNever:
		return corev1.PodFailed
	default:
		return corev1.PodRunning
	}
}

// initState says whether all init containers did their work, and whether one
// failed for good.
func initState(pod *corev1.Pod, v podView) (initialized, failed bool) {
	for i := range pod.Spec.InitContainers {
		c := &pod.Spec.InitContainers[i]
		s := v.containers[c.Name]
		switch {
		case sidecar(c):
			if !s.started && s.last.Terminated == nil && s.now.Terminated == nil {
				return false, false
			}
		case s.completed():
		case s.now.Terminated != nil && pod.Spec.RestartPolicy == corev1.RestartPolicyNever:
			return false, true
		default:
			return false, false
		}
	}
	return true, false
}

// sidecar says that an init container keeps running beside the others.
func sidecar(c *corev1.Container) bool {
	return c.RestartPolicy != nil && *c.RestartPolicy == corev1.ContainerRestartPolicyAlways
}

func conditionsOf(pod *corev1.Pod, v podView, phase corev1.PodPhase) []corev1.PodCondition {
	initialized, _ := initState(pod, v)
	conditions := []corev1.PodCondition{
		{Type: corev1.PodScheduled, Status: corev1.ConditionTrue},
		condition(corev1.PodReadyToStartContainers, v.sandbox, "", ""),
		condition(corev1.PodInitialized, initialized, "ContainersNotInitialized", incomplete(pod, v)),
	}
	if phase == corev1.PodSucceeded || phase == corev1.PodFailed {
		reason := map[corev1.PodPhase]string{corev1.PodSucceeded: "PodCompleted", corev1.PodFailed: "PodFailed"}[phase]
		return append(conditions,
			condition(corev1.ContainersReady, false, reason, ""), condition(corev1.PodReady, false, reason, ""))
	}
	unready := unreadyContainers(pod, v)
	message := fmt.Sprintf("containers with unready status: [%s]", strings.Join(unready, " "))
	containers := condition(corev1.ContainersReady, len(unready) == 0, "ContainersNotReady", message)
	ready := condition(corev1.PodReady, len(unready) == 0, "ContainersNotReady", message)
	if gate := closedGate(pod); len(unready) == 0 && gate != "" {
		ready = condition(corev1.PodReady, false, "ReadinessGatesNotReady", fmt.Sprintf("the status of pod readiness gate %q is not \"True\"", gate))
	}
	return append(conditions, containers, ready)
}

func condition(kind corev1.PodConditionType, ok bool, reason, message string) corev1.PodCondition {
	if ok {
		return corev1.PodCondition{Type: kind, Status: corev1.ConditionTrue}
	}
	return corev1.PodCondition{Type: kind, Status: corev1.ConditionFalse, Reason: reason, Message: message}
}

func incomplete(pod *corev1.Pod, v podView) string {
	var names []string
	for i := range pod.Spec.InitContainers {
		if c := &pod.Spec.InitContainers[i]; !v.containers[c.Name].completed() {
			names = append(names, c.Name)
		}
	}
	return fmt.Sprintf("containers with incomplete status: [%s]", strings.Join(names, " "))
}

func unreadyContainers(pod *corev1.Pod, v podView) []string {
	var names []string
	for i := range pod.Spec.InitContainers {
		if c := &pod.Spec.InitContainers[i]; sidecar(c) && !v.containers[c.Name].ready {
			names = append(names, c.Name)
		}
	}
	for _, c := range pod.Spec.Containers {
		if !v.containers[c.Name].ready {
			names = append(names, c.Name)
		}
	}
	return names
}

// closedGate returns the first readiness gate that others have not opened.
func closedGate(pod *corev1.Pod) corev1.PodConditionType {
	for _, gate := range pod.Spec.ReadinessGates {
		open := slices.ContainsFunc(pod.Status.Conditions, func(c corev1.PodCondition) bool {
			return c.Type == gate.ConditionType && c.Status == corev1.ConditionTrue
		})
		if !open {
			return gate.ConditionType
		}
	}
	return ""
}

func setCondition(status *corev1.PodStatus, c corev1.PodCondition, generation int64, now metav1.Time) {
	c.ObservedGeneration = generation
	c.LastTransitionTime = now
	for i, old := range status.Conditions {
		if old.Type != c.Type {
			continue
		}
		if old.Status == c.Status {
			c.LastTransitionTime = old.LastTransitionTime
		}
		status.Conditions[i] = c
		return
	}
	status.Conditions = append(status.Conditions, c)
}
