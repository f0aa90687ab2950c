package platform

import (
	"slices"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic/fake"

	"hotpod.dev/wire"
)

// anEnvironment returns an environment of the namespace default with the pool size.
func anEnvironment(name string, size int64, conditions ...any) runtime.Object {
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "fission.io/v1", "kind": "Environment",
		"metadata": map[string]any{"name": name, "namespace": "default"},
		"spec":     map[string]any{"version": int64(3), "poolsize": size},
		"status":   map[string]any{"conditions": conditions},
	}}
}

func poolPod(name, environment string, state wire.PodState, ready corev1.ConditionStatus) runtime.Object {
	return pod(name, map[string]string{
		wire.LabelState: string(state), wire.LabelEnvironmentName: environment, wire.LabelEnvironmentNamespace: "default",
	}, ready)
}

func TestReadPools(t *testing.T) {
	scheme := runtime.NewScheme()
	if err := corev1.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	kinds := map[schema.GroupVersionResource]string{{Group: "fission.io", Version: "v1", Resource: "environments"}: "EnvironmentList"}
	broken := map[string]any{
		"type": "Ready", "status": "False", "reason": "PoolUnavailable", "message": "the runtime ends at once", "lastTransitionTime": "2026-01-01T00:00:00Z",
	}
	for name, test := range map[string]struct {
		objects []runtime.Object
		want    []warmPool
		full    bool
	}{
		"nothing": {nil, nil, true},
		"a pool that fills": {
			[]runtime.Object{
				anEnvironment("e", 2),
				poolPod("ready", "e", wire.StateWarm, corev1.ConditionTrue), poolPod("starting", "e", wire.StateWarm, corev1.ConditionFalse),
				poolPod("hot", "e", wire.StateHot, corev1.ConditionTrue),
			}, []warmPool{{"default/e", 1, 2, ""}}, false,
		},
		"a full pool beside one that cannot work": {
			[]runtime.Object{
				anEnvironment("bad", 3, broken), anEnvironment("good", 1),
				poolPod("ready", "good", wire.StateWarm, corev1.ConditionTrue),
			}, []warmPool{{"default/bad", 0, 3, "the runtime ends at once"}, {"default/good", 1, 1, ""}}, true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := readPools(t.Context(), fake.NewSimpleDynamicClientWithCustomListKinds(scheme, kinds, test.objects...), time.Now())
			if err != nil || !slices.Equal(got, test.want) {
				t.Errorf("got %+v, %v, want %+v", got, err, test.want)
			}
			if err := filling(got); (err == nil) != test.full {
				t.Errorf("filling says %v", err)
			}
		})
	}
}
