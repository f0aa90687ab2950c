package kube

import (
	"context"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/wire"
)

// Files reads the Secrets and ConfigMaps that functions name. It keeps nothing: a Secret is read when a pod needs
// it. It is safe for concurrent use.
type Files struct {
	clients *Clients
}

// NewFiles returns a Files.
func NewFiles(clients *Clients) *Files { return &Files{clients: clients} }

// Files returns the contents of the function's Secrets and ConfigMaps, sorted by path. An error that the function's
// owner can mend is a *wire.Failure.
func (s *Files) Files(ctx context.Context, f *v1.Function) ([]wire.File, error) {
	var files []wire.File
	for _, r := range f.Spec.Secrets {
		dir, err := place(f, "secret", r.Namespace, r.Name, r.MountPath)
		if err != nil {
			return nil, err
		}
		secret, err := s.clients.Secrets(f.Namespace).Get(ctx, r.Name, metav1.GetOptions{})
		if err != nil {
			return nil, missing(err, v1.ReasonSecretNotFound, "Secret", f.Namespace, r.Name)
		}
		files = add(files, dir, true, secret.Data)
	}
	for _, r := range f.Spec.ConfigMaps {
		dir, err := place(f, "configmap", r.Namespace, r.Name, r.MountPath)
		if err != nil {
			return nil, err
		}
		config, err := s.clients.ConfigMaps(f.Namespace).Get(ctx, r.Name, metav1.GetOptions{})
		if err != nil {
			return nil, missing(err, v1.ReasonConfigMapNotFound, "ConfigMap", f.Namespace, r.Name)
		}
		data := maps.Clone(config.BinaryData)
		if data == nil {
			data = map[string][]byte{}
		}
		for k, v := range config.Data {
			data[k] = []byte(v)
		}
		files = add(files, dir, false, data)
	}
	return files, nil
}

// place returns the folder of a reference. Only the function's own namespace may be named: whoever may create
// functions in one must not read the Secrets of another.
func place(f *v1.Function, kind, namespace, name, mountPath string) (string, error) {
	if namespace != "" && namespace != f.Namespace {
		return "", &wire.Failure{
			Reason: v1.ReasonReferenceInvalid,
			Message: fmt.Sprintf("%s %s/%s is in another namespace: a function of %s can name only those of %s",
				kind, namespace, name, f.Namespace, f.Namespace),
		}
	}
	if mountPath == "" {
		return path.Join(f.Namespace, name), nil
	}
	if path.Clean(mountPath) != mountPath || path.IsAbs(mountPath) || mountPath == "." || strings.HasPrefix(mountPath+"/", "../") {
		return "", &wire.Failure{
			Reason:  v1.ReasonReferenceInvalid,
			Message: fmt.Sprintf("mountPath %q of %s %s is not a clean relative path", mountPath, kind, name),
		}
	}
	return mountPath, nil
}

func missing(err error, reason, kind, namespace, name string) error {
	if apierrors.IsNotFound(err) {
		return &wire.Failure{
			Reason:  reason,
			Message: fmt.Sprintf("%s %s/%s does not exist: create it, or take it out of the function", kind, namespace, name),
		}
	}
	return fmt.Errorf("read %s %s/%s: %w", kind, namespace, name, err)
}

func add(files []wire.File, dir string, secret bool, data map[string][]byte) []wire.File {
	for _, key := range slices.Sorted(maps.Keys(data)) {
		files = append(files, wire.File{Path: path.Join(dir, key), Secret: secret, Data: data[key]})
	}
	return files
}
