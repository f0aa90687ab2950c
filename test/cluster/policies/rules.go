package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// direction is what differs between what comes in and what goes out.
type direction struct {
	kind networkingv1.PolicyType
	// peer is the address that the other side has.
	peer   string
	prefix string
}

// rules returns an nftables script that replaces the table of all policies. A pod that a policy selects has a chain for the
// direction, which returns for what is allowed.
func (w world) rules() string {
	in := direction{networkingv1.PolicyTypeIngress, "saddr", "in"}
	out := direction{networkingv1.PolicyTypeEgress, "daddr", "out"}
	var chains, fromPods, toPods []string
	w.pods = addressed(w.pods)
	for i, pod := range w.pods {
		for _, d := range []direction{in, out} {
			rules, isolated := w.chain(pod, d)
			if !isolated {
				continue
			}
			name := fmt.Sprintf("%s%d", d.prefix, i)
			chains = append(chains, fmt.Sprintf(" chain %s { # %s/%s\n%s  reject with icmpx admin-prohibited\n }\n", name, pod.Namespace, pod.Name, rules))
			element := pod.Status.PodIP + " : jump " + name
			if d == in {
				toPods = append(toPods, element)
			} else {
				fromPods = append(fromPods, element)
			}
		}
	}
	var b strings.Builder
	b.WriteString("table inet policies\ndelete table inet policies\ntable inet policies {\n")
	b.WriteString(strings.Join(chains, ""))
	// What goes to the node itself passes input, the rest forward; what the node sends to pods is always allowed.
	for _, hook := range []string{"forward", "input"} {
		fmt.Fprintf(&b, " chain %s {\n  type filter hook %s priority 10; policy accept;\n  ct state established,related accept\n", hook, hook)
		if len(fromPods) > 0 {
			fmt.Fprintf(&b, "  ip saddr vmap { %s }\n", strings.Join(fromPods, ", "))
		}
		if hook == "forward" && len(toPods) > 0 {
			fmt.Fprintf(&b, "  ip daddr vmap { %s }\n", strings.Join(toPods, ", "))
		}
		b.WriteString(" }\n")
	}
	b.WriteString("}\n")
	return b.String()
}

// addressed returns the pods that have an address of their own, by its order.
func addressed(pods []*corev1.Pod) []*corev1.Pod {
	byAddress := map[string]*corev1.Pod{}
	for _, p := range pods {
		over := p.Status.Phase == corev1.PodSucceeded || p.Status.Phase == corev1.PodFailed
		if over || p.Spec.HostNetwork || p.Status.PodIP == "" {
			continue
		}
		// An address may be given away again before its last pod is gone from the API.
		if other := byAddress[p.Status.PodIP]; other == nil || other.CreationTimestamp.Before(&p.CreationTimestamp) {
			byAddress[p.Status.PodIP] = p
		}
	}
	return slices.SortedFunc(maps.Values(byAddress), func(a, b *corev1.Pod) int { return strings.Compare(a.Status.PodIP, b.Status.PodIP) })
}

// chain returns the rules of what policies allow the pod, and whether any selects it.
func (w world) chain(pod *corev1.Pod, d direction) (rules string, isolated bool) {
	var b strings.Builder
	for _, policy := range w.policies {
		if policy.Namespace != pod.Namespace || !selects(&policy.Spec.PodSelector, pod.Labels) || !slices.Contains(policy.Spec.PolicyTypes, d.kind) {
			continue
		}
		isolated = true
		if d.kind == networkingv1.PolicyTypeIngress {
			for _, r := range policy.Spec.Ingress {
				w.allow(&b, policy.Namespace, d, r.From, r.Ports, pod)
			}
			continue
		}
		for _, r := range policy.Spec.Egress {
			w.allow(&b, policy.Namespace, d, r.To, r.Ports, nil)
		}
	}
	return b.String(), isolated
}

// allow writes the rules for peers and ports. Names of ports are those of target, or of each peer when it is nil.
func (w world) allow(b *strings.Builder, namespace string, d direction, peers []networkingv1.NetworkPolicyPeer, ports []networkingv1.NetworkPolicyPort, target *corev1.Pod) {
	line := func(peer string, pod *corev1.Pod) {
		if len(ports) == 0 {
			fmt.Fprintf(b, "  %s return\n", peer)
		}
		for _, port := range ports {
			if match, ok := portMatch(port, pod); ok {
				fmt.Fprintf(b, "  %s %s return\n", peer, match)
			}
		}
	}
	if len(peers) == 0 {
		line("", target)
	}
	for _, peer := range peers {
		if block := peer.IPBlock; block != nil {
			line(block6or4(block, d.peer), target)
			continue
		}
		for _, pod := range w.matching(namespace, peer) {
			named := target
			if named == nil {
				named = pod
			}
			line(fmt.Sprintf("ip %s %s", d.peer, pod.Status.PodIP), named)
		}
	}
}

// block6or4 returns how a block of addresses is told.
func block6or4(block *networkingv1.IPBlock, peer string) string {
	family := "ip"
	if strings.Contains(block.CIDR, ":") {
		family = "ip6"
	}
	match := fmt.Sprintf("%s %s %s", family, peer, block.CIDR)
	if len(block.Except) > 0 {
		match += fmt.Sprintf(" %s %s != { %s }", family, peer, strings.Join(block.Except, ", "))
	}
	return match
}

// matching returns the pods that a peer's selectors choose.
func (w world) matching(namespace string, peer networkingv1.NetworkPolicyPeer) []*corev1.Pod {
	return slices.DeleteFunc(slices.Clone(w.pods), func(p *corev1.Pod) bool {
		if peer.NamespaceSelector == nil && p.Namespace != namespace {
			return true
		}
		if peer.NamespaceSelector != nil && !selects(peer.NamespaceSelector, w.namespaces[p.Namespace]) {
			return true
		}
		return peer.PodSelector != nil && !selects(peer.PodSelector, p.Labels)
	})
}

func selects(s *metav1.LabelSelector, of labels.Set) bool {
	selector, err := metav1.LabelSelectorAsSelector(s)
	return err == nil && selector.Matches(of)
}

// portMatch returns how a port is told; not ok when the pod has none of that name.
func portMatch(port networkingv1.NetworkPolicyPort, pod *corev1.Pod) (match string, ok bool) {
	protocol := corev1.ProtocolTCP
	if port.Protocol != nil {
		protocol = *port.Protocol
	}
	proto := strings.ToLower(string(protocol))
	switch {
	case port.Port == nil:
		return "meta l4proto " + proto, true
	case port.Port.Type == intstr.Int && port.EndPort != nil:
		return fmt.Sprintf("%s dport %d-%d", proto, port.Port.IntVal, *port.EndPort), true
	case port.Port.Type == intstr.Int:
		return fmt.Sprintf("%s dport %d", proto, port.Port.IntVal), true
	case pod == nil:
		return "", false
	}
	for _, c := range pod.Spec.Containers {
		for _, p := range c.Ports {
			if p.Name == port.Port.StrVal && p.Protocol == protocol {
				return fmt.Sprintf("%s dport %d", proto, p.ContainerPort), true
			}
		}
	}
	return "", false
}
