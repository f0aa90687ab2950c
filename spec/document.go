package spec

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
	sigsyaml "sigs.k8s.io/yaml"
)

// Location is a place in a file.
type Location struct {
	File string
	Line int
}

// String returns "file:line".
func (l Location) String() string { return l.File + ":" + strconv.Itoa(l.Line) }

// document is one YAML document of a file.
type document struct {
	at   Location // of its first line
	json []byte
	root *yaml.Node
}

// documents splits a file and parses its parts; empty ones are left out.
func documents(file string) ([]document, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read specs: %w", err)
	}
	var (
		out  []document
		errs []error
	)
	for _, part := range split(data) {
		d, err := parse(part.text, Location{file, part.line})
		if err != nil {
			errs = append(errs, err)
		} else if d != nil {
			out = append(out, *d)
		}
	}
	return out, errors.Join(errs...)
}

type part struct {
	text []byte
	line int // of its first line, from 1
}

// split cuts a YAML stream at its separators.
func split(data []byte) []part {
	parts := []part{{line: 1}}
	lines := bufio.NewScanner(bytes.NewReader(data))
	lines.Buffer(nil, len(data)+1)
	for n := 1; lines.Scan(); n++ {
		if line := lines.Text(); line == "---" || strings.HasPrefix(line, "--- ") {
			parts = append(parts, part{line: n + 1})
			continue
		}
		p := &parts[len(parts)-1]
		p.text = append(append(p.text, lines.Bytes()...), '\n')
	}
	return parts
}

// parse returns nil for a document without content.
func parse(text []byte, at Location) (*document, error) {
	var root yaml.Node
	if err := yaml.Unmarshal(text, &root); err != nil {
		return nil, relocate(err, at)
	}
	if len(root.Content) == 0 || root.Content[0].Tag == "!!null" {
		return nil, nil
	}
	json, err := sigsyaml.YAMLToJSONStrict(text)
	if err != nil {
		return nil, relocate(err, at)
	}
	return &document{at: at, json: json, root: root.Content[0]}, nil
}

// yamlLine finds the line that the YAML parser blames.
var yamlLine = regexp.MustCompile(`line (\d+): `)

// relocate turns an error about a line of the document into one about a line of its file.
func relocate(err error, at Location) error {
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	text = strings.TrimPrefix(text, "unmarshal errors:\n  ")
	text = strings.TrimPrefix(text, "error converting YAML to JSON: yaml: ")
	if m := yamlLine.FindStringSubmatch(text); m != nil {
		n, _ := strconv.Atoi(m[1])
		at.Line += n - 1
		text = strings.Replace(text, m[0], "", 1)
	}
	return fmt.Errorf("%s: not valid YAML: %s", at, text)
}

// locate returns where a field such as "spec.env[0].name" is, or the part of it that exists.
func (d *document) locate(field string) Location {
	node := d.root
	line := node.Line
	for _, step := range strings.FieldsFunc(field, func(r rune) bool { return r == '.' || r == '[' || r == ']' }) {
		key, value := child(node, step)
		if value == nil {
			break
		}
		node, line = value, key.Line
	}
	return Location{d.at.File, d.at.Line + line - 1}
}

// child returns the entry of a mapping or of a sequence; the key of the latter is the entry itself.
func child(n *yaml.Node, step string) (key, value *yaml.Node) {
	switch n.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			if n.Content[i].Value == step {
				return n.Content[i], n.Content[i+1]
			}
		}
	case yaml.SequenceNode:
		if i, err := strconv.Atoi(step); err == nil && i >= 0 && i < len(n.Content) {
			return n.Content[i], n.Content[i]
		}
	default:
	}
	return nil, nil
}
