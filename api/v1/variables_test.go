package v1

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
)

func TestValidate_SaysWhatVariablesMayBeCalled(t *testing.T) {
	for name, message := range map[string]string{
		"A": "", "a.b-c_1": "", "_": "", "OTEL_EXPORTER": "", "PATH": "",
		"": "begins with no digit", "1": "begins with no digit", "A=B": "begins with no digit", "A B": "begins with no digit",
		"FISSION_STATE_URL": "reserved", "HOTPOD_X": "reserved", "RESOURCE_VERSION_COUNT": "reserved", "LD_PRELOAD": "reserved",
		"NODE_OPTIONS": "reserved", "PYTHONPATH": "reserved", "http_proxy": "reserved", "HTTPS_PROXY": "reserved", "no_proxy": "reserved",
	} {
		f := &Function{Spec: FunctionSpec{Env: []corev1.EnvVar{{Name: name}}}}
		f.Name, f.Spec.Environment.Name = "f", "node"
		err := f.Validate()
		if (err == nil) != (message == "") || err != nil && !strings.Contains(err.Error(), message) {
			t.Errorf("variable %q: %v, want %q", name, err, message)
		}
		if ReservedVariable(name) != (message == "reserved") {
			t.Errorf("ReservedVariable(%q) = %v", name, ReservedVariable(name))
		}
	}
	f := &Function{Spec: FunctionSpec{EnvFrom: []corev1.EnvFromSource{{Prefix: "1", SecretRef: &corev1.SecretEnvSource{}}}}}
	f.Name, f.Spec.Environment.Name = "f", "node"
	if err := f.Validate(); err == nil || !strings.Contains(err.Error(), "spec.envFrom[0].prefix") {
		t.Errorf("a prefix that begins with a digit: %v", err)
	}
}
