package pool

import (
	"bytes"
	"encoding/json"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/strategicpatch"

	v1 "hotpod.dev/api/v1"
)

// userPodSpec returns what the environment's owner wants of its pods: spec.runtime.podspec, whose main container
// got the runtime container's name and spec.runtime.container. It is checked and safe to merge.
func userPodSpec(e *v1.Environment) (*corev1.PodSpec, error) {
	r := &e.Spec.Runtime
	spec, err := UserPodSpec(r.PodSpec, r.Container, "spec.runtime", runtimeName(e.Name))
	if err != nil {
		return nil, err
	}
	if err := checkPodSpec(spec); err != nil {
		return nil, fmt.Errorf("environment %s/%s: %w", e.Namespace, e.Name, err)
	}
	return spec, nil
}

// UserPodSpec reads a podspec and a container of the named field of an object. The container is the one that the podspec
// has under its name, or the main one; it is called main in the result, which is not checked yet (CheckPodSpec).
func UserPodSpec(podSpec, mainContainer *runtime.RawExtension, field, main string) (*corev1.PodSpec, error) {
	spec, err := DecodePodSpec(podSpec, field+".podspec")
	if err != nil {
		return nil, err
	}
	container, err := decode[corev1.Container](mainContainer, field+".container")
	if err != nil {
		return nil, err
	}
	if container.Name != "" {
		for i := range spec.Containers {
			if spec.Containers[i].Name == container.Name {
				spec.Containers[i].Name = main
			}
		}
	}
	container.Name = main
	spec.Containers, err = withMain(spec.Containers, *container)
	return spec, err
}

// withMain merges main into the container of its name, or adds it. The platform decides its image.
func withMain(containers []corev1.Container, main corev1.Container) ([]corev1.Container, error) {
	for i := range containers {
		if containers[i].Name != main.Name {
			continue
		}
		merged, err := merge(&containers[i], &main)
		if err != nil {
			return nil, err
		}
		containers[i] = platformFields(*merged)
		return containers, nil
	}
	return append(containers, platformFields(main)), nil
}

// platformFields clears what the platform sets in the runtime container.
func platformFields(c corev1.Container) corev1.Container {
	c.Image, c.ImagePullPolicy, c.TerminationMessagePath, c.Lifecycle = "", "", "", nil
	return c
}

// DecodePodSpec reads a pod spec of the named field of an object. A field that it does not know is an error.
func DecodePodSpec(raw *runtime.RawExtension, field string) (*corev1.PodSpec, error) {
	return decode[corev1.PodSpec](raw, field)
}

func decode[T any](raw *runtime.RawExtension, field string) (*T, error) {
	v := new(T)
	if raw == nil || len(raw.Raw) == 0 {
		return v, nil
	}
	d := json.NewDecoder(bytes.NewReader(raw.Raw))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return nil, fmt.Errorf("%s: %w", field, err)
	}
	return v, nil
}

// MergePodSpec merges what a user wants into the platform's spec, whose first container is the main one.
func MergePodSpec(base, user *corev1.PodSpec) (*corev1.PodSpec, error) {
	spec, err := merge(base, user)
	if err != nil {
		return nil, err
	}
	// A strategic merge puts added list elements first; the runtime container is the pod's first by custom.
	for i := range spec.Containers {
		if spec.Containers[i].Name == base.Containers[0].Name {
			spec.Containers[0], spec.Containers[i] = spec.Containers[i], spec.Containers[0]
		}
	}
	return spec, nil
}

// merge merges patch into base as kubectl apply would: lists by their merge keys, everything else field by field.
func merge[T any](base, patch *T) (*T, error) {
	original, err := json.Marshal(base)
	if err != nil {
		return nil, fmt.Errorf("encode pod: %w", err)
	}
	change, err := withoutEmpty(patch)
	if err != nil {
		return nil, err
	}
	merged, err := strategicpatch.StrategicMergePatch(original, change, *new(T))
	if err != nil {
		return nil, fmt.Errorf("merge the environment's container and podspec into its pods: %w", err)
	}
	out := new(T)
	if err := json.Unmarshal(merged, out); err != nil {
		return nil, fmt.Errorf("decode merged pod: %w", err)
	}
	return out, nil
}

// withoutEmpty encodes v without what it leaves open: a null in a patch would delete, an empty string replace.
func withoutEmpty(v any) ([]byte, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("encode patch: %w", err)
	}
	var fields map[string]any
	if err := json.Unmarshal(b, &fields); err != nil {
		return nil, fmt.Errorf("encode patch: %w", err)
	}
	for name, value := range fields {
		if value == nil || value == "" {
			delete(fields, name)
		}
	}
	return json.Marshal(fields)
}
