package manifests

import (
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"hotpod.dev/internal/manifesttest"
)

// single are the parts whose volume is for one pod at a time.
func single() []string { return []string{"logger", "storagesvc"} }

func TestAvailable_EveryPartHasASecondPodAndABudget(t *testing.T) {
	for _, overlay := range []string{"kubernetes", "openshift"} {
		objects := manifesttest.Render(t, overlay, nil)
		var budgets []policyv1.PodDisruptionBudget
		for _, o := range objects {
			if o.GetKind() == "PodDisruptionBudget" {
				var b policyv1.PodDisruptionBudget
				convert(t, o, &b)
				budgets = append(budgets, b)
			}
		}
		for _, d := range deployments(t, objects) {
			one := slices.Contains(single(), d.Name)
			if got := *d.Spec.Replicas; (got < 2) != one {
				t.Errorf("%s: %s has %d replicas", overlay, d.Name, got)
			}
			protected := slices.ContainsFunc(budgets, func(b policyv1.PodDisruptionBudget) bool { return selects(t, b.Spec.Selector, d.Spec.Template.Labels) })
			if protected == one {
				t.Errorf("%s: %s has a budget: %v", overlay, d.Name, protected)
			}
			if len(d.Spec.Template.Spec.TopologySpreadConstraints) != 2 {
				t.Errorf("%s: pods of %s are not spread", overlay, d.Name)
			}
			for _, c := range d.Spec.Template.Spec.TopologySpreadConstraints {
				if c.WhenUnsatisfiable != corev1.ScheduleAnyway || !selects(t, c.LabelSelector, d.Spec.Template.Labels) {
					t.Errorf("%s: pods of %s are spread by %+v", overlay, d.Name, c)
				}
			}
		}
	}
}

func selects(t *testing.T, s *metav1.LabelSelector, of map[string]string) bool {
	t.Helper()
	selector, err := metav1.LabelSelectorAsSelector(s)
	if err != nil {
		t.Fatal(err)
	}
	return selector.Matches(labels.Set(of))
}

// One machine of one owner: a second of everything would only cost memory.
func TestAvailable_TheEmbeddedPlatformStaysAtOne(t *testing.T) {
	for _, o := range manifesttest.Render(t, "embedded", placeholders()) {
		if o.GetKind() == "PodDisruptionBudget" {
			t.Errorf("it has a budget for %s", o.GetName())
		}
	}
}
