package v1_test

import (
	"encoding/json"
	"os"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"sigs.k8s.io/yaml"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/internal/kubetest"
)

var server kubetest.Shared

func TestMain(m *testing.M) { os.Exit(server.Main(m)) }

// api writes objects as users do: as text.
type api struct {
	client    dynamic.Interface
	namespace string
}

func newAPI(t *testing.T, s *kubetest.Server) *api {
	t.Helper()
	client, err := dynamic.NewForConfig(s.Config())
	if err != nil {
		t.Fatal(err)
	}
	return &api{client: client, namespace: s.Namespace(t)}
}

var resources = map[string]string{
	"Environment": v1.ResourceEnvironments, "Function": v1.ResourceFunctions,
	"Package": v1.ResourcePackages, "HTTPTrigger": v1.ResourceHTTPTriggers,
	"TimeTrigger": v1.ResourceTimeTriggers, "KubernetesWatchTrigger": v1.ResourceKubernetesWatchTriggers,
}

func (a *api) of(kind string) dynamic.ResourceInterface {
	return a.client.Resource(schema.GroupVersionResource{Group: "fission.io", Version: "v1", Resource: resources[kind]}).Namespace(a.namespace)
}

// create tries the object without keeping it, refusing unknown fields as kubectl does.
func (a *api) create(t *testing.T, o *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	t.Helper()
	return a.of(o.GetKind()).Create(t.Context(), o, metav1.CreateOptions{
		DryRun: []string{metav1.DryRunAll}, FieldValidation: metav1.FieldValidationStrict,
	})
}

// object returns a valid object of the kind whose spec has the fields of patch (YAML) instead of its own.
func object(t *testing.T, kind, name, patch string) *unstructured.Unstructured {
	t.Helper()
	specs := map[string]string{
		"Environment": `{version: 3, runtime: {image: fission/node-env}}`,
		"Function":    `{environment: {name: nodejs}, package: {packageref: {name: hello}}}`,
		"Package":     `{environment: {name: nodejs}, deployment: {type: literal, literal: aGVsbG8=}}`,
		"HTTPTrigger": `{relativeurl: /hello, functionref: {type: name, name: hello}}`,
		"TimeTrigger": `{cron: "@hourly", functionref: {type: name, name: hello}}`,

		"KubernetesWatchTrigger": `{type: pod, functionref: {type: name, name: hello}}`,
	}
	var spec, change map[string]any
	for text, into := range map[string]*map[string]any{specs[kind]: &spec, patch: &change} {
		if err := yaml.Unmarshal([]byte(text), into); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
	}
	for k, v := range change {
		if v == "absent" {
			delete(spec, k)
			continue
		}
		spec[k] = v
	}
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "fission.io/v1", "kind": kind, "metadata": map[string]any{"name": name}, "spec": spec,
	}}
}

// typed reads the object as our own clients do.
func typed(t *testing.T, o *unstructured.Unstructured) interface{ Validate() error } {
	t.Helper()
	text, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	into := map[string]interface{ Validate() error }{
		"Environment": &v1.Environment{}, "Function": &v1.Function{}, "Package": &v1.Package{}, "HTTPTrigger": &v1.HTTPTrigger{},
		"TimeTrigger": &v1.TimeTrigger{}, "KubernetesWatchTrigger": &v1.KubernetesWatchTrigger{},
	}[o.GetKind()]
	if err := json.Unmarshal(text, into); err != nil {
		t.Fatalf("read %s as its Go type: %v", text, err)
	}
	return into
}
