package install

import (
	"slices"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

func definition(schema map[string]any) *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: map[string]any{"spec": map[string]any{"versions": []any{
		map[string]any{"name": "v1", "served": true, "schema": map[string]any{"openAPIV3Schema": schema}},
	}}}}
}

func TestShrinks_TellsWhatIsTakenAway(t *testing.T) {
	text, number := map[string]any{"type": "string"}, map[string]any{"type": "integer"}
	object := func(properties map[string]any, required ...any) map[string]any {
		return map[string]any{"type": "object", "properties": properties, "required": required}
	}
	before := object(map[string]any{"a": text, "list": map[string]any{"type": "array", "items": object(map[string]any{"x": text})}})
	for name, c := range map[string]struct {
		now  map[string]any
		want []string
	}{
		"nothing": {before, nil},
		"a field more": {object(map[string]any{
			"a": text, "b": number, "list": map[string]any{"type": "array", "items": object(map[string]any{"x": text, "y": text})},
		}), nil},
		"another type":     {object(map[string]any{"a": number, "list": before["properties"].(map[string]any)["list"]}), []string{".a was string and is integer"}},
		"required":         {object(before["properties"].(map[string]any), "a"), []string{".a became required"}},
		"gone in a list":   {object(map[string]any{"a": text, "list": map[string]any{"type": "array", "items": object(nil)}}), []string{".list[].x is gone"}},
		"values of a text": {object(map[string]any{"a": map[string]any{"type": "string", "enum": []any{"x"}}, "list": before["properties"].(map[string]any)["list"]}), []string{".a could be anything and cannot"}},
	} {
		if got := Shrinks(definition(before), definition(c.now)); !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
	if got := Shrinks(definition(before), &unstructured.Unstructured{Object: map[string]any{}}); !slices.Equal(got, []string{"version v1 is gone"}) {
		t.Errorf("no version: %q", got)
	}
}
