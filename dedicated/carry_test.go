package dedicated

import (
	"testing"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/wire"
)

func TestTemplates_CarryTheFunctionsLabelsAndAnnotations(t *testing.T) {
	for _, executor := range []string{v1.ExecutorNewDeploy, v1.ExecutorContainer} {
		f := functionOf("f", executor)
		f.Labels = map[string]string{"team": "blue", wire.LabelFunctionName: "other"}
		f.Annotations = map[string]string{"prometheus.io/scrape": "false", v1.AnnotationProtocol: "h2c"}
		pod, err := container(f, config())
		if executor == v1.ExecutorNewDeploy {
			e := environmentOf("image")
			e.Labels = map[string]string{"team": "red", "tier": "back"}
			pod, err = newDeploy(f, e, config())
			if err == nil && pod.Labels["tier"] != "back" {
				t.Errorf("%s: labels %v", executor, pod.Labels)
			}
		}
		if err != nil {
			t.Fatal(err)
		}
		if pod.Labels["team"] != "blue" || pod.Labels[wire.LabelFunctionName] != "f" {
			t.Errorf("%s: labels %v", executor, pod.Labels)
		}
		if _, has := pod.Annotations[v1.AnnotationProtocol]; has || pod.Annotations["prometheus.io/scrape"] != "false" {
			t.Errorf("%s: annotations %v", executor, pod.Annotations)
		}
	}
}
