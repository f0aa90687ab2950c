package cli

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"hotpod.dev/kube"
	"hotpod.dev/wire"
)

// routerLabel is on the router's pods and on its Service.
const routerLabel = "application=fission-router"

// publicURL returns where routes can be called: what FISSION_ROUTER_URL or FISSION_ROUTER say, or the address of the
// router's Service that clients outside the cluster have; "" when there is none.
func (a *app) publicURL(ctx context.Context) string {
	if u := a.Getenv("FISSION_ROUTER_URL"); u != "" {
		return strings.TrimSuffix(u, "/")
	}
	if host := a.Getenv("FISSION_ROUTER"); host != "" {
		return "http://" + strings.TrimSuffix(strings.TrimPrefix(host, "http://"), "/")
	}
	services, err := a.clients.Services(a.platformNamespace()).List(ctx, metav1.ListOptions{LabelSelector: routerLabel})
	if err != nil {
		return "" // an ordinary user may not look
	}
	for i := range services.Items {
		if u := serviceURL(&services.Items[i]); u != "" {
			return u
		}
	}
	return ""
}

func serviceURL(s *corev1.Service) string {
	for _, in := range s.Status.LoadBalancer.Ingress {
		host := in.Hostname
		if host == "" {
			host = in.IP
		}
		if host == "" || len(s.Spec.Ports) == 0 {
			continue
		}
		if port := s.Spec.Ports[0].Port; port != 80 {
			host = net.JoinHostPort(host, strconv.Itoa(int(port)))
		}
		return "http://" + host
	}
	return ""
}

// platformNamespace returns where the parts run: FISSION_NAMESPACE, or "" for anywhere.
func (a *app) platformNamespace() string { return a.Getenv("FISSION_NAMESPACE") }

// reachRouter returns a URL at which this process can call a port of the router. Call stop when done.
func (a *app) reachRouter(ctx context.Context, given string, port int) (base string, stop func(), err error) {
	return a.reach(ctx, given, "router", routerLabel, port)
}

// reach returns a URL at which this process can call a port of a part: the one given in the environment, or a port
// forwarded to one of the pods with the label. Call stop when done.
func (a *app) reach(ctx context.Context, given, part, label string, port int) (base string, stop func(), err error) {
	if given != "" {
		return strings.TrimSuffix(given, "/"), func() {}, nil
	}
	pods, err := a.clients.Pods(a.platformNamespace()).List(ctx, metav1.ListOptions{LabelSelector: label})
	if err != nil {
		return "", nil, fmt.Errorf("look for the %s: %w", part, err)
	}
	for i := range pods.Items {
		p := &pods.Items[i]
		if p.DeletionTimestamp != nil || p.Status.PodIP == "" {
			continue
		}
		addr, stop, err := kube.PortForward(ctx, a.clients, p.Namespace, p.Name, port)
		if err != nil {
			return "", nil, fmt.Errorf("reach the %s's pod %s: %w", part, p.Name, err)
		}
		return "http://" + addr, stop, nil
	}
	return "", nil, hint(fmt.Errorf("no %s pod runs (label %s)", part, label), "hotpod local status", "kubectl get pods -A -l "+label)
}

// internalURL returns where functions can be called without a route. Call stop when done.
func (a *app) internalURL(ctx context.Context) (base string, stop func(), err error) {
	return a.reachRouter(ctx, a.Getenv("FISSION_ROUTER_INTERNAL_URL"), wire.PortInternal)
}

// explainURL tells those who still set FISSION_URL what became of it.
func (a *app) explainURL() {
	if a.Getenv("FISSION_URL") != "" {
		a.progress("note: FISSION_URL is not used: there is no controller service any more, commands talk to the Kubernetes API " +
			"(--kubeconfig, $KUBECONFIG). For the router set FISSION_ROUTER_URL (routes) and FISSION_ROUTER_INTERNAL_URL (function test).")
	}
}
