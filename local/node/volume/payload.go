package volume

import (
	"errors"
	"fmt"
	"maps"
	"path"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// File is one file of a volume.
type File struct {
	Data []byte
	Mode int32
}

// Payload is a volume's content: relative path to file.
type Payload map[string]File

// Source gives the objects that volumes and environments refer to. An object
// that does not exist is an error for which apierrors.IsNotFound holds.
type Source interface {
	Secret(namespace, name string) (*corev1.Secret, error)
	ConfigMap(namespace, name string) (*corev1.ConfigMap, error)
	// Token returns a service account token for the pod.
	Token(pod *corev1.Pod, audience string, seconds int64) (string, error)
}

// The modes that Kubernetes gives files when none is asked for.
const (
	defaultMode = 0o644
	tokenMode   = 0o600
)

// Dynamic says whether a volume's content comes from objects and can change.
func Dynamic(v corev1.VolumeSource) bool {
	return v.Secret != nil || v.ConfigMap != nil || v.DownwardAPI != nil || v.Projected != nil
}

// Compute returns the content of a dynamic volume of pod.
func Compute(v corev1.VolumeSource, pod *corev1.Pod, source Source) (Payload, error) {
	switch {
	case v.Secret != nil:
		return secret(pod.Namespace, v.Secret.SecretName, v.Secret.Items, modeOf(v.Secret.DefaultMode), isTrue(v.Secret.Optional), source)
	case v.ConfigMap != nil:
		return configMap(pod.Namespace, v.ConfigMap.Name, v.ConfigMap.Items, modeOf(v.ConfigMap.DefaultMode), isTrue(v.ConfigMap.Optional), source)
	case v.DownwardAPI != nil:
		return downward(pod, v.DownwardAPI.Items, modeOf(v.DownwardAPI.DefaultMode))
	case v.Projected != nil:
		return projected(pod, v.Projected, source)
	default:
		return nil, errors.New("volume has no content of objects")
	}
}

func projected(pod *corev1.Pod, v *corev1.ProjectedVolumeSource, source Source) (Payload, error) {
	all := Payload{}
	for _, s := range v.Sources {
		one, err := projection(pod, s, modeOf(v.DefaultMode), source)
		if err != nil {
			return nil, err
		}
		maps.Copy(all, one)
	}
	return all, nil
}

func projection(pod *corev1.Pod, s corev1.VolumeProjection, mode int32, source Source) (Payload, error) {
	switch {
	case s.Secret != nil:
		return secret(pod.Namespace, s.Secret.Name, s.Secret.Items, mode, isTrue(s.Secret.Optional), source)
	case s.ConfigMap != nil:
		return configMap(pod.Namespace, s.ConfigMap.Name, s.ConfigMap.Items, mode, isTrue(s.ConfigMap.Optional), source)
	case s.DownwardAPI != nil:
		return downward(pod, s.DownwardAPI.Items, mode)
	case s.ServiceAccountToken != nil:
		return token(pod, s.ServiceAccountToken, source)
	default:
		return nil, errors.New("projected volume has a source that this node does not know")
	}
}

func secret(namespace, name string, items []corev1.KeyToPath, mode int32, optional bool, source Source) (Payload, error) {
	object, err := source.Secret(namespace, name)
	if err != nil {
		return absent(fmt.Sprintf("secret %q", name), err, optional)
	}
	return pick(fmt.Sprintf("secret %q", name), object.Data, items, mode, optional)
}

func configMap(namespace, name string, items []corev1.KeyToPath, mode int32, optional bool, source Source) (Payload, error) {
	object, err := source.ConfigMap(namespace, name)
	if err != nil {
		return absent(fmt.Sprintf("configmap %q", name), err, optional)
	}
	data := maps.Clone(object.BinaryData)
	if data == nil {
		data = map[string][]byte{}
	}
	for key, text := range object.Data {
		data[key] = []byte(text)
	}
	return pick(fmt.Sprintf("configmap %q", name), data, items, mode, optional)
}

func absent(what string, err error, optional bool) (Payload, error) {
	if apierrors.IsNotFound(err) {
		if optional {
			return Payload{}, nil
		}
		return nil, fmt.Errorf("%s not found", what)
	}
	return nil, fmt.Errorf("read %s: %w", what, err)
}

// pick takes all keys, or those that items name, under the items' paths.
func pick(what string, data map[string][]byte, items []corev1.KeyToPath, mode int32, optional bool) (Payload, error) {
	payload := Payload{}
	if len(items) == 0 {
		for key, value := range data {
			payload[key] = File{Data: value, Mode: mode}
		}
		return payload, nil
	}
	for _, item := range items {
		value, ok := data[item.Key]
		if !ok && optional {
			continue
		}
		if !ok {
			return nil, fmt.Errorf("%s has no key %q", what, item.Key)
		}
		if err := checkPath(item.Path); err != nil {
			return nil, err
		}
		payload[path.Clean(item.Path)] = File{Data: value, Mode: modeOr(item.Mode, mode)}
	}
	return payload, nil
}

func downward(pod *corev1.Pod, items []corev1.DownwardAPIVolumeFile, mode int32) (Payload, error) {
	payload := Payload{}
	for _, item := range items {
		if err := checkPath(item.Path); err != nil {
			return nil, err
		}
		value, err := downwardValue(pod, item)
		if err != nil {
			return nil, err
		}
		payload[path.Clean(item.Path)] = File{Data: []byte(value), Mode: modeOr(item.Mode, mode)}
	}
	return payload, nil
}

func downwardValue(pod *corev1.Pod, item corev1.DownwardAPIVolumeFile) (string, error) {
	switch {
	case item.FieldRef != nil:
		return PodField(pod, item.FieldRef.FieldPath)
	case item.ResourceFieldRef != nil:
		return ResourceField(pod, item.ResourceFieldRef, item.ResourceFieldRef.ContainerName)
	default:
		return "", fmt.Errorf("downward API file %q has no source", item.Path)
	}
}

func token(pod *corev1.Pod, t *corev1.ServiceAccountTokenProjection, source Source) (Payload, error) {
	if err := checkPath(t.Path); err != nil {
		return nil, err
	}
	seconds := int64(3600)
	if t.ExpirationSeconds != nil {
		seconds = *t.ExpirationSeconds
	}
	value, err := source.Token(pod, t.Audience, seconds)
	if err != nil {
		return nil, fmt.Errorf("request service account token: %w", err)
	}
	return Payload{path.Clean(t.Path): {Data: []byte(value), Mode: tokenMode}}, nil
}

// checkPath refuses what would leave the volume or clash with how it is written.
func checkPath(p string) error {
	if p == "" || path.IsAbs(p) || strings.HasPrefix(p, "..") {
		return fmt.Errorf("volume path %q must be relative and must not begin with two dots", p)
	}
	for part := range strings.SplitSeq(p, "/") {
		if part == ".." {
			return fmt.Errorf("volume path %q must not contain two dots as a part", p)
		}
	}
	return nil
}

func modeOf(mode *int32) int32 { return modeOr(mode, defaultMode) }

func modeOr(mode *int32, other int32) int32 {
	if mode == nil {
		return other
	}
	return *mode
}

func isTrue(b *bool) bool { return b != nil && *b }
