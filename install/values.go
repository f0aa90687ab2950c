package install

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"sigs.k8s.io/yaml"

	"hotpod.dev/manifests/chart"
)

// Values are what people choose, as in values.yaml of the chart.
type Values map[string]any

// Defaults returns the values of the chart.
func Defaults() (Values, error) {
	text, err := chart.Files.ReadFile("values.yaml")
	if err != nil {
		return nil, fmt.Errorf("read the chart: %w", err)
	}
	return ParseValues(text)
}

// ParseValues reads values from YAML.
func ParseValues(text []byte) (Values, error) {
	v := Values{}
	if err := yaml.Unmarshal(text, &v); err != nil {
		return nil, fmt.Errorf("read values: %w", err)
	}
	if v == nil {
		v = Values{}
	}
	return v, nil
}

// YAML returns the values as text.
func (v Values) YAML() ([]byte, error) {
	text, err := yaml.Marshal(map[string]any(v))
	if err != nil {
		return nil, fmt.Errorf("write values: %w", err)
	}
	return text, nil
}

// Merge returns v with what over says instead, as Helm does: objects are merged, all else is replaced, null removes.
func (v Values) Merge(over Values) Values { return merge(v, over) }

func merge(under, over map[string]any) map[string]any {
	out := maps.Clone(under)
	if out == nil {
		out = map[string]any{}
	}
	for key, value := range over {
		below, ok1 := out[key].(map[string]any)
		above, ok2 := value.(map[string]any)
		switch {
		case value == nil:
			delete(out, key)
		case ok1 && ok2:
			out[key] = merge(below, above)
		default:
			out[key] = value
		}
	}
	return out
}

// Set returns v with the assignments of one --set: PATH=VALUE, several apart by commas, {a,b} for a list. A backslash
// takes the meaning from a dot or comma. Values are as Helm reads them: true, false, null and whole numbers are no texts.
func (v Values) Set(assignments string) (Values, error) {
	for _, a := range split(assignments, ',') {
		path, value, ok := strings.Cut(a, "=")
		if !ok || path == "" {
			return nil, fmt.Errorf("--set %s: want NAME=VALUE", a)
		}
		steps := split(path, '.')
		tree := literal(value)
		for _, s := range slices.Backward(steps) {
			tree = map[string]any{unescape(s): tree}
		}
		v = assign(v, tree.(map[string]any))
	}
	return v, nil
}

// assign is merge that keeps null, so that it can remove a default later.
func assign(under, over map[string]any) map[string]any {
	out := maps.Clone(under)
	for key, value := range over {
		below, ok1 := out[key].(map[string]any)
		above, ok2 := value.(map[string]any)
		if ok1 && ok2 {
			value = assign(below, above)
		}
		out[key] = value
	}
	return out
}

// split splits at separators that are neither escaped nor within braces.
func split(s string, separator byte) []string {
	var out []string
	depth, from := 0, 0
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '\\':
			i++
		case s[i] == '{':
			depth++
		case s[i] == '}':
			depth--
		case s[i] == separator && depth == 0:
			out = append(out, s[from:i])
			from = i + 1
		}
	}
	return append(out, s[from:])
}

func unescape(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

func literal(s string) any {
	if inner, ok := strings.CutPrefix(s, "{"); ok && strings.HasSuffix(inner, "}") {
		list := []any{}
		if inner = strings.TrimSuffix(inner, "}"); inner != "" {
			for _, item := range split(inner, ',') {
				list = append(list, literal(item))
			}
		}
		return list
	}
	switch s {
	case "true", "false":
		return s == "true"
	case "null":
		return nil
	}
	if n, err := strconv.ParseInt(s, 10, 64); err == nil && (s == "0" || s[0] != '0') {
		return float64(n)
	}
	return unescape(s)
}
