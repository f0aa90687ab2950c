package cli

import (
	"archive/zip"
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	v1 "hotpod.dev/api/v1"
)

func TestParseWaitFor_ReadsWhatKubectlUsersWrite(t *testing.T) {
	for text, want := range map[string]waitFor{
		"condition=Ready":                {"Ready", metav1.ConditionTrue},
		"condition=Ready=False":          {"Ready", metav1.ConditionFalse},
		"condition=BuildSucceeded=false": {"BuildSucceeded", metav1.ConditionFalse},
		"condition=":                     {}, "Ready": {}, "condition=Ready=maybe": {}, "delete": {},
	} {
		got, err := parseWaitFor(text)
		if got != want || (err != nil) != (want.kind == "") {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
}

func TestDump_HoldsNoCodeAndNoValues(t *testing.T) {
	dir := t.TempDir()
	a := &app{now: time.Now, Config: Config{Out: io.Discard, Err: io.Discard}}
	d, err := a.newDump(dir, false)
	if err != nil {
		t.Fatal(err)
	}
	meta := metav1.ObjectMeta{Name: "hello", Annotations: map[string]string{corev1.LastAppliedConfigAnnotation: "hush"}}
	packages := &v1.PackageList{Items: []v1.Package{{ObjectMeta: meta, Spec: v1.PackageSpec{Deployment: v1.Archive{Literal: []byte("hush")}}}}}
	functions := &v1.FunctionList{Items: []v1.Function{{ObjectMeta: meta, Spec: v1.FunctionSpec{
		Env: []corev1.EnvVar{{Name: "TOKEN", Value: "hush"}}, PodSpec: &runtime.RawExtension{Raw: []byte(`{"a":"hush"}`)},
	}}}}
	environments := &v1.EnvironmentList{Items: []v1.Environment{{ObjectMeta: meta, Spec: v1.EnvironmentSpec{
		Runtime: v1.Runtime{Image: "image", Container: &runtime.RawExtension{Raw: []byte(`{"env":[{"name":"A","value":"hush"}]}`)}},
	}}}}
	withoutCode(packages)
	withoutValues(functions)
	withoutSettings(environments)
	d.objects("packages.yaml", packages, nil)
	d.objects("functions.yaml", functions, nil)
	d.objects("environments.yaml", environments, nil)
	d.objects("routes.yaml", nil, os.ErrPermission)
	if err := d.close(); err != nil {
		t.Fatal(err)
	}
	files := unzip(t, d.path)
	for name, says := range map[string]string{"packages.yaml": "hello", "functions.yaml": "TOKEN", "environments.yaml": "image", "missing.txt": "routes.yaml: permission denied"} {
		if !strings.Contains(files[name], says) || strings.Contains(files[name], "hush") || strings.Contains(files[name], "aHVzaA") {
			t.Errorf("%s:\n%s", name, files[name])
		}
	}
	if filepath.Dir(d.path) != dir {
		t.Error(d.path)
	}
}

func unzip(t *testing.T, path string) map[string]string {
	t.Helper()
	r, err := zip.OpenReader(path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	out := map[string]string{}
	for _, f := range r.File {
		in, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		data, _ := io.ReadAll(in)
		out[f.Name] = string(data)
	}
	return out
}

func TestCheck_JudgesTheVersionOfKubernetes(t *testing.T) {
	for text, failed := range map[string]int{
		`{"gitVersion":"v1.37.2"}`: 0, `{"gitVersion":"v1.30.1-eks-1"}`: 0, `{"gitVersion":"v1.29.9"}`: 1, `{`: 1, `{"gitVersion":"new"}`: 1,
	} {
		var out bytes.Buffer
		c := &checkup{app: &app{Config: Config{Out: &out}}}
		if c.kubernetes([]byte(text)); c.failed != failed {
			t.Errorf("%s: %d failed: %s", text, c.failed, out.String())
		}
	}
}
