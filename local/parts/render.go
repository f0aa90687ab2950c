package parts

import (
	"fmt"
	"io"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
)

// Render builds the kustomization in the folder and replaces the placeholders in the result.
func Render(dir string, values Values) ([]*unstructured.Unstructured, error) {
	resources, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), dir)
	if err != nil {
		return nil, fmt.Errorf("render %s: %w", dir, err)
	}
	text, err := resources.AsYaml()
	if err != nil {
		return nil, fmt.Errorf("render %s: %w", dir, err)
	}
	objects, err := decode(values.replacer().Replace(string(text)))
	if err != nil {
		return nil, fmt.Errorf("read what %s renders to: %w", dir, err)
	}
	return objects, nil
}

// RenderTwin renders the router and its discovery server once more, for the addresses of values, and adds the suffix to
// their names.
func RenderTwin(dir string, values Values, suffix string) ([]*unstructured.Unstructured, error) {
	objects, err := Render(dir, values)
	if err != nil {
		return nil, err
	}
	var twins []*unstructured.Unstructured
	for _, object := range objects {
		if name := object.GetName(); object.GetKind() == "Deployment" && (name == "router" || name == "xds") {
			object.SetName(name + suffix)
			twins = append(twins, object)
		}
	}
	return twins, nil
}

func decode(text string) ([]*unstructured.Unstructured, error) {
	decoder := yaml.NewYAMLOrJSONDecoder(strings.NewReader(text), 4096)
	var objects []*unstructured.Unstructured
	for {
		object := &unstructured.Unstructured{}
		err := decoder.Decode(&object.Object)
		if err == io.EOF { //nolint:errorlint // the decoder returns it as it is
			return objects, nil
		}
		if err != nil {
			return nil, err
		}
		if len(object.Object) == 0 {
			continue
		}
		if object.GetAPIVersion() == "" || object.GetKind() == "" || object.GetName() == "" {
			return nil, fmt.Errorf("an object lacks apiVersion, kind or name: %v", object.Object)
		}
		objects = append(objects, object)
	}
}
