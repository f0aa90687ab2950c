package dedicated

import (
	"os"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/internal/kubetest"
	"hotpod.dev/pool"
)

var server kubetest.Shared

func TestMain(m *testing.M) { os.Exit(server.Main(m)) }

func TestTemplates_AreTakenByAClusterThatEnforcesTheRestrictedStandard(t *testing.T) {
	s := server.Get(t)
	ns := s.RestrictedNamespace(t)
	client := kubernetes.NewForConfigOrDie(s.Config())
	rich := functionOf("rich", v1.ExecutorContainer)
	rich.Spec.PodSpec.Raw = []byte(`{"initContainers":[{"name":"init","image":"i"}],"volumes":[{"name":"data","emptyDir":{}}],
		"containers":[{"name":"rich","image":"i","ports":[{"name":"h2c","containerPort":80}],"volumeMounts":[{"name":"data","mountPath":"/data"}],
		"livenessProbe":{"httpGet":{"path":"/","port":"h2c"}},"lifecycle":{"postStart":{"exec":{"command":["true"]}}}}]}`)
	for _, f := range []*v1.Function{functionOf("plain", v1.ExecutorNewDeploy), functionOf("image", v1.ExecutorContainer), rich} {
		f.Namespace = ns
		f.Spec.Env = []corev1.EnvVar{{Name: "A", Value: "1"}}
		f.Spec.Secrets = []v1.SecretReference{{Name: "secret"}}
		f.Spec.Resources.Limits = amounts("cpu", "1", "memory", "1Gi")
		template := container
		if f.Executor() == v1.ExecutorNewDeploy {
			template = func(f *v1.Function, cfg pool.Config) (*corev1.Pod, error) {
				return newDeploy(f, environmentOf("image"), cfg)
			}
		}
		pod, err := template(f, config())
		if err != nil {
			t.Fatal(err)
		}
		pod.Name = f.Name
		if _, err := client.CoreV1().Pods(ns).Create(t.Context(), pod, metav1.CreateOptions{}); err != nil {
			t.Errorf("pod of %s: %v", f.Name, err)
		}
	}
}
