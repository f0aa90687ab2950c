package node

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/util/validation"

	"hotpod.dev/local/node/volume"
)

// environment is a list of variables in which later ones replace earlier ones.
type environment struct {
	names  []string
	values map[string]string
}

func (e *environment) set(name, value string) {
	if e.values == nil {
		e.values = map[string]string{}
	}
	if _, ok := e.values[name]; !ok {
		e.names = append(e.names, name)
	}
	e.values[name] = value
}

func (e *environment) lookup(name string) (string, bool) {
	value, ok := e.values[name]
	return value, ok
}

// list returns NAME=value lines in the order of first setting.
func (e *environment) list() []string {
	lines := make([]string, 0, len(e.names))
	for _, name := range e.names {
		lines = append(lines, name+"="+e.values[name])
	}
	return lines
}

// envSources are where a container's variables come from.
type envSources struct {
	// pod has its status' addresses filled in.
	pod *corev1.Pod
	// first and image are below what the container says.
	first  []corev1.EnvVar
	image  map[string]string
	path   string
	source volume.Source
}

// containerEnv computes a container's environment.
func containerEnv(c *corev1.Container, s envSources) (*environment, error) {
	env := &environment{}
	env.set("PATH", s.path)
	env.set("HOSTNAME", hostname(s.pod))
	for _, name := range slices.Sorted(maps.Keys(s.image)) {
		env.set(name, s.image[name])
	}
	for _, v := range s.first {
		env.set(v.Name, v.Value)
	}
	for _, from := range c.EnvFrom {
		if err := addAll(env, from, s); err != nil {
			return nil, err
		}
	}
	for _, v := range c.Env {
		if v.ValueFrom == nil {
			env.set(v.Name, expand(v.Value, env.lookup))
			continue
		}
		value, ok, err := valueFrom(v.ValueFrom, c.Name, s)
		if err != nil {
			return nil, fmt.Errorf("variable %s: %w", v.Name, err)
		}
		if ok {
			env.set(v.Name, value)
		}
	}
	return env, nil
}

// hostname is what the pod calls itself.
func hostname(pod *corev1.Pod) string {
	name := pod.Spec.Hostname
	if name == "" {
		name = pod.Name
	}
	return strings.TrimRight(name[:min(len(name), validation.DNS1123LabelMaxLength)], "-.")
}

// addAll adds every key of an object that is a variable's name.
func addAll(env *environment, from corev1.EnvFromSource, s envSources) error {
	data, err := fromObject(from, s)
	if err != nil {
		return err
	}
	for _, key := range slices.Sorted(maps.Keys(data)) {
		name := from.Prefix + key
		if len(validation.IsEnvVarName(name)) == 0 {
			env.set(name, data[key])
		}
	}
	return nil
}

func fromObject(from corev1.EnvFromSource, s envSources) (map[string]string, error) {
	switch {
	case from.ConfigMapRef != nil:
		object, err := s.source.ConfigMap(s.pod.Namespace, from.ConfigMapRef.Name)
		if err != nil {
			return nil, missing("configmap", from.ConfigMapRef.Name, err, from.ConfigMapRef.Optional)
		}
		return object.Data, nil
	case from.SecretRef != nil:
		object, err := s.source.Secret(s.pod.Namespace, from.SecretRef.Name)
		if err != nil {
			return nil, missing("secret", from.SecretRef.Name, err, from.SecretRef.Optional)
		}
		return asStrings(object.Data), nil
	default:
		return nil, nil
	}
}

func asStrings(data map[string][]byte) map[string]string {
	texts := make(map[string]string, len(data))
	for key, value := range data {
		texts[key] = string(value)
	}
	return texts
}

// missing makes the error for an object that cannot be read; an optional one that
// does not exist is no error.
func missing(kind, name string, err error, optional *bool) error {
	if !apierrors.IsNotFound(err) {
		return fmt.Errorf("read %s %q: %w", kind, name, err)
	}
	if optional != nil && *optional {
		return nil
	}
	return fmt.Errorf("%s %q not found", kind, name)
}

// valueFrom returns a variable's value; ok is false for an optional one that has none.
func valueFrom(from *corev1.EnvVarSource, container string, s envSources) (value string, ok bool, err error) {
	switch {
	case from.FieldRef != nil:
		value, err = volume.PodField(s.pod, from.FieldRef.FieldPath)
		return value, err == nil, err
	case from.ResourceFieldRef != nil:
		name := from.ResourceFieldRef.ContainerName
		if name == "" {
			name = container
		}
		value, err = volume.ResourceField(s.pod, from.ResourceFieldRef, name)
		return value, err == nil, err
	case from.ConfigMapKeyRef != nil:
		ref := from.ConfigMapKeyRef
		object, err := s.source.ConfigMap(s.pod.Namespace, ref.Name)
		if err != nil {
			return "", false, missing("configmap", ref.Name, err, ref.Optional)
		}
		return key("configmap", ref.Name, ref.Key, object.Data, ref.Optional)
	case from.SecretKeyRef != nil:
		ref := from.SecretKeyRef
		object, err := s.source.Secret(s.pod.Namespace, ref.Name)
		if err != nil {
			return "", false, missing("secret", ref.Name, err, ref.Optional)
		}
		return key("secret", ref.Name, ref.Key, asStrings(object.Data), ref.Optional)
	default:
		return "", false, fmt.Errorf("value has a source that this node does not know")
	}
}

func key(kind, name, key string, data map[string]string, optional *bool) (string, bool, error) {
	value, ok := data[key]
	if !ok && (optional == nil || !*optional) {
		return "", false, fmt.Errorf("couldn't find key %s in %s %s", key, kind, name)
	}
	return value, ok, nil
}
