package install

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
	"text/template"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"

	"hotpod.dev/manifests/chart"
)

// Render returns the objects of an installation into the namespace, in the order of Sort. Values that are not given are
// the defaults; values that do not fit the schema are an error.
func Render(values Values, namespace string) ([]*unstructured.Unstructured, error) {
	defaults, err := Defaults()
	if err != nil {
		return nil, err
	}
	values = defaults.Merge(values)
	if err := values.Check(); err != nil {
		return nil, err
	}
	text, err := execute(map[string]any{
		"Values":  map[string]any(values),
		"Release": map[string]any{"Namespace": namespace, "Name": "hotpod", "Service": "Hotpod"},
	})
	if err != nil {
		return nil, err
	}
	objects, err := decode(text)
	if err != nil {
		return nil, err
	}
	Sort(objects)
	return objects, nil
}

// execute returns what the templates make of the data.
func execute(data any) ([]byte, error) {
	files, err := chart.Files.ReadDir("templates")
	if err != nil {
		return nil, fmt.Errorf("read the chart: %w", err)
	}
	root := template.New("chart")
	root.Funcs(functions(root))
	for _, f := range files {
		text, err := chart.Files.ReadFile(path.Join("templates", f.Name()))
		if err != nil {
			return nil, fmt.Errorf("read the chart: %w", err)
		}
		if _, err := root.New(f.Name()).Parse(string(text)); err != nil {
			return nil, fmt.Errorf("read the chart: %w", err)
		}
	}
	var b bytes.Buffer
	for _, f := range files {
		if !strings.HasSuffix(f.Name(), ".yaml") {
			continue
		}
		b.WriteString("\n---\n")
		if err := root.ExecuteTemplate(&b, f.Name(), data); err != nil {
			return nil, cause(err)
		}
	}
	return b.Bytes(), nil
}

// refusal is what the chart says about values that do not go together.
type refusal string

func (r refusal) Error() string { return string(r) }

// cause takes from an error where in the templates it came up, which nobody who installs wants to know.
func cause(err error) error {
	if r, ok := errors.AsType[refusal](err); ok {
		return r
	}
	return fmt.Errorf("render the chart: %w", err)
}

// functions are those of Helm's that the chart uses.
func functions(root *template.Template) template.FuncMap {
	return template.FuncMap{
		"include": func(name string, data any) (string, error) {
			var b strings.Builder
			err := root.ExecuteTemplate(&b, name, data)
			return b.String(), err
		},
		"toYaml": func(v any) (string, error) {
			text, err := yaml.Marshal(v)
			return strings.TrimSuffix(string(text), "\n"), err
		},
		"toJson": func(v any) (string, error) {
			text, err := json.Marshal(v)
			return string(text), err
		},
		"nindent": func(n int, s string) string {
			pad := strings.Repeat(" ", n)
			return "\n" + pad + strings.ReplaceAll(s, "\n", "\n"+pad)
		},
		"quote":     func(s string) string { return fmt.Sprintf("%q", s) },
		"list":      func(items ...any) []any { return items },
		"int":       func(f float64) int { return int(f) },
		"int64":     func(f float64) int64 { return int64(f) },
		"splitList": func(separator, s string) []string { return strings.Split(s, separator) },
		"fail":      func(why string) (string, error) { return "", refusal(why) },
		"required": func(why string, s string) (string, error) {
			if s == "" {
				return "", refusal(why)
			}
			return s, nil
		},
	}
}

func decode(text []byte) ([]*unstructured.Unstructured, error) {
	var objects []*unstructured.Unstructured
	for d := utilyaml.NewYAMLOrJSONDecoder(bytes.NewReader(text), 4096); ; {
		o := &unstructured.Unstructured{}
		if err := d.Decode(&o.Object); errors.Is(err, io.EOF) {
			return objects, nil
		} else if err != nil {
			return nil, fmt.Errorf("read the rendered chart: %w", err)
		}
		if len(o.Object) > 0 {
			objects = append(objects, o)
		}
	}
}

// Sort orders objects so that each comes after what it needs: namespaces and definitions first, deployments last.
func Sort(objects []*unstructured.Unstructured) {
	order := []string{
		"Namespace", "CustomResourceDefinition", "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding", "ServiceAccount",
		"ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding", "NetworkPolicy", "ConfigMap", "Secret", "PersistentVolumeClaim", "Service",
	}
	rank := func(o *unstructured.Unstructured) int {
		if i := slices.Index(order, o.GetKind()); i >= 0 {
			return i
		}
		if o.GetKind() == "Deployment" {
			return len(order)
		}
		return len(order) + 1
	}
	slices.SortStableFunc(objects, func(a, b *unstructured.Unstructured) int { return rank(a) - rank(b) })
}
