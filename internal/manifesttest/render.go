package manifesttest

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/yaml"
)

// Render returns the objects of an overlay ("kubernetes", "embedded", …), with placeholders like ${XDS_IP} replaced
// by their values. It needs kubectl on PATH and skips the test without it.
func Render(tb testing.TB, overlay string, values map[string]string) []*unstructured.Unstructured {
	tb.Helper()
	kubectl, err := exec.LookPath("kubectl")
	if err != nil {
		tb.Skip("kubectl is not on PATH: install it to render the manifests")
	}
	out, err := exec.CommandContext(tb.Context(), kubectl, "kustomize", filepath.Join(Root(tb), "manifests", overlay)).Output()
	if err != nil {
		if exit, ok := errors.AsType[*exec.ExitError](err); ok {
			tb.Fatalf("render %s: %v: %s", overlay, err, exit.Stderr)
		}
		tb.Fatalf("render %s: %v", overlay, err)
	}
	pairs := make([]string, 0, 2*len(values))
	for name, value := range values {
		pairs = append(pairs, "${"+name+"}", value)
	}
	return Decode(tb, strings.NewReplacer(pairs...).Replace(string(out)))
}

// Decode returns the objects of YAML documents.
func Decode(tb testing.TB, text string) []*unstructured.Unstructured {
	tb.Helper()
	decoder := yaml.NewYAMLOrJSONDecoder(strings.NewReader(text), 4096)
	var objects []*unstructured.Unstructured
	for {
		object := &unstructured.Unstructured{}
		err := decoder.Decode(&object.Object)
		if errors.Is(err, io.EOF) {
			return objects
		}
		if err != nil {
			tb.Fatalf("decode manifests: %v", err)
		}
		if len(object.Object) > 0 {
			objects = append(objects, object)
		}
	}
}

// Root returns the folder of the checkout that the test runs in.
func Root(tb testing.TB) string {
	tb.Helper()
	dir, err := os.Getwd()
	for err == nil {
		text, readErr := os.ReadFile(filepath.Join(dir, "go.mod"))
		if readErr == nil && bytes.HasPrefix(text, []byte("module hotpod.dev\n")) {
			return dir
		}
		if filepath.Dir(dir) == dir {
			break
		}
		dir = filepath.Dir(dir)
	}
	tb.Fatalf("find the checkout: %v", err)
	return ""
}
