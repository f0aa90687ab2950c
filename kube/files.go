package kube

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/wire"
)

// files returns the contents of the function's Secrets and ConfigMaps, sorted by path. All are there.
func files(f *v1.Function, held map[origin]map[string][]byte) ([]wire.File, error) {
	var files []wire.File
	for _, r := range f.Spec.Secrets {
		dir, err := folderOf(f, "secret", r.Namespace, r.Name, r.MountPath)
		if err != nil {
			return nil, err
		}
		files = add(files, dir, true, held[origin{true, r.Name}])
	}
	for _, r := range f.Spec.ConfigMaps {
		dir, err := folderOf(f, "configmap", r.Namespace, r.Name, r.MountPath)
		if err != nil {
			return nil, err
		}
		files = add(files, dir, false, held[origin{false, r.Name}])
	}
	return files, nil
}

// folderOf returns the folder of a reference.
func folderOf(f *v1.Function, kind, namespace, name, mountPath string) (string, error) {
	if err := inNamespace(f, kind, namespace, name); err != nil {
		return "", err
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

// inNamespace refuses a reference to another namespace: whoever may create functions in one must not read the Secrets of
// another.
func inNamespace(f *v1.Function, kind, namespace, name string) error {
	if namespace == "" || namespace == f.Namespace {
		return nil
	}
	return &wire.Failure{
		Reason: v1.ReasonReferenceInvalid,
		Message: fmt.Sprintf("%s %s/%s is in another namespace: a function of %s can name only those of %s",
			kind, namespace, name, f.Namespace, f.Namespace),
	}
}

func add(files []wire.File, dir string, secret bool, data map[string][]byte) []wire.File {
	for _, key := range slices.Sorted(maps.Keys(data)) {
		files = append(files, wire.File{Path: path.Join(dir, key), Secret: secret, Data: data[key]})
	}
	return files
}
