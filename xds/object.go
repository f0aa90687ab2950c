package xds

import (
	"net"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/wire"
)

// Function is what Envoy needs to know of a function.
type Function struct {
	ID wire.FunctionID
	// HTTP2 says that the function's process speaks HTTP/2 without TLS: pods and activators get it so too.
	HTTP2 bool
	// Service says that the function has a Service; Hosts are its further hosts, apart by commas, and Since says which of
	// two functions that want the same is the older one.
	Service bool
	Hosts   string
	Since   int64
}

// FunctionOf reads a function.
func FunctionOf(f *v1.Function) Function {
	function := Function{
		ID:    wire.FunctionID{Namespace: f.Namespace, Name: f.Name, UID: string(f.UID)},
		HTTP2: f.Protocol() == v1.ProtocolH2C, Service: f.HasService(), Hosts: strings.Join(f.ServiceHosts(), ","),
	}
	if function.Hosts != "" {
		function.Since = f.CreationTimestamp.Unix()
	}
	return function
}

// Pod is a pod that takes requests: hot for a function, or an activator.
type Pod struct {
	UID string
	// Function is the UID of the function that the pod holds; "" for an activator.
	Function   string
	Generation int64
	// Address is "ip:port".
	Address string
	// Unready activators may have nobody who listens.
	Unready bool
}

// PodOf reads a pod; ok is false when it takes no requests (now).
func PodOf(p *corev1.Pod) (pod Pod, ok bool) {
	if p.Status.PodIP == "" || p.DeletionTimestamp != nil {
		return Pod{}, false
	}
	pod = Pod{UID: string(p.UID), Address: net.JoinHostPort(p.Status.PodIP, strconv.Itoa(wire.PortRequests))}
	if p.Labels[wire.LabelComponent] == componentActivator {
		pod.Unready = !ready(p)
		return pod, true
	}
	if p.Labels[wire.LabelState] != string(wire.StateHot) || lostContainer(p) || !v1.Probed(p) {
		return Pod{}, false
	}
	var err error
	pod.Function = p.Labels[wire.LabelFunctionUID]
	pod.Generation, err = strconv.ParseInt(p.Labels[wire.LabelFunctionGeneration], 10, 64)
	return pod, pod.Function != "" && err == nil
}

// lostContainer says that a container of the pod died: the function is not in it any more, also when it was started
// again. The pool replaces such a pod, but Envoys must not wait for that.
func lostContainer(p *corev1.Pod) bool {
	return slices.ContainsFunc(p.Status.ContainerStatuses, func(c corev1.ContainerStatus) bool {
		return c.State.Terminated != nil || c.LastTerminationState.Terminated != nil
	})
}

const componentActivator = "activator"

func ready(p *corev1.Pod) bool {
	for _, c := range p.Status.Conditions {
		if c.Type == corev1.PodReady {
			return c.Status == corev1.ConditionTrue
		}
	}
	return false
}
