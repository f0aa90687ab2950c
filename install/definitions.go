package install

import (
	"fmt"
	"maps"
	"slices"
	"strconv"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// DefinitionsAnnotation is on every definition of ours: a number that grows when any of them changes.
const DefinitionsAnnotation = "hotpod.dev/definitions"

// DefinitionsOf returns the number of a definition; 0 when it has none.
func DefinitionsOf(o *unstructured.Unstructured) int {
	n, err := strconv.Atoi(o.GetAnnotations()[DefinitionsAnnotation])
	if err != nil {
		return 0
	}
	return n
}

// Shrinks lists what the later definition takes away from the earlier: versions, fields, types, values, and what became required.
func Shrinks(before, now *unstructured.Unstructured) []string {
	var faults []string
	schemas := schemasOf(now)
	for version, schema := range schemasOf(before) {
		if schemas[version] == nil {
			faults = append(faults, "version "+version+" is gone")
			continue
		}
		faults = append(faults, shrinks("", schema, schemas[version])...)
	}
	return faults
}

// schemasOf returns the schemas of the versions that are served.
func schemasOf(o *unstructured.Unstructured) map[string]map[string]any {
	out := map[string]map[string]any{}
	versions, _, _ := unstructured.NestedSlice(o.Object, "spec", "versions")
	for _, v := range versions {
		if v, ok := v.(map[string]any); ok && v["served"] == true {
			name, _, _ := unstructured.NestedString(v, "name")
			out[name], _, _ = unstructured.NestedMap(v, "schema", "openAPIV3Schema")
		}
	}
	return out
}

func shrinks(path string, before, now map[string]any) []string {
	var faults []string
	if before["type"] != now["type"] {
		faults = append(faults, fmt.Sprintf("%s was %v and is %v", path, before["type"], now["type"]))
	}
	if open := "x-kubernetes-preserve-unknown-fields"; before[open] == true && now[open] != true {
		faults = append(faults, path+" took any field and does not")
	}
	for _, r := range texts(now["required"]) {
		if !slices.Contains(texts(before["required"]), r) {
			faults = append(faults, path+"."+r+" became required")
		}
	}
	if allowed := texts(now["enum"]); now["enum"] != nil {
		for _, e := range texts(before["enum"]) {
			if !slices.Contains(allowed, e) {
				faults = append(faults, path+" could be "+e+" and cannot")
			}
		}
		if before["enum"] == nil {
			faults = append(faults, path+" could be anything and cannot")
		}
	}
	return append(faults, shrinksBelow(path, before, now)...)
}

// shrinksBelow compares fields, items and values.
func shrinksBelow(path string, before, now map[string]any) []string {
	var faults []string
	fields, _ := before["properties"].(map[string]any)
	kept, _ := now["properties"].(map[string]any)
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		field, _ := fields[name].(map[string]any)
		same, ok := kept[name].(map[string]any)
		if !ok && now["x-kubernetes-preserve-unknown-fields"] != true {
			faults = append(faults, path+"."+name+" is gone")
		} else if ok {
			faults = append(faults, shrinks(path+"."+name, field, same)...)
		}
	}
	for _, below := range []string{"items", "additionalProperties"} {
		a, ok1 := before[below].(map[string]any)
		b, ok2 := now[below].(map[string]any)
		if ok1 && ok2 {
			faults = append(faults, shrinks(path+"[]", a, b)...)
		}
	}
	return faults
}

func texts(list any) []string {
	items, _ := list.([]any)
	out := make([]string, 0, len(items))
	for _, item := range items {
		out = append(out, fmt.Sprint(item))
	}
	return out
}
