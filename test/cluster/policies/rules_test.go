package main

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/yaml"
)

func pod(namespace, name, address string, of labels.Set) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name, Labels: of},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Ports: []corev1.ContainerPort{{Name: "web", ContainerPort: 8080, Protocol: corev1.ProtocolTCP}}}}},
		Status:     corev1.PodStatus{PodIP: address},
	}
}

// What a policy makes of a node with the pods a and b in the namespace one, and c in two.
func TestRules_FollowThePolicy(t *testing.T) {
	for name, tc := range map[string]struct {
		spec string
		has  []string
		not  string
	}{
		"everything is denied to whom it selects": {
			`{podSelector: {matchLabels: {app: a}}, policyTypes: [Ingress]}`,
			[]string{"10.0.0.1 : jump in0", "# one/a\n  reject with icmpx admin-prohibited"},
			"10.0.0.2 : jump",
		},
		"peers of the same namespace, by name of the selected pod's port": {
			`{podSelector: {matchLabels: {app: a}}, policyTypes: [Ingress], ingress: [{from: [{podSelector: {matchLabels: {app: b}}}], ports: [{port: web}]}]}`,
			[]string{"# one/a\n  ip saddr 10.0.0.2 tcp dport 8080 return\n  reject"},
			"",
		},
		"peers of another namespace": {
			`{podSelector: {matchLabels: {app: a}}, policyTypes: [Ingress], ingress: [{from: [{namespaceSelector: {matchLabels: {name: two}}, podSelector: {matchLabels: {app: b}}}]}]}`,
			[]string{"# one/a\n  ip saddr 10.0.0.3 return\n  reject"},
			"",
		},
		"addresses but some, and a range of ports": {
			`{podSelector: {matchLabels: {app: b}}, policyTypes: [Egress], egress: [{to: [{ipBlock: {cidr: "::/0"}}]}, {to: [{ipBlock: {cidr: 0.0.0.0/0, except: [10.0.0.0/8]}}], ports: [{port: 80, endPort: 90}]}, {ports: [{port: 53, protocol: UDP}]}]}`,
			[]string{"10.0.0.2 : jump out1", "ip6 daddr ::/0 return\n  ip daddr 0.0.0.0/0 ip daddr != { 10.0.0.0/8 } tcp dport 80-90 return\n   udp dport 53 return\n  reject"},
			"in1",
		},
		"nobody is selected": {`{podSelector: {matchLabels: {app: x}}, policyTypes: [Ingress, Egress]}`, nil, "reject"},
	} {
		t.Run(name, func(t *testing.T) {
			policy := &networkingv1.NetworkPolicy{ObjectMeta: metav1.ObjectMeta{Namespace: "one"}}
			if err := yaml.Unmarshal([]byte(tc.spec), &policy.Spec); err != nil {
				t.Fatal(err)
			}
			gone := pod("one", "gone", "10.0.0.9", labels.Set{"app": "a"})
			gone.Status.Phase = corev1.PodSucceeded
			w := world{
				pods: []*corev1.Pod{
					gone, pod("one", "a", "10.0.0.1", labels.Set{"app": "a"}), pod("one", "b", "10.0.0.2", labels.Set{"app": "b"}),
					pod("two", "c", "10.0.0.3", labels.Set{"app": "b"}),
				},
				policies: []*networkingv1.NetworkPolicy{policy}, namespaces: map[string]labels.Set{"one": nil, "two": {"name": "two"}},
			}
			rules := w.rules()
			for _, part := range tc.has {
				if !strings.Contains(rules, part) {
					t.Errorf("no %q in\n%s", part, rules)
				}
			}
			if tc.not != "" && strings.Contains(rules, tc.not) {
				t.Errorf("%q in\n%s", tc.not, rules)
			}
		})
	}
}
