package kube

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	corev1 "k8s.io/api/core/v1"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/wire"
)

// originOfAll returns where an entry of envFrom takes its variables from; ok is false when it does not say.
func originOfAll(from corev1.EnvFromSource) (s origin, optional, ok bool) {
	switch {
	case from.SecretRef != nil:
		return origin{true, from.SecretRef.Name}, isTrue(from.SecretRef.Optional), true
	case from.ConfigMapRef != nil:
		return origin{false, from.ConfigMapRef.Name}, isTrue(from.ConfigMapRef.Optional), true
	}
	return origin{}, false, false
}

// originOfOne returns where a variable takes its value from; ok is false when the value is its own.
func originOfOne(e corev1.EnvVar) (s origin, key string, optional, ok bool) {
	switch {
	case e.ValueFrom == nil:
	case e.ValueFrom.SecretKeyRef != nil:
		r := e.ValueFrom.SecretKeyRef
		return origin{true, r.Name}, r.Key, isTrue(r.Optional), true
	case e.ValueFrom.ConfigMapKeyRef != nil:
		r := e.ValueFrom.ConfigMapKeyRef
		return origin{false, r.Name}, r.Key, isTrue(r.Optional), true
	}
	return origin{}, "", false, false
}

func isTrue(b *bool) bool { return b != nil && *b }

// check returns a *wire.Failure for the first Secret, ConfigMap or key that the function needs and that does not exist.
func check(f *v1.Function, held map[origin]map[string][]byte) error {
	need := func(s origin, optional bool) error {
		if optional || held[s] != nil {
			return nil
		}
		return absent(f, s)
	}
	for _, r := range f.Spec.Secrets {
		if err := need(origin{true, r.Name}, false); err != nil {
			return firstOf(inNamespace(f, "secret", r.Namespace, r.Name), err)
		}
	}
	for _, r := range f.Spec.ConfigMaps {
		if err := need(origin{false, r.Name}, false); err != nil {
			return firstOf(inNamespace(f, "configmap", r.Namespace, r.Name), err)
		}
	}
	for _, r := range f.Spec.EnvFrom {
		if s, optional, ok := originOfAll(r); ok && need(s, optional) != nil {
			return absent(f, s)
		}
	}
	return checkKeys(f, held)
}

// checkKeys is check for the variables that take their values from one key each.
func checkKeys(f *v1.Function, held map[origin]map[string][]byte) error {
	for _, e := range f.Spec.Env {
		s, key, optional, ok := originOfOne(e)
		if !ok || optional {
			continue
		}
		if held[s] == nil {
			return absent(f, s)
		}
		if _, has := held[s][key]; !has {
			return &wire.Failure{Reason: v1.ReasonKeyNotFound, Message: fmt.Sprintf(
				"%s %s/%s has no key %q, which variable %s takes its value from: add it, or take the variable out of spec.env",
				s.kind(), f.Namespace, s.name, key, e.Name)}
		}
	}
	return nil
}

func firstOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func absent(f *v1.Function, s origin) error {
	reason := v1.ReasonConfigMapNotFound
	if s.secret {
		reason = v1.ReasonSecretNotFound
	}
	return &wire.Failure{
		Reason:  reason,
		Message: fmt.Sprintf("%s %s/%s does not exist: create it, or take it out of the function", s.kind(), f.Namespace, s.name),
	}
}

// variables returns the function's environment variables as a kubelet would make them: envFrom first, then env, of
// which later ones hold. All that it needs is there.
func variables(f *v1.Function, held map[origin]map[string][]byte) (map[string]string, error) {
	env := map[string]string{}
	for _, r := range f.Spec.EnvFrom {
		s, _, _ := originOfAll(r)
		for _, key := range slices.Sorted(maps.Keys(held[s])) {
			name := r.Prefix + key
			if v1.ReservedVariable(name) {
				return nil, unfit(f, s, key, "would set the reserved variable "+name+": give the entry of spec.envFrom a prefix")
			}
			if err := setText(env, name, held[s][key], f, s, key); err != nil {
				return nil, err
			}
		}
	}
	for _, e := range f.Spec.Env {
		s, key, _, ok := originOfOne(e)
		if !ok {
			env[e.Name] = expand(e.Value, env)
			continue
		}
		value, has := held[s][key]
		if !has {
			continue
		}
		if err := setText(env, e.Name, value, f, s, key); err != nil {
			return nil, err
		}
	}
	return env, nil
}

// setText sets a variable to the value of a key, which must be text.
func setText(env map[string]string, name string, value []byte, f *v1.Function, s origin, key string) error {
	if !utf8.Valid(value) || slices.Contains(value, 0) {
		return unfit(f, s, key, "is not text, which a variable must be: name it in spec."+strings.ToLower(s.kind())+"s, to have it as a file")
	}
	env[name] = string(value)
	return nil
}

func unfit(f *v1.Function, s origin, key, why string) error {
	return &wire.Failure{
		Reason:  v1.ReasonReferenceInvalid,
		Message: fmt.Sprintf("key %q of %s %s/%s %s", key, s.kind(), f.Namespace, s.name, why),
	}
}

// expand replaces $(NAME) by the variable's value, as Kubernetes does: what is not known stays as it is, and $$ stands
// for $.
func expand(text string, env map[string]string) string {
	var out strings.Builder
	for {
		before, after, found := strings.Cut(text, "$")
		out.WriteString(before)
		if !found {
			return out.String()
		}
		name, rest, closed := strings.Cut(strings.TrimPrefix(after, "("), ")")
		switch value, known := env[name]; {
		case strings.HasPrefix(after, "$"):
			out.WriteString("$")
			text = after[1:]
			continue
		case !strings.HasPrefix(after, "(") || !closed:
			out.WriteString("$")
			text = after
			continue
		case known:
			out.WriteString(value)
		default:
			out.WriteString("$(" + name + ")")
		}
		text = rest
	}
}
