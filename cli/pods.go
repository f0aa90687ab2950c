package cli

import (
	"context"
	"errors"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/kube"
	"hotpod.dev/wire"
)

// pods are shown, never created or deleted, by the command.
func (a *app) pods() noun[*corev1.Pod, *corev1.PodList] {
	label := func(key string) func(*corev1.Pod) string {
		return func(p *corev1.Pod) string { return dash(p.Labels[key]) }
	}
	return noun[*corev1.Pod, *corev1.PodList]{
		app: a, name: "pod", command: "kubectl",
		client: func(c *kube.Clients, ns string) client[*corev1.Pod, *corev1.PodList] { return c.Pods(ns) },
		items:  func(l *corev1.PodList) []*corev1.Pod { return pointers(l.Items) },
		columns: []column[*corev1.Pod]{
			{"NAME", false, func(p *corev1.Pod) string { return p.Name }},
			{"STATE", false, podState},
			{"READY", false, podReady},
			{"FUNCTION", false, label(wire.LabelFunctionName)},
			{"GENERATION", false, label(wire.LabelFunctionGeneration)},
			{"ENVIRONMENT", false, label(wire.LabelEnvironmentName)},
			{"IP", false, func(p *corev1.Pod) string { return dash(p.Status.PodIP) }},
			{"NODE", true, func(p *corev1.Pod) string { return dash(p.Spec.NodeName) }},
			{"NAMESPACE", false, func(p *corev1.Pod) string { return p.Namespace }},
			{"AGE", false, func(p *corev1.Pod) string { return age(p.CreationTimestamp, a.now()) }},
		},
	}
}

// podStarting is the state of a pod that was made for a function and does not hold it yet, as far as its labels say.
const podStarting = "starting"

func podState(p *corev1.Pod) string {
	if p.DeletionTimestamp != nil {
		return "terminating"
	}
	executor, state := p.Labels[wire.LabelExecutorType], p.Labels[wire.LabelState]
	if state == string(wire.StateWarm) && executor != "" && executor != v1.ExecutorPool {
		return podStarting
	}
	return dash(state)
}

func podReady(p *corev1.Pod) string {
	ready := 0
	for _, c := range p.Status.ContainerStatuses {
		if c.Ready {
			ready++
		}
	}
	return strconv.Itoa(ready) + "/" + strconv.Itoa(len(p.Spec.Containers))
}

// podsOf returns the pods of a function, in every namespace that may hold them.
func (a *app) podsOf(ctx context.Context, functionUID string) ([]corev1.Pod, error) {
	opts := metav1.ListOptions{LabelSelector: wire.LabelFunctionUID + "=" + functionUID}
	list, err := a.clients.Pods(metav1.NamespaceAll).List(ctx, opts)
	if err != nil { // an ordinary user may read the own namespace only
		own, ownErr := a.clients.Pods(a.namespace).List(ctx, opts)
		if ownErr != nil {
			return nil, errors.Join(err, ownErr)
		}
		list = own
	}
	return list.Items, nil
}

// printPods prints pods as the other commands print their objects.
func (a *app) printPods(pods []corev1.Pod, format string) error {
	if !table(format) {
		return printObject(a.Out, kube.Scheme(), &corev1.PodList{Items: pods}, format)
	}
	if len(pods) == 0 {
		a.progress("no pods: the function is scaled to zero, the next request starts one")
		return nil
	}
	return printTable(a.Out, a.pods().columns, pointers(pods), format, true)
}
