package install

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// InventoryName is the ConfigMap in the platform's namespace that says what was installed.
const InventoryName = "hotpod-installation"

// Ref names an object.
type Ref struct{ APIVersion, Kind, Namespace, Name string }

// RefOf returns the name of an object.
func RefOf(o *unstructured.Unstructured) Ref {
	return Ref{o.GetAPIVersion(), o.GetKind(), o.GetNamespace(), o.GetName()}
}

// String returns "Kind namespace/name", without the namespace where there is none.
func (r Ref) String() string {
	if r.Namespace == "" {
		return r.Kind + " " + r.Name
	}
	return r.Kind + " " + r.Namespace + "/" + r.Name
}

// same reports whether both name one object; its version may have changed.
func (r Ref) same(other Ref) bool {
	group := func(apiVersion string) string {
		if g, _, ok := strings.Cut(apiVersion, "/"); ok {
			return g
		}
		return ""
	}
	return group(r.APIVersion) == group(other.APIVersion) && r.Kind == other.Kind && r.Namespace == other.Namespace && r.Name == other.Name
}

// Inventory says what was installed, and with which values.
type Inventory struct {
	// Version is that of the command that installed.
	Version string
	// Values are those that were given, without defaults.
	Values Values
	// Objects are all that may be there.
	Objects []Ref
	// Made are the namespaces that were not there before.
	Made []string
}

// Object returns the inventory as it is kept in the cluster.
func (i Inventory) Object(namespace string) (*unstructured.Unstructured, error) {
	values, err := i.Values.YAML()
	if err != nil {
		return nil, err
	}
	lines := make([]string, len(i.Objects))
	for n, r := range i.Objects {
		lines[n] = strings.Join([]string{r.APIVersion, r.Kind, r.Namespace, r.Name}, " ")
	}
	slices.Sort(lines)
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "ConfigMap",
		"metadata": map[string]any{
			"name": InventoryName, "namespace": namespace, "labels": map[string]any{"app.kubernetes.io/part-of": "hotpod"},
		},
		"data": map[string]any{
			"version": i.Version, "values": string(values), "objects": strings.Join(lines, "\n"), "namespaces": strings.Join(i.Made, "\n"),
		},
	}}, nil
}

// ReadInventory reads what Object wrote.
func ReadInventory(o *unstructured.Unstructured) (Inventory, error) {
	data, _, err := unstructured.NestedStringMap(o.Object, "data")
	if err != nil {
		return Inventory{}, fmt.Errorf("read %s: %w", InventoryName, err)
	}
	i := Inventory{Version: data["version"], Made: strings.Fields(data["namespaces"])}
	if i.Values, err = ParseValues([]byte(data["values"])); err != nil {
		return i, fmt.Errorf("read %s: %w", InventoryName, err)
	}
	for line := range strings.Lines(data["objects"]) {
		f := strings.Split(strings.TrimSuffix(line, "\n"), " ")
		if len(f) != 4 {
			return i, fmt.Errorf("read %s: object %q", InventoryName, line)
		}
		i.Objects = append(i.Objects, Ref{f[0], f[1], f[2], f[3]})
	}
	return i, nil
}

// Union returns the objects of both.
func Union(a, b []Ref) []Ref {
	out := slices.Clone(a)
	for _, r := range b {
		if !slices.ContainsFunc(out, r.same) {
			out = append(out, r)
		}
	}
	return out
}

// Gone returns the objects that were installed and are no more part of the installation. Definitions and namespaces are never
// among them, nor volumes: people's objects and data are in them.
func (i Inventory) Gone(now []Ref) []Ref {
	var out []Ref
	for _, r := range i.Objects {
		if !slices.ContainsFunc(now, r.same) && !slices.Contains([]string{"CustomResourceDefinition", "Namespace", "PersistentVolumeClaim"}, r.Kind) {
			out = append(out, r)
		}
	}
	return out
}

// Refs returns the names of the objects.
func Refs(objects []*unstructured.Unstructured) []Ref {
	out := make([]Ref, len(objects))
	for i, o := range objects {
		out[i] = RefOf(o)
	}
	return out
}
