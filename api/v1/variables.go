package v1

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// ReservedVariable reports whether the platform keeps the environment variable to itself: it sets it, or who sets it
// could take over the runtime.
func ReservedVariable(name string) bool {
	return strings.HasPrefix(name, "FISSION_") || strings.HasPrefix(name, "HOTPOD_") || slices.Contains([]string{
		"RESOURCE_VERSION_COUNT", "LD_PRELOAD", "NODE_OPTIONS", "PYTHONPATH",
		"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy",
	}, name)
}

// UsesFiles reports whether the function names a Secret or a ConfigMap, as files or as variables.
func (f *Function) UsesFiles() bool {
	s := &f.Spec
	return len(s.Secrets)+len(s.ConfigMaps)+len(s.EnvFrom) > 0 || slices.ContainsFunc(s.Env, func(e corev1.EnvVar) bool { return e.ValueFrom != nil })
}

// variables adds what is wrong with env and envFrom.
func (s *FunctionSpec) variables(f *faults) {
	const name = `[-._a-zA-Z][-._a-zA-Z0-9]*`
	for i := range s.Env {
		e, field := &s.Env[i], fmt.Sprintf("spec.env[%d]", i)
		f.when(!matches(name, e.Name), field+".name",
			"the name of a variable has letters, digits, '_', '-' and '.', and begins with no digit")
		f.when(ReservedVariable(e.Name), field+".name",
			"env sets a reserved name: FISSION_*, HOTPOD_*, RESOURCE_VERSION_COUNT, LD_PRELOAD, NODE_OPTIONS, PYTHONPATH and "+
				"the proxy variables belong to the platform")
		if v := e.ValueFrom; v != nil {
			f.when(v.FieldRef != nil || v.ResourceFieldRef != nil || v.FileKeyRef != nil, field+".valueFrom",
				"env takes values from secretKeyRef and configMapKeyRef only, not from fieldRef, resourceFieldRef or fileKeyRef")
			f.when(e.Value != "" || (v.SecretKeyRef == nil) == (v.ConfigMapKeyRef == nil), field,
				"a variable has a value, or a valueFrom with one of secretKeyRef and configMapKeyRef")
		}
	}
	for i := range s.EnvFrom {
		e, field := &s.EnvFrom[i], fmt.Sprintf("spec.envFrom[%d]", i)
		f.when((e.SecretRef == nil) == (e.ConfigMapRef == nil), field, "each entry of envFrom names one of secretRef and configMapRef")
		f.when(e.Prefix != "" && !matches(name, e.Prefix), field+".prefix",
			"the prefix of envFrom has letters, digits, '_', '-' and '.', and begins with no digit")
	}
}
