package controller

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/kube"
	"hotpod.dev/wire"
)

// environmentReady returns the condition of an environment from its pods, and from what its pool says (nil when nothing).
func environmentReady(e *v1.Environment, pods []*corev1.Pod, pool *wire.PoolStatus) metav1.Condition {
	const kind = v1.ConditionReady
	if pool == nil {
		pool = &wire.PoolStatus{Wanted: e.PoolSize()}
	}
	newest, fault := survey(pods)
	switch {
	case fault != "":
		return untruth(kind, v1.ReasonPoolUnavailable, fault)
	case !newest.IsZero():
		return truth(kind, v1.ReasonAvailable, "pods start and become ready")
	case pool.Failure != nil:
		return untruth(kind, pool.Failure.Reason, pool.Failure.Message)
	case e.PoolSize() == 0 || pool.Wanted == 0:
		return truth(kind, v1.ReasonNoPool, "no warm pods are kept: the first request of a function waits for a pod to start")
	default:
		return unknown(kind, v1.ReasonPoolStarting, "no pod is ready yet")
	}
}

// survey returns when the newest ready pod was made, and what is wrong with a pod that is newer: an old pod that runs
// says nothing of an image that was changed since.
func survey(pods []*corev1.Pod) (newest time.Time, fault string) {
	for _, p := range pods {
		if p.DeletionTimestamp == nil && ready(p) && p.CreationTimestamp.After(newest) {
			newest = p.CreationTimestamp.Time
		}
	}
	var of *corev1.Pod
	for _, p := range pods {
		if p.DeletionTimestamp != nil || p.CreationTimestamp.Time.Before(newest) || ready(p) {
			continue
		}
		// Of several faults the first pod's is told, so that the message stays the same while others come and go.
		if f := podFault(p); f != "" && (of == nil || p.Name < of.Name) {
			of, fault = p, f
		}
	}
	return newest, fault
}

func ready(p *corev1.Pod) bool {
	for _, c := range p.Status.Conditions {
		if c.Type == corev1.PodReady {
			return c.Status == corev1.ConditionTrue
		}
	}
	return false
}

// podFault says why a pod does not start, "" when nothing is wrong with it so far.
func podFault(p *corev1.Pod) string {
	for _, c := range p.Status.ContainerStatuses {
		if w := c.State.Waiting; w != nil && w.Reason != "ContainerCreating" && w.Reason != "PodInitializing" && w.Reason != "" {
			return fmt.Sprintf("container %s (image %s): %s", c.Name, c.Image, detail(w.Reason, w.Message))
		}
	}
	for _, c := range p.Status.Conditions {
		if c.Type == corev1.PodScheduled && c.Status == corev1.ConditionFalse {
			return "pods find no node: " + detail(c.Reason, c.Message)
		}
	}
	if p.Status.Phase == corev1.PodFailed {
		return "a pod failed: " + detail(p.Status.Reason, p.Status.Message)
	}
	return ""
}

func detail(reason, message string) string {
	if message == "" {
		return reason
	}
	return reason + ": " + message
}

// reconcileEnvironment applies the condition of an environment.
func (c *Controller) reconcileEnvironment(ctx context.Context, key kube.Key) (time.Duration, error) {
	e, ok := c.environments.Get(key.Namespace, key.Name)
	if !ok || e.DeletionTimestamp != nil {
		return 0, nil
	}
	pool := c.reports.pool(string(e.UID))
	conditions := append([]metav1.Condition{environmentReady(e, c.pods.By(byEnvironment, string(e.UID)), pool)}, poolSettings(e)...)
	s := v1.EnvironmentStatus{
		ObservedGeneration: e.Generation,
		Conditions:         date(e.Status.Conditions, conditions, e.Generation, metav1.Now()),
		Pool:               environmentPool(e.Status.Pool, pool),
	}
	old := e.Status
	if write, wait := c.due(e, old.ObservedGeneration, old.Conditions, s.Conditions, samePool(old.Pool, s.Pool)); !write {
		return wait, nil
	}
	return 0, kube.ApplyStatus(ctx, c.clients.Environments(e.Namespace), e, s)
}
