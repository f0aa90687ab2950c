package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"strings"
)

// yamlOf returns the values with their defaults, each after what it means.
func yamlOf(all []value) []byte {
	var b strings.Builder
	b.WriteString("# Made by go generate ./manifests/chart. What can be chosen at installation; docs/install.md has the same as a table.\n")
	var open []string
	for _, v := range all {
		steps := strings.Split(v.path, ".")
		last := len(steps) - 1
		shared := 0
		for shared < len(open) && shared < last && open[shared] == steps[shared] {
			shared++
		}
		for i := shared; i < last; i++ {
			fmt.Fprintf(&b, "%s%s:\n", strings.Repeat("  ", i), steps[i])
		}
		open = steps[:last]
		indent := strings.Repeat("  ", last)
		fmt.Fprintf(&b, "%s# %s%s\n", indent, v.doc, choices(v.enum))
		fmt.Fprintf(&b, "%s%s: %s\n", indent, steps[last], plain(v.def))
	}
	return []byte(b.String())
}

// choices lists what a value can be.
func choices(enum []string) string {
	if len(enum) == 0 {
		return ""
	}
	quoted := make([]string, len(enum))
	for i, e := range enum {
		if quoted[i] = e; e == "" {
			quoted[i] = `""`
		}
	}
	return " (" + strings.Join(quoted, ", ") + ")"
}

// plain is the value in one line of YAML.
func plain(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) // values are of our making
	}
	return string(text)
}

// schemaOf returns the JSON schema, which refuses what is not among the values.
func schemaOf(all []value) ([]byte, error) {
	root := map[string]any{
		"$schema": "https://json-schema.org/draft-07/schema#", "title": "Hotpod", "type": "object", "additionalProperties": false,
		// Helm gives it to charts in charts.
		"properties": map[string]any{"global": map[string]any{"type": "object"}},
	}
	for _, v := range all {
		at := root["properties"].(map[string]any)
		steps := strings.Split(v.path, ".")
		for _, s := range steps[:len(steps)-1] {
			if at[s] == nil {
				at[s] = map[string]any{"type": "object", "additionalProperties": false, "properties": map[string]any{}}
			}
			at = at[s].(map[string]any)["properties"].(map[string]any)
		}
		leaf := map[string]any{"type": v.kind, "description": v.doc}
		if v.enum != nil {
			leaf["enum"] = v.enum
		}
		if v.kind == "integer" {
			leaf["minimum"] = 0
		}
		at[steps[len(steps)-1]] = leaf
	}
	text, err := json.MarshalIndent(root, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("write the schema: %w", err)
	}
	return append(text, '\n'), nil
}

// Where the table of values is in docs/install.md.
const (
	tableBegins = "<!-- values: written by `go generate ./manifests/chart` -->\n"
	tableEnds   = "<!-- end of values -->\n"
)

// document writes the table of values into the documentation.
func document(from, to string) error {
	doc, err := os.ReadFile(from)
	if err != nil {
		return fmt.Errorf("read the documentation: %w", err)
	}
	head, rest, ok1 := bytes.Cut(doc, []byte(tableBegins))
	_, tail, ok2 := bytes.Cut(rest, []byte(tableEnds))
	if !ok1 || !ok2 {
		return nil
	}
	var b bytes.Buffer
	b.Write(head)
	b.WriteString(tableBegins + table() + tableEnds)
	b.Write(tail)
	if err := os.MkdirAll(to[:strings.LastIndex(to, "/")], 0o755); err != nil {
		return fmt.Errorf("write the documentation: %w", err)
	}
	if err := os.WriteFile(to, b.Bytes(), 0o644); err != nil {
		return fmt.Errorf("write the documentation: %w", err)
	}
	return nil
}

func table() string {
	var b strings.Builder
	b.WriteString("\n| value | default | |\n| --- | --- | --- |\n")
	for _, v := range values() {
		text := strings.TrimSpace(plain(v.def))
		if s, ok := v.def.(string); ok {
			text = s
		}
		if text != "" && text != "{}" && text != "[]" {
			text = "`" + text + "`"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s%s |\n", v.path, text, v.doc, choices(v.enum))
	}
	b.WriteString("| `parts.NAME.replicas`, `parts.NAME.resources` | see values.yaml | how many of a part, its requests and limits |\n\n")
	return b.String()
}
