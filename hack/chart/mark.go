package main

import (
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"
)

// marks puts places for template text into YAML and replaces them by it when the YAML is written.
type marks struct{ texts []string }

// name returns a scalar that stands for text; YAML writes it as it is, unquoted.
func (m *marks) name(text string) string {
	m.texts = append(m.texts, text)
	return fmt.Sprintf("MARK%04dX", len(m.texts)-1)
}

// line returns a pair of a mapping that becomes lines of text, each indented as the mapping is.
func (m *marks) line(text string) []*yaml.Node {
	return []*yaml.Node{scalar(m.name(text)), {Kind: yaml.ScalarNode, Tag: "!!null", Value: "null"}}
}

// around puts lines before and after a key of a mapping.
func (m *marks) around(mapping *yaml.Node, key, first, last string) {
	for i := 0; i < len(mapping.Content); i += 2 {
		if mapping.Content[i].Value == key {
			pair := mapping.Content[i : i+2 : i+2]
			middle := append(append(m.line(first), pair...), m.line(last)...)
			mapping.Content = append(mapping.Content[:i:i], append(middle, mapping.Content[i+2:]...)...)
			return
		}
	}
	panic("no key " + key)
}

// text writes the node as a template. What looks like a template in it stays as it is.
func (m *marks) text(node *yaml.Node) (string, error) {
	var b strings.Builder
	e := yaml.NewEncoder(&b)
	e.SetIndent(2)
	if err := e.Encode(node); err != nil {
		return "", fmt.Errorf("write YAML: %w", err)
	}
	var out strings.Builder
	for line := range strings.Lines(strings.ReplaceAll(b.String(), "{{", `{{ "{{" }}`)) {
		out.WriteString(m.replace(line))
	}
	return out.String(), nil
}

// replace replaces the marks of a line.
func (m *marks) replace(line string) string {
	content := strings.TrimLeft(line, " ")
	indent := line[:len(line)-len(content)]
	for i, text := range m.texts {
		mark := fmt.Sprintf("MARK%04dX", i)
		if content == mark+": null\n" {
			var b strings.Builder
			for l := range strings.Lines(text + "\n") {
				b.WriteString(indent + l)
			}
			return b.String()
		}
		line = strings.ReplaceAll(line, mark, text)
	}
	return line
}

func scalar(text string) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: text}
}

// get returns the node at the path of keys and, for sequences, indexes; nil when there is none.
func get(n *yaml.Node, path ...any) *yaml.Node {
	for _, step := range path {
		if n == nil {
			return nil
		}
		n = child(n, step)
	}
	return n
}

func child(n *yaml.Node, step any) *yaml.Node {
	if i, ok := step.(int); ok {
		if n.Kind == yaml.SequenceNode && i < len(n.Content) {
			return n.Content[i]
		}
		return nil
	}
	for i := 0; n.Kind == yaml.MappingNode && i < len(n.Content); i += 2 {
		if n.Content[i].Value == step {
			return n.Content[i+1]
		}
	}
	return nil
}

// text returns the text of the scalar at the path.
func text(n *yaml.Node, path ...any) string {
	if found := get(n, path...); found != nil {
		return found.Value
	}
	return ""
}

// set makes the node at the path the scalar.
func (m *marks) set(n *yaml.Node, expression string, path ...any) {
	found := get(n, path...)
	if found == nil {
		panic(fmt.Sprint("nothing at ", path))
	}
	*found = *scalar(m.name(expression))
}

// walk calls f for every scalar below n that is a value, with the key that it lies at.
func walk(n *yaml.Node, key string, f func(key string, n *yaml.Node)) {
	switch n.Kind {
	case yaml.ScalarNode:
		f(key, n)
	case yaml.MappingNode:
		for i := 0; i < len(n.Content); i += 2 {
			walk(n.Content[i+1], n.Content[i].Value, f)
		}
	default:
		for _, c := range n.Content {
			walk(c, key, f)
		}
	}
}

// after inserts lines after a key of a mapping.
func (m *marks) after(mapping *yaml.Node, key, text string) {
	for i := 0; mapping != nil && i < len(mapping.Content); i += 2 {
		if mapping.Content[i].Value == key {
			mapping.Content = append(mapping.Content[:i+2:i+2], append(m.line(text), mapping.Content[i+2:]...)...)
			return
		}
	}
	panic("no key " + key)
}
