package cli

import (
	"strings"

	"github.com/spf13/pflag"
	corev1 "k8s.io/api/core/v1"

	v1 "hotpod.dev/api/v1"
)

// variableFlags are a function's environment variables, with Fission's notation.
type variableFlags struct {
	values, secrets, configMaps []string
}

func (v *variableFlags) add(f *pflag.FlagSet) {
	f.StringArrayVar(&v.values, "env-var", nil, "environment variable as NAME=VALUE; an empty text for none any more")
	f.StringSliceVar(&v.secrets, "env-from-secret", nil,
		"Secret whose keys become environment variables: NAME, NAME/KEY for one key, NAME/KEY:VARIABLE for one by another name")
	f.StringSliceVar(&v.configMaps, "env-from-configmap", nil, "the same of a ConfigMap")
}

// apply sets the variables when any was given; together they replace those that there were.
func (v *variableFlags) apply(f *pflag.FlagSet, s *v1.FunctionSpec) error {
	if !f.Changed("env-var") && !f.Changed("env-from-secret") && !f.Changed("env-from-configmap") {
		return nil
	}
	s.Env, s.EnvFrom = nil, nil
	for _, pair := range v.values {
		if pair == "" {
			continue
		}
		name, value, ok := strings.Cut(pair, "=")
		if !ok || name == "" {
			return usagef("--env-var %q: write it as NAME=VALUE", pair)
		}
		s.Env = append(s.Env, corev1.EnvVar{Name: name, Value: value})
	}
	err := addSources(s, "env-from-secret", v.secrets, func(from corev1.LocalObjectReference, key string) (corev1.EnvFromSource, corev1.EnvVarSource) {
		return corev1.EnvFromSource{SecretRef: &corev1.SecretEnvSource{LocalObjectReference: from}},
			corev1.EnvVarSource{SecretKeyRef: &corev1.SecretKeySelector{LocalObjectReference: from, Key: key}}
	})
	if err != nil {
		return err
	}
	return addSources(s, "env-from-configmap", v.configMaps, func(from corev1.LocalObjectReference, key string) (corev1.EnvFromSource, corev1.EnvVarSource) {
		return corev1.EnvFromSource{ConfigMapRef: &corev1.ConfigMapEnvSource{LocalObjectReference: from}},
			corev1.EnvVarSource{ConfigMapKeyRef: &corev1.ConfigMapKeySelector{LocalObjectReference: from, Key: key}}
	})
}

// addSources adds the variables of a flag's objects; kind returns what takes all keys of one, and what takes one key.
func addSources(s *v1.FunctionSpec, flag string, refs []string, kind func(from corev1.LocalObjectReference, key string) (corev1.EnvFromSource, corev1.EnvVarSource)) error {
	for _, ref := range refs {
		r, err := readSource(flag, ref)
		if err != nil {
			return err
		}
		all, one := kind(corev1.LocalObjectReference{Name: r.object}, r.key)
		if r.key == "" {
			s.EnvFrom = append(s.EnvFrom, all)
		} else {
			s.Env = append(s.Env, corev1.EnvVar{Name: r.variable, ValueFrom: &one})
		}
	}
	return nil
}

// variableSource is where variables come from: all keys of an object, or one.
type variableSource struct{ object, key, variable string }

func readSource(flag, ref string) (variableSource, error) {
	object, rest, one := strings.Cut(ref, "/")
	key, variable, renamed := strings.Cut(rest, ":")
	switch {
	case object == "" || strings.Contains(object, ":") || one && key == "" || renamed && variable == "":
		return variableSource{}, usagef("--%s %q: write it as NAME, NAME/KEY or NAME/KEY:VARIABLE", flag, ref)
	case !renamed:
		variable = key
	}
	return variableSource{object, key, variable}, nil
}
