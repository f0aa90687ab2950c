package spec

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"

	v1 "hotpod.dev/api/v1"
)

// newItem decodes an object and fills in the namespaces that the user may leave out.
func newItem(d *document, kind string, o Options) (*Item, []error) {
	item := &Item{Kind: kind, Object: newObject(kind), doc: d}
	if faults := d.decode(item.Object); len(faults) > 0 {
		return nil, faults
	}
	if item.Object.GetName() == "" {
		return nil, []error{fmt.Errorf("%s: a %s without metadata.name", d.locate("metadata"), kind)}
	}
	var raw struct {
		Spec map[string]any `json:"spec"`
	}
	if err := json.Unmarshal(d.json, &raw); err != nil {
		return nil, []error{fmt.Errorf("%s: %w", d.at, err)}
	}
	item.Spec, _ = withoutNulls(raw.Spec).(map[string]any)
	if item.Spec == nil {
		item.Spec = map[string]any{}
	}
	if item.Object.GetNamespace() == "" || o.Force {
		item.Object.SetNamespace(o.Namespace)
	}
	item.placeReferences(o.Force)
	if err := item.retype(); err != nil {
		return nil, []error{fmt.Errorf("%s: %w", d.at, err)}
	}
	return item, nil
}

// withoutNulls drops what stands for nothing: the API server takes null for few fields only.
func withoutNulls(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for key, value := range v {
			if value == nil {
				delete(v, key)
				continue
			}
			v[key] = withoutNulls(value)
		}
	case []any:
		for i := range v {
			v[i] = withoutNulls(v[i])
		}
	}
	return v
}

// placeReferences puts the namespace of the object into references that leave it out; with force into all of them.
// The version of a package is the platform's to follow.
func (i *Item) placeReferences(force bool) {
	place := func(ref map[string]any) {
		if ns, _ := ref["namespace"].(string); ref != nil && (ns == "" || force) {
			ref["namespace"] = i.Object.GetNamespace()
		}
	}
	object := func(in map[string]any, key string) map[string]any {
		out, _ := in[key].(map[string]any)
		return out
	}
	place(object(i.Spec, "environment"))
	if ref := object(object(i.Spec, "package"), "packageref"); ref != nil {
		place(ref)
		delete(ref, "resourceversion")
	}
	for _, key := range []string{"secrets", "configmaps"} {
		list, _ := i.Spec[key].([]any)
		for _, entry := range list {
			ref, _ := entry.(map[string]any)
			place(ref)
		}
	}
}

// retype makes the typed object say what Spec says.
func (i *Item) retype() error {
	fresh := newObject(i.Kind)
	data, err := json.Marshal(map[string]any{"metadata": map[string]any{
		"name": i.Object.GetName(), "namespace": i.Object.GetNamespace(), "labels": i.Object.GetLabels(), "annotations": i.Object.GetAnnotations(),
	}, "spec": i.Spec})
	if err != nil {
		return fmt.Errorf("encode %s: %w", i.Object.GetName(), err)
	}
	if err := json.Unmarshal(data, fresh); err != nil {
		return fmt.Errorf("decode %s: %w", i.Object.GetName(), err)
	}
	i.Object = fresh
	return nil
}

// mark says whose object it is.
func (i *Item) mark(c Config, labels map[string]string) {
	annotations := maps.Clone(i.Object.GetAnnotations())
	if annotations == nil {
		annotations = map[string]string{}
	}
	annotations[AnnotationName], annotations[AnnotationUID] = c.Name, c.UID
	i.Object.SetAnnotations(annotations)
	if len(labels) > 0 {
		all := maps.Clone(i.Object.GetLabels())
		if all == nil {
			all = map[string]string{}
		}
		maps.Copy(all, labels)
		i.Object.SetLabels(all)
	}
}

// Hash identifies all that the item declares.
func (i *Item) Hash() string {
	annotations := maps.Clone(i.Object.GetAnnotations())
	delete(annotations, AnnotationHash)
	data, err := json.Marshal([]any{i.Spec, i.Object.GetLabels(), annotations})
	if err != nil {
		panic(err) // it was JSON
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:16])
}

// SetArchive replaces a reference to an archive of the specs by the archive itself; field is "source" or "deployment".
func (i *Item) SetArchive(field string, archive v1.Archive) error {
	data, err := json.Marshal(archive)
	if err != nil {
		return fmt.Errorf("encode archive: %w", err)
	}
	var raw map[string]any
	if err := json.Unmarshal(data, &raw); err != nil {
		return fmt.Errorf("encode archive: %w", err)
	}
	i.Spec[field] = raw
	return i.retype()
}
