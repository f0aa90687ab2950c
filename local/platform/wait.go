package platform

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// partsTimeout bounds the time from the parts' start until all are ready.
const partsTimeout = time.Minute

// waitParts returns when every part is ready, or tells which are not and why. What was started before the given time
// does not count: after a crash the API still shows the pods of the earlier run as they were.
func waitParts(ctx context.Context, client kubernetes.Interface, pods []*corev1.Pod, since time.Time, node *child) error {
	ctx, cancel := context.WithTimeout(ctx, partsTimeout)
	defer cancel()
	err := poll(ctx, 25*time.Millisecond, func(ctx context.Context) error {
		var errs []error
		for _, pod := range pods {
			got, err := client.CoreV1().Pods(pod.Namespace).Get(ctx, pod.Name, metav1.GetOptions{})
			if err == nil {
				err = errors.Join(stale(got, since), unready(got))
			}
			if err != nil {
				errs = append(errs, fmt.Errorf("part %s: %w", pod.Name, err))
			}
		}
		return errors.Join(errs...)
	}, node)
	if err != nil {
		return fmt.Errorf("wait for the parts: %w", err)
	}
	return nil
}

// stale tells which container's state is that of an earlier run, nil when none is. The API keeps whole seconds.
func stale(pod *corev1.Pod, since time.Time) error {
	for _, c := range pod.Status.ContainerStatuses {
		if r := c.State.Running; r != nil && r.StartedAt.Time.Before(since.Truncate(time.Second)) {
			return fmt.Errorf("%s is shown as an earlier run left it", c.Name)
		}
	}
	return nil
}

// unready tells why a pod is not ready, nil when it is.
func unready(pod *corev1.Pod) error {
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue {
			return nil
		}
	}
	var reasons []string
	for _, c := range pod.Status.ContainerStatuses {
		if w := c.State.Waiting; w != nil {
			reasons = append(reasons, fmt.Sprintf("%s waits: %s %s", c.Name, w.Reason, w.Message))
		}
		if t := c.LastTerminationState.Terminated; t != nil {
			reasons = append(reasons, fmt.Sprintf("%s ended with code %d %s", c.Name, t.ExitCode, t.Message))
		}
	}
	if len(reasons) == 0 {
		reasons = []string{fmt.Sprintf("not ready (%s)", pod.Status.Phase)}
	}
	return errors.New(strings.Join(reasons, "; "))
}
