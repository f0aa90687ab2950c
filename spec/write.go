package spec

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	sigsyaml "sigs.k8s.io/yaml"

	v1 "hotpod.dev/api/v1"
)

// readme is what a new folder of specs says of itself.
const readme = `Specs of an application
=======================

The YAML files in this folder declare environments, packages, functions and routes. "hotpod spec apply" makes the cluster
as they say: it creates and updates what is declared, and with --delete removes what no longer is. Archives are made of the
files that ArchiveUploadSpecs name, and uploaded when they changed. "hotpod spec apply --watch" goes on as files change.

Write the files by hand, or have them written: "hotpod function create --spec …", "hotpod env create --spec …" and so on.

` + ConfigFile + ` holds a UID. All objects of the application carry it in an annotation; objects that do not are never
changed. Keep the file, and never change the UID.
`

// Init makes a folder of specs for a new application. It is an error if there is one.
func Init(dir string, c Config) error {
	path := filepath.Join(dir, ConfigFile)
	if _, err := os.Stat(path); err == nil {
		return fmt.Errorf("%s exists already", path)
	}
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return fmt.Errorf("make the folder: %w", err)
	}
	c.TypeMeta = metav1.TypeMeta{APIVersion: v1.GroupVersion.String(), Kind: kindConfig}
	data, err := sigsyaml.Marshal(c)
	if err != nil {
		return fmt.Errorf("encode the DeploymentConfig: %w", err)
	}
	head := "# Identifies the application on the cluster: do not change the uid.\n"
	if err := os.WriteFile(path, append([]byte(head), data...), 0o600); err != nil {
		return fmt.Errorf("write specs: %w", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "README.md"), []byte(readme), 0o600); err != nil {
		return fmt.Errorf("write specs: %w", err)
	}
	return nil
}

// NewArchive describes an archive of files.
func NewArchive(name string, include ...string) *Archive {
	return &Archive{
		TypeMeta: metav1.TypeMeta{APIVersion: v1.GroupVersion.String(), Kind: kindArchive}, Name: name, Include: include,
	}
}

// Format writes declarations as YAML documents: objects of Kinds, and Archives.
func Format(declarations ...any) ([]byte, error) {
	var out bytes.Buffer
	for i, d := range declarations {
		data, err := format(d)
		if err != nil {
			return nil, err
		}
		if i > 0 {
			out.WriteString("---\n")
		}
		out.Write(data)
	}
	return out.Bytes(), nil
}

// format leaves out what no user declares.
func format(d any) ([]byte, error) {
	data, err := json.Marshal(d)
	if err != nil {
		return nil, fmt.Errorf("encode: %w", err)
	}
	var fields map[string]any
	if err := json.Unmarshal(data, &fields); err != nil {
		return nil, fmt.Errorf("encode: %w", err)
	}
	if o, ok := d.(Object); ok {
		fields["apiVersion"], fields["kind"] = v1.GroupVersion.String(), KeyOf(o).Kind
		delete(fields, "status")
	}
	if meta, ok := fields["metadata"].(map[string]any); ok {
		delete(meta, "creationTimestamp")
		delete(meta, "managedFields")
	}
	text, err := sigsyaml.Marshal(withoutEmpty(fields))
	if err != nil {
		return nil, fmt.Errorf("encode: %w", err)
	}
	return text, nil
}

// withoutEmpty drops what says nothing in a file that people read.
func withoutEmpty(fields map[string]any) map[string]any {
	for key, value := range fields {
		inner, isMap := value.(map[string]any)
		if isMap {
			withoutEmpty(inner)
		}
		if value == nil || value == "" || isMap && len(inner) == 0 {
			delete(fields, key)
		}
	}
	return fields
}

// Save appends declarations to a file of the folder. The folder must have been made, and must not declare an object of
// the same kind and name yet.
func Save(dir, file string, o Options, declarations ...any) error {
	app, err := Read(dir, o)
	if err != nil {
		return err
	}
	for _, d := range declarations {
		obj, ok := d.(Object)
		if !ok {
			continue
		}
		key := KeyOf(obj)
		if key.Namespace == "" {
			key.Namespace = o.Namespace
		}
		for _, item := range app.Items {
			if item.Key() == key {
				return fmt.Errorf("%s: %s %s is declared already", item.At(), key.Kind, key.Name)
			}
		}
	}
	text, err := Format(declarations...)
	if err != nil {
		return err
	}
	return appendTo(filepath.Join(dir, file), text)
}

func appendTo(path string, text []byte) error {
	old, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("write specs: %w", err)
	}
	if len(bytes.TrimSpace(old)) > 0 {
		text = append(append(bytes.TrimRight(old, "\n"), "\n---\n"...), text...)
	}
	if err := os.WriteFile(path, text, 0o600); err != nil {
		return fmt.Errorf("write specs: %w", err)
	}
	return nil
}
