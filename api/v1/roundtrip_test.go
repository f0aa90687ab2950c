package v1_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/internal/manifesttest"
)

// Fission's objects are read without an unknown field, and nothing that they say is lost.
func TestTypes_KeepWhatFissionWrites(t *testing.T) {
	text, err := os.ReadFile("testdata/fission.yaml")
	if err != nil {
		t.Fatal(err)
	}
	objects := manifesttest.Decode(t, string(text))
	if len(objects) != 7 {
		t.Fatalf("%d objects", len(objects))
	}
	for _, o := range objects {
		t.Run(o.GetKind(), func(t *testing.T) {
			before, err := json.Marshal(o.Object)
			if err != nil {
				t.Fatal(err)
			}
			into := map[string]any{
				"Environment": &v1.Environment{}, "Function": &v1.Function{}, "Package": &v1.Package{}, "HTTPTrigger": &v1.HTTPTrigger{},
				"TimeTrigger": &v1.TimeTrigger{}, "KubernetesWatchTrigger": &v1.KubernetesWatchTrigger{},
			}[o.GetKind()]
			decoder := json.NewDecoder(bytes.NewReader(before))
			decoder.DisallowUnknownFields()
			if err := decoder.Decode(into); err != nil {
				t.Fatal(err)
			}
			text, err := json.Marshal(into)
			if err != nil {
				t.Fatal(err)
			}
			var want, got any
			for text, into := range map[*[]byte]*any{&before: &want, &text: &got} {
				if err := json.Unmarshal(*text, into); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(pruned(want), pruned(got)); diff != "" {
				t.Errorf("after reading and writing (-before +after):\n%s", diff)
			}
		})
	}
}

// pruned drops what means nothing: null, false, zero, empty strings and empty collections; numbers are made alike.
func pruned(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for k, e := range v {
			if p := pruned(e); p != nil {
				out[k] = p
			}
		}
		if len(out) == 0 {
			return nil
		}
		return out
	case []any:
		out := []any{}
		for _, e := range v {
			out = append(out, pruned(e))
		}
		if len(out) == 0 {
			return nil
		}
		return out
	case nil:
		return nil
	case bool:
		if !v {
			return nil
		}
	case string:
		if v == "" {
			return nil
		}
	case int64:
		return pruned(float64(v))
	case float64:
		if v == 0 {
			return nil
		}
	}
	return v
}

// The schemas and the Go types know the same fields: what the server stores of Fission's objects is all of it.
func TestDefinitions_StoreWhatFissionWrites(t *testing.T) {
	a := newAPI(t, server.Get(t))
	text, err := os.ReadFile("testdata/fission.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range manifesttest.Decode(t, strings.ReplaceAll(string(text), "namespace: default", "namespace: "+a.namespace)) {
		made, err := a.of(o.GetKind()).Create(t.Context(), o, metav1.CreateOptions{FieldValidation: metav1.FieldValidationStrict})
		if err != nil {
			t.Errorf("create %s: %v", o.GetKind(), err)
			continue
		}
		want, _, _ := unstructured.NestedMap(o.Object, "spec")
		got, _, _ := unstructured.NestedMap(made.Object, "spec")
		if diff := cmp.Diff(pruned(want), pruned(got)); diff != "" {
			t.Errorf("%s as stored (-written +stored):\n%s", o.GetKind(), diff)
		}
	}
}

// The examples are what a newcomer applies first.
func TestDefinitions_AcceptTheExamples(t *testing.T) {
	a := newAPI(t, server.Get(t))
	a.namespace = "default"
	files, err := filepath.Glob(filepath.Join(manifesttest.Root(t), "examples", "*.yaml"))
	if err != nil || len(files) == 0 {
		t.Fatalf("examples: %v, %v", files, err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range manifesttest.Decode(t, string(text)) {
			if o.GroupVersionKind().Group != "fission.io" {
				continue
			}
			if err := typed(t, o).Validate(); err != nil {
				t.Errorf("%s %s: %v", filepath.Base(file), o.GetKind(), err)
			}
			if _, err := a.create(t, o); err != nil {
				t.Errorf("%s %s: %v", filepath.Base(file), o.GetKind(), err)
			}
		}
	}
}

// A zero object has no empty structs, which kubectl get -o yaml would show.
func TestTypes_LeaveOutWhatIsNotSet(t *testing.T) {
	for _, o := range []any{&v1.Environment{}, &v1.Function{}, &v1.HTTPTrigger{}, &v1.TimeTrigger{}, &v1.KubernetesWatchTrigger{}} {
		text, err := json.Marshal(o)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(text, []byte(`"status"`)) || bytes.Contains(text, []byte("{}}}")) {
			t.Errorf("%T is written as %s", o, text)
		}
	}
}
