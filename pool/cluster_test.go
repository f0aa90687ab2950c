package pool

import (
	"os"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/internal/kubetest"
)

var server kubetest.Shared

func TestMain(m *testing.M) { os.Exit(server.Main(m)) }

func TestPodFor_IsTakenByAClusterThatEnforcesTheRestrictedStandard(t *testing.T) {
	s := server.Get(t)
	ns := s.RestrictedNamespace(t)
	client := kubernetes.NewForConfigOrDie(s.Config())
	long := environmentOf(strings.Repeat("a", nameLength-1)+"."+strings.Repeat("b", 150), 1)
	long.UID = "long"
	rich := environmentOf("rich", 1)
	rich.Spec.Runtime.Container = raw(`{"env":[{"name":"A","value":"1"}],"readinessProbe":{"tcpSocket":{"port":8888}}}`)
	rich.Spec.Runtime.PodSpec = raw(`{"nodeSelector":{"a":"b"},"containers":[{"name":"helper","image":"helper"}],"initContainers":[{"name":"init","image":"init"}]}`)
	for _, e := range []*v1.Environment{environmentOf("node", 1), environmentOf("fetcher", 1), long, rich} {
		e.Namespace = ns
		pod := named(podFor(t, e, testConfig()), podName(e.Name), ownedBy(e))
		if _, err := client.CoreV1().Pods(ns).Create(t.Context(), pod, metav1.CreateOptions{}); err != nil {
			t.Errorf("pod of %s: %v", e.Name, err)
		}
	}
}
