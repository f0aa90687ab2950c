package pool

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
)

func TestBrokenCause_NamesTheContainerTheReasonAndTheNextCommand(t *testing.T) {
	waiting := func(reason, message string) corev1.PodStatus {
		return corev1.PodStatus{ContainerStatuses: []corev1.ContainerStatus{{
			Name: "node", Image: "img", State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: reason, Message: message}},
			LastTerminationState: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{
				ExitCode: 3, Reason: "Error", Message: "starting\nError: no such module\n\n",
			}},
		}}}
	}
	for name, c := range map[string]struct {
		status corev1.PodStatus
		want   []string
	}{
		"image unknown":   {waiting("ErrImagePull", "not found"), []string{"container node: ErrImagePull: not found", "kubectl describe pod -n ns p"}},
		"image name":      {waiting("InvalidImageName", ""), []string{"InvalidImageName", "image img"}},
		"crash":           {waiting("CrashLoopBackOff", "back-off"), []string{"exit code 3", "Error: no such module", "kubectl logs -n ns p -c node --previous"}},
		"evicted":         {corev1.PodStatus{Phase: corev1.PodFailed, Reason: "Evicted", Message: "disk pressure"}, []string{"Evicted disk pressure"}},
		"being created":   {waiting("ContainerCreating", ""), nil},
		"init containers": {corev1.PodStatus{InitContainerStatuses: waiting("ErrImagePull", "x").ContainerStatuses}, []string{"ErrImagePull"}},
		"nothing yet":     {corev1.PodStatus{Phase: corev1.PodPending}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			pod := &corev1.Pod{Status: c.status}
			pod.Name, pod.Namespace = "p", "ns"
			got := BrokenCause(pod)
			if (got == "") != (c.want == nil) {
				t.Errorf("cause = %q", got)
			}
			for _, want := range c.want {
				if !strings.Contains(got, want) {
					t.Errorf("cause %q does not say %q", got, want)
				}
			}
		})
	}
}
