package pool

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/wire"
)

func TestPodFor_HasTheEnvironmentsResourcesGraceAndCredentials(t *testing.T) {
	e := environmentOf("node", 1)
	grace := int64(7)
	e.Spec.TerminationGracePeriod, e.Spec.ImagePullSecret = &grace, "registry"
	e.Spec.Resources = corev1.ResourceRequirements{
		Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("50m")},
		Limits:   corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("64Mi")},
	}
	spec := podFor(t, e, testConfig()).Spec
	rt := spec.Containers[0].Resources
	if rt.Requests.Cpu().String() != "50m" || rt.Limits.Memory().String() != "64Mi" {
		t.Errorf("resources %+v", rt)
	}
	if *spec.TerminationGracePeriodSeconds != 7 || spec.ImagePullSecrets[0].Name != "registry" {
		t.Errorf("grace %d, credentials %v", *spec.TerminationGracePeriodSeconds, spec.ImagePullSecrets)
	}
}

func TestPodFor_CarriesLabelsAndAnnotations(t *testing.T) {
	e := environmentOf("node", 1)
	e.Labels = map[string]string{"team": "blue", wire.LabelEnvironmentName: "other", "argocd.argoproj.io/instance": "x"}
	e.Annotations = map[string]string{
		"prometheus.io/scrape": "false", "kubectl.kubernetes.io/last-applied-configuration": "{}", v1.AnnotationMaxPods: "5",
		AnnotationSafeEvict: "false",
	}
	pod := podFor(t, e, testConfig())
	if pod.Labels["team"] != "blue" || pod.Labels[wire.LabelEnvironmentName] != "node" || len(pod.Labels) != 7 {
		t.Errorf("labels %v", pod.Labels)
	}
	if pod.Annotations["prometheus.io/scrape"] != "false" || pod.Annotations[AnnotationSafeEvict] != "true" || len(pod.Annotations) != 4 {
		t.Errorf("annotations %v", pod.Annotations)
	}
}

func TestCarried_LeavesOutWhatIsOfTheObjectAlone(t *testing.T) {
	got := Carried(map[string]string{
		"a": "1", "example.org/b": "2", "functionUid": "x", "hotpod.dev/x": "x", "fission.io/x": "x", "autoscaling.knative.dev/x": "x",
		"kustomize.toolkit.fluxcd.io/name": "x", "helm.sh/chart": "x", "meta.helm.sh/release-name": "x", "fission-uid": "x",
	})
	if len(got) != 2 || got["a"] != "1" || got["example.org/b"] != "2" {
		t.Errorf("carried: %v", got)
	}
}

func TestAssignment_BoundsStreams(t *testing.T) {
	f := functionOf("f", "node")
	if a := assignment(f); a.Streaming || a.StreamIdleMillis != 0 || a.RunTimeoutMillis != 60_000 {
		t.Errorf("without streaming: %+v", a)
	}
	for _, c := range []struct {
		s         v1.StreamingConfig
		idle, max time.Duration
	}{
		{v1.StreamingConfig{}, time.Minute, 0},
		{v1.StreamingConfig{Protocol: "sse", IdleTimeoutSeconds: 5, MaxDurationSeconds: 90}, 5 * time.Second, 90 * time.Second},
	} {
		f.Spec.Streaming = &c.s
		a := assignment(f)
		if !a.Streaming || a.StreamIdleMillis != c.idle.Milliseconds() || a.StreamMaxMillis != c.max.Milliseconds() {
			t.Errorf("%+v: %+v", c.s, a)
		}
	}
}
