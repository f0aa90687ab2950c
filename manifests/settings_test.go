package manifests

import (
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"hotpod.dev/autoscaler/law"
	"hotpod.dev/internal/manifesttest"
)

func TestSettings_ExampleShowsTheBuiltInOnes(t *testing.T) {
	for _, o := range manifesttest.Render(t, "kubernetes", nil) {
		if o.GetKind() != "ConfigMap" || o.GetName() != "config-autoscaler" {
			continue
		}
		example, _, err := unstructured.NestedString(o.Object, "data", "_example")
		if err != nil {
			t.Fatal(err)
		}
		settings := map[string]string{}
		if err := yaml.Unmarshal([]byte(example), &settings); err != nil {
			t.Fatal(err)
		}
		d, unused, err := law.ParseDefaults(settings)
		if err != nil || len(unused) > 0 || d != law.BuiltIn() || len(settings) < 17 {
			t.Errorf("%d settings give %+v, %v, %v", len(settings), d, unused, err)
		}
		return
	}
	t.Error("there are none")
}
