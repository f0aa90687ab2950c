package v1

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/runtime"
)

func TestFunction_ProtocolComesFromTheAnnotationOrThePort(t *testing.T) {
	for _, c := range []struct {
		annotation, podspec string
		want                Protocol
	}{
		{"", "", ProtocolHTTP1},
		{"h2c", "", ProtocolH2C},
		{"http1", `{"containers": [{"ports": [{"name": "h2c"}]}]}`, ProtocolHTTP1},
		{"", `{"containers": [{}, {"ports": [{"containerPort": 1}, {"appProtocol": "kubernetes.io/h2c"}]}]}`, ProtocolH2C},
		{"", `{"containers": [{"ports": [{"name": "h2c"}]}]}`, ProtocolH2C},
		{"", `{"containers": [{"ports": [{"name": "http"}]}]}`, ProtocolHTTP1},
		{"", `{"containers": "none"}`, ProtocolHTTP1},
		{"", `{`, ProtocolHTTP1},
	} {
		f := &Function{}
		if c.annotation != "" {
			f.Annotations = map[string]string{AnnotationProtocol: c.annotation}
		}
		if c.podspec != "" {
			f.Spec.PodSpec = &runtime.RawExtension{Raw: []byte(c.podspec)}
		}
		if got := f.Protocol(); got != c.want {
			t.Errorf("annotation %q, podspec %s: %s, want %s", c.annotation, c.podspec, got, c.want)
		}
	}
}

func TestFunction_ContainerConcurrencyReplacesTheLimit(t *testing.T) {
	for _, c := range []struct {
		annotation string
		once       bool
		want       int
		says       string
	}{
		{"0", false, 0, ""},
		{"1", false, 1, ""},
		{"1000", false, 1000, ""},
		{"0", true, 1, ""},
		{"1001", false, 7, "from 0, which is no limit, to 1000"},
		{"-1", false, 7, "from 0, which is no limit, to 1000"},
		{"many", false, 7, "from 0, which is no limit, to 1000"},
		{"", false, 7, "from 0, which is no limit, to 1000"},
	} {
		f := &Function{}
		f.Name, f.Spec.Environment.Name = "f", "e"
		f.Spec.RequestsPerPod, f.Spec.OnceOnly = 7, c.once
		f.Annotations = map[string]string{AnnotationContainerConcurrency: c.annotation}
		if got := f.RequestsPerPod(); got != c.want {
			t.Errorf("%q: %d requests a pod, want %d", c.annotation, got, c.want)
		}
		err := f.Validate()
		if (err == nil) != (c.says == "") || err != nil && !strings.Contains(err.Error(), c.says) {
			t.Errorf("%q: Validate: %v, want %q", c.annotation, err, c.says)
		}
	}
}
