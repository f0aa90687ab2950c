// Package tenant holds what makes a namespace a tenant of the platform, for those who bring it there: the rights of the parts
// in it, and the policies of who may connect with the pods of its functions. It is the manifests beside it.
package tenant

import (
	"bufio"
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"
)

//go:embed bindings.yaml network.yaml
var files embed.FS

// Label on a namespace makes it a tenant where the controller looks after tenants, when it is "true".
const Label = "hotpod.dev/tenant"

// manifestsPlatform is the namespace of the parts in the manifests.
const manifestsPlatform = "fission"

// Objects returns what a namespace needs, for parts that are in the namespace platform. Whoever brings them is named by the
// label managed-by.
func Objects(namespace, platform, managedBy string) ([]*unstructured.Unstructured, error) {
	var all []*unstructured.Unstructured
	for _, name := range []string{"bindings.yaml", "network.yaml"} {
		text, err := files.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", name, err)
		}
		objects, err := decode(text)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", name, err)
		}
		all = append(all, objects...)
	}
	for _, o := range all {
		o.Object, _ = renamed(o.Object, platform).(map[string]any)
		o.SetNamespace(namespace)
		o.SetLabels(map[string]string{"app.kubernetes.io/part-of": "hotpod", LabelManagedBy: managedBy})
	}
	return all, nil
}

// LabelManagedBy says who brought an object.
const LabelManagedBy = "app.kubernetes.io/managed-by"

// renamed replaces the platform's namespace wherever it is named: by subjects, and by selectors of namespaces.
func renamed(v any, platform string) any {
	switch v := v.(type) {
	case map[string]any:
		for k, child := range v {
			v[k] = renamed(child, platform)
		}
	case []any:
		for i, child := range v {
			v[i] = renamed(child, platform)
		}
	case string:
		if v == manifestsPlatform {
			return platform
		}
	}
	return v
}

func decode(text []byte) ([]*unstructured.Unstructured, error) {
	var out []*unstructured.Unstructured
	docs := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(text)))
	for {
		doc, err := docs.Read()
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return nil, err
		}
		o := &unstructured.Unstructured{}
		if err := yaml.Unmarshal(doc, &o.Object); err != nil {
			return nil, err
		}
		if len(o.Object) > 0 {
			out = append(out, o)
		}
	}
}
