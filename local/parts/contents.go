package parts

import (
	"fmt"
	"maps"

	corev1 "k8s.io/api/core/v1"
)

// Files is a folder that static pods mount.
type Files struct {
	// Dir is the folder.
	Dir string
	// Contents are the files in it by their path below Dir.
	Contents map[string][]byte
	// ServiceAccount, when not empty, is "namespace/name" of the account whose credentials the folder holds.
	ServiceAccount string
}

// compileVolume replaces a volume that refers to another object by a folder of the host with the same contents.
func (c *compiler) compileVolume(v *corev1.Volume) error {
	var contents map[string][]byte
	var err error
	switch {
	case v.ConfigMap != nil:
		contents, err = c.configMap(v.ConfigMap.Name, v.ConfigMap.Items, v.ConfigMap.Optional)
	case v.Secret != nil:
		contents, err = c.secret(v.Secret.SecretName, v.Secret.Items, v.Secret.Optional)
	case v.Projected != nil:
		contents, err = c.projected(v.Projected.Sources)
	case v.PersistentVolumeClaim != nil:
		return fmt.Errorf("persistent volumes do not exist here: use emptyDir or hostPath")
	default:
		return nil
	}
	if err != nil {
		return err
	}
	dir := c.directory(v.Name)
	c.files = append(c.files, Files{Dir: dir, Contents: contents})
	v.VolumeSource = hostPath(dir)
	return nil
}

func (c *compiler) projected(sources []corev1.VolumeProjection) (map[string][]byte, error) {
	all := map[string][]byte{}
	for _, source := range sources {
		var contents map[string][]byte
		var err error
		switch {
		case source.ConfigMap != nil:
			contents, err = c.configMap(source.ConfigMap.Name, source.ConfigMap.Items, source.ConfigMap.Optional)
		case source.Secret != nil:
			contents, err = c.secret(source.Secret.Name, source.Secret.Items, source.Secret.Optional)
		default:
			err = fmt.Errorf("a part's projected volume may hold ConfigMaps and Secrets only")
		}
		if err != nil {
			return nil, err
		}
		maps.Copy(all, contents)
	}
	return all, nil
}

func (c *compiler) configMap(name string, items []corev1.KeyToPath, optional *bool) (map[string][]byte, error) {
	m, ok := c.plan.configMaps[key(c.deployment.Namespace, name)]
	if !ok {
		return nil, missing("ConfigMap", name, optional)
	}
	all := map[string][]byte{}
	for k, v := range m.Data {
		all[k] = []byte(v)
	}
	maps.Copy(all, m.BinaryData)
	return chosen(all, items)
}

func (c *compiler) secret(name string, items []corev1.KeyToPath, optional *bool) (map[string][]byte, error) {
	s, ok := c.plan.secrets[key(c.deployment.Namespace, name)]
	if !ok {
		return nil, missing("Secret", name, optional)
	}
	all := map[string][]byte{}
	maps.Copy(all, s.Data)
	for k, v := range s.StringData {
		all[k] = []byte(v)
	}
	return chosen(all, items)
}

func missing(kind, name string, optional *bool) error {
	if optional != nil && *optional {
		return nil
	}
	return fmt.Errorf("%s %s is not among the manifests", kind, name)
}

func chosen(all map[string][]byte, items []corev1.KeyToPath) (map[string][]byte, error) {
	if len(items) == 0 {
		return all, nil
	}
	some := map[string][]byte{}
	for _, item := range items {
		text, ok := all[item.Key]
		if !ok {
			return nil, fmt.Errorf("there is no key %s", item.Key)
		}
		some[item.Path] = text
	}
	return some, nil
}

// compileEnv makes variables literal that refer to other objects. Fields of the pod itself stay references.
func (c *compiler) compileEnv(container *corev1.Container) error {
	var env []corev1.EnvVar
	for _, from := range container.EnvFrom {
		more, err := c.envFrom(from)
		if err != nil {
			return err
		}
		env = append(env, more...)
	}
	for _, e := range container.Env {
		literal, err := c.literal(e)
		if err != nil {
			return fmt.Errorf("variable %s: %w", e.Name, err)
		}
		if literal != nil {
			env = append(env, *literal)
		}
	}
	container.Env, container.EnvFrom = env, nil
	return nil
}

func (c *compiler) envFrom(from corev1.EnvFromSource) ([]corev1.EnvVar, error) {
	var contents map[string][]byte
	var err error
	switch {
	case from.ConfigMapRef != nil:
		contents, err = c.configMap(from.ConfigMapRef.Name, nil, from.ConfigMapRef.Optional)
	case from.SecretRef != nil:
		contents, err = c.secret(from.SecretRef.Name, nil, from.SecretRef.Optional)
	}
	env := make([]corev1.EnvVar, 0, len(contents))
	for _, name := range sortedKeys(contents) {
		env = append(env, corev1.EnvVar{Name: from.Prefix + name, Value: string(contents[name])})
	}
	return env, err
}

// literal returns the variable with its value in it, or nil when it refers to something optional that is missing.
func (c *compiler) literal(e corev1.EnvVar) (*corev1.EnvVar, error) {
	if e.ValueFrom == nil {
		return &e, nil
	}
	var contents map[string][]byte
	var name string
	var optional *bool
	var err error
	switch from := e.ValueFrom; {
	case from.ConfigMapKeyRef != nil:
		name, optional = from.ConfigMapKeyRef.Key, from.ConfigMapKeyRef.Optional
		contents, err = c.configMap(from.ConfigMapKeyRef.Name, nil, optional)
	case from.SecretKeyRef != nil:
		name, optional = from.SecretKeyRef.Key, from.SecretKeyRef.Optional
		contents, err = c.secret(from.SecretKeyRef.Name, nil, optional)
	default:
		return &e, nil
	}
	if err != nil {
		return nil, err
	}
	text, ok := contents[name]
	if !ok {
		return nil, missing("key", name, optional)
	}
	return &corev1.EnvVar{Name: e.Name, Value: string(text)}, nil
}
