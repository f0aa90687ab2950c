package manifests

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"hotpod.dev/dashboards"
	"hotpod.dev/internal/manifesttest"
)

func TestMonitoring_FindsEveryPartByLabelPortAndAnnotation(t *testing.T) {
	for _, d := range deployments(t, manifesttest.Render(t, "kubernetes", nil)) {
		pod := d.Spec.Template
		if pod.Annotations["prometheus.io/scrape"] != "true" || pod.Annotations["prometheus.io/port"] != "8080" {
			t.Errorf("%s: annotations %v", d.Name, pod.Annotations)
		}
		if pod.Labels["app.kubernetes.io/part-of"] != "hotpod" || pod.Labels["hotpod.dev/component"] == "" {
			t.Errorf("%s: labels %v: the PodMonitor does not select it", d.Name, pod.Labels)
		}
		found := 0
		for _, c := range pod.Spec.Containers {
			for _, p := range c.Ports {
				if p.Name == "debug" && p.ContainerPort == 8080 {
					found++
				}
			}
		}
		if found != 1 {
			t.Errorf("%s has %d ports called debug", d.Name, found)
		}
	}
}

func TestMonitoring_DropsNothingThatIsRead(t *testing.T) {
	drop := regexp.MustCompile("^(?:" + field(t, one(t, "monitoring/operator", "PodMonitor"), "regex").(string) + ")$")
	for _, d := range dashboards.All() {
		for _, name := range d.Metrics() {
			if drop.MatchString(name) || drop.MatchString(name+"_bucket") {
				t.Errorf("%s reads %s, which the PodMonitor drops", d.Title, name)
			}
		}
	}
	if !drop.MatchString("envoy_http_downstream_cx_length_ms_bucket") {
		t.Error("nothing is dropped")
	}
}

func TestMonitoring_LetsPrometheusInToTheDebugPortOnly(t *testing.T) {
	for overlay, namespaces := range map[string][]string{
		"monitoring/operator": {"monitoring", "prometheus"}, "monitoring/plain": {"monitoring", "prometheus"},
		"monitoring/openshift": {"openshift-user-workload-monitoring"},
	} {
		var p networkingv1.NetworkPolicy
		convert(t, one(t, overlay, "NetworkPolicy"), &p)
		in := p.Spec.Ingress
		if len(in) != 1 || len(in[0].Ports) != 1 || in[0].Ports[0].Port.StrVal != "debug" || len(in[0].From) != 1 {
			t.Fatalf("%s lets in %+v", overlay, in)
		}
		from := in[0].From[0].NamespaceSelector
		got := []string{from.MatchLabels["kubernetes.io/metadata.name"]}
		if len(from.MatchExpressions) == 1 {
			got = from.MatchExpressions[0].Values
		}
		if !slices.Equal(got, namespaces) {
			t.Errorf("%s lets in %v, want %v", overlay, got, namespaces)
		}
	}
}

func TestMonitoring_DashboardsBecomeConfigMaps(t *testing.T) {
	all := manifesttest.Render(t, "monitoring/dashboards", nil)
	if len(all) != len(dashboards.All()) {
		t.Errorf("%d ConfigMaps of %d dashboards", len(all), len(dashboards.All()))
	}
	for _, o := range all {
		if o.GetLabels()["grafana_dashboard"] != "1" {
			t.Errorf("%s has labels %v", o.GetName(), o.GetLabels())
		}
	}
}

// Debian's Prometheus knows no Kubernetes, so that part is taken out for the check.
func TestMonitoring_PlainConfigurationIsRight(t *testing.T) {
	promtool, err := exec.LookPath("promtool")
	if err != nil {
		t.Skip("needs promtool: apt-get install prometheus")
	}
	text, err := os.ReadFile("monitoring/plain/prometheus.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var config map[string]any
	if err := yaml.Unmarshal(text, &config); err != nil {
		t.Fatal(err)
	}
	for _, job := range config["scrape_configs"].([]any) {
		delete(job.(map[string]any), "kubernetes_sd_configs")
	}
	if text, err = yaml.Marshal(config); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "prometheus.yaml")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(promtool, "check", "config", file).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// one returns the only object of a kind.
func one(t *testing.T, overlay, kind string) *unstructured.Unstructured {
	t.Helper()
	for _, o := range manifesttest.Render(t, overlay, nil) {
		if o.GetKind() == kind {
			return o
		}
	}
	t.Fatalf("%s has no %s", overlay, kind)
	return nil
}

// field returns the first field of that name, however deep.
func field(t *testing.T, o *unstructured.Unstructured, name string) any {
	t.Helper()
	var find func(v any) any
	find = func(v any) any {
		switch v := v.(type) {
		case map[string]any:
			if found, ok := v[name]; ok {
				return found
			}
			for _, inner := range v {
				if found := find(inner); found != nil {
					return found
				}
			}
		case []any:
			for _, inner := range v {
				if found := find(inner); found != nil {
					return found
				}
			}
		}
		return nil
	}
	return find(o.Object)
}
