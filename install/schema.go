package install

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"

	"hotpod.dev/manifests/chart"
)

// schema is the part of JSON Schema that values.schema.json uses.
type schema struct {
	Type                 string            `json:"type"`
	Properties           map[string]schema `json:"properties"`
	AdditionalProperties *bool             `json:"additionalProperties"`
	Enum                 []string          `json:"enum"`
	Minimum              *float64          `json:"minimum"`
	Description          string            `json:"description"`
}

// Check refuses values that the chart does not know; it names every fault, with a name that is near for one that is unknown.
func (v Values) Check() error {
	text, err := chart.Files.ReadFile("values.schema.json")
	if err != nil {
		return fmt.Errorf("read the chart: %w", err)
	}
	var s schema
	if err := json.Unmarshal(text, &s); err != nil {
		return fmt.Errorf("read the schema of values: %w", err)
	}
	return errors.Join(s.check("", map[string]any(v))...)
}

func (s schema) check(path string, v any) []error {
	if !s.hasType(v) {
		return []error{fmt.Errorf("value %s is %v, want %s: %s", path, v, s.Type, s.Description)}
	}
	switch v := v.(type) {
	case map[string]any:
		return s.checkObject(path, v)
	case string:
		if s.Enum != nil && !slices.Contains(s.Enum, v) {
			return []error{fmt.Errorf("value %s is %q, want one of %q", path, v, s.Enum)}
		}
	case float64:
		if s.Minimum != nil && v < *s.Minimum {
			return []error{fmt.Errorf("value %s is %v, want at least %v", path, v, *s.Minimum)}
		}
	}
	return nil
}

func (s schema) checkObject(path string, v map[string]any) []error {
	var errs []error
	for _, key := range slices.Sorted(maps.Keys(v)) {
		full := key
		if path != "" {
			full = path + "." + key
		}
		p, known := s.Properties[key]
		switch {
		case known:
			errs = append(errs, p.check(full, v[key])...)
		case s.AdditionalProperties != nil && !*s.AdditionalProperties:
			errs = append(errs, fmt.Errorf("there is no value %s; there are %q", full, slices.Sorted(maps.Keys(s.Properties))))
		}
	}
	return errs
}

func (s schema) hasType(v any) bool {
	switch v := v.(type) {
	case string:
		return s.Type == "string"
	case bool:
		return s.Type == "boolean"
	case float64:
		return s.Type == "integer" && v == math.Trunc(v)
	case []any:
		return s.Type == "array"
	case map[string]any:
		return s.Type == "object"
	default:
		return false
	}
}
