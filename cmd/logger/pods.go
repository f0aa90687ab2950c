package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/kube"
	"hotpod.dev/logger"
	"hotpod.dev/pool"
	"hotpod.dev/wire"
)

// watch tells the follower of every pod of functions and environments.
func watch(cache *kube.Cache, f *logger.Follower) {
	cache.Pods(kube.PodFilter{LabelSelector: wire.LabelExecutorType}).Watch(kube.Handler[*corev1.Pod]{
		Set:    func(p *corev1.Pod) { f.Put(pod(p)) },
		Delete: func(p *corev1.Pod) { f.Gone(string(p.UID)) },
		Synced: f.Synced,
	})
}

// pod is what the follower has to know of p.
func pod(p *corev1.Pod) logger.Pod {
	l := p.Labels
	out := logger.Pod{
		Namespace: p.Namespace, Name: p.Name, UID: string(p.UID), Environment: l[wire.LabelEnvironmentName],
		EnvironmentNamespace: l[wire.LabelEnvironmentNamespace], Function: l[wire.LabelFunctionName],
		FunctionNamespace: l[wire.LabelFunctionNamespace], FunctionUID: l[wire.LabelFunctionUID],
		Ended: p.Status.Phase == corev1.PodSucceeded || p.Status.Phase == corev1.PodFailed,
	}
	out.Generation, _ = strconv.ParseInt(l[wire.LabelFunctionGeneration], 10, 64)
	if millis, err := strconv.ParseInt(l[wire.LabelClaimed], 10, 64); err == nil && l[wire.LabelExecutorType] == v1.ExecutorPool {
		out.Claimed = time.UnixMilli(millis)
	}
	for _, c := range p.Spec.Containers {
		if c.Name != pool.ContainerFetcher && c.Name != pool.ContainerProxy {
			out.Containers = append(out.Containers, container(p, c.Name))
		}
	}
	return out
}

func container(p *corev1.Pod, name string) logger.Container {
	c := logger.Container{Name: name}
	for _, s := range p.Status.ContainerStatuses {
		if s.Name == name {
			c.Restarts = int64(s.RestartCount)
			c.Started = s.State.Running != nil || s.State.Terminated != nil || s.LastTerminationState.Terminated != nil
		}
	}
	return c
}

// logs opens logs through the API server.
type logs struct{ clients *kube.Clients }

// OpenLog returns logger.ErrGone for pods and instances that are not there any more.
func (l logs) OpenLog(ctx context.Context, log logger.Log) (io.ReadCloser, error) {
	o := &corev1.PodLogOptions{Container: log.Container, Follow: log.Follow, Previous: log.Previous, Timestamps: true}
	if !log.Since.IsZero() {
		o.SinceTime = &metav1.Time{Time: log.Since}
	}
	stream, err := l.clients.PodLogs(ctx, log.Namespace, log.Pod, o)
	if apierrors.IsNotFound(err) || log.Previous && apierrors.IsBadRequest(err) {
		return nil, errors.Join(logger.ErrGone, fmt.Errorf("open the log: %w", err))
	}
	return stream, err
}
