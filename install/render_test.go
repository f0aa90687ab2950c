package install

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"hotpod.dev/hack/toolchain"
	"hotpod.dev/internal/manifesttest"
)

func render(t *testing.T, namespace string, set ...string) []*unstructured.Unstructured {
	t.Helper()
	values := Values{}
	for _, s := range set {
		var err error
		if values, err = values.Set(s); err != nil {
			t.Fatal(err)
		}
	}
	objects, err := Render(values, namespace)
	if err != nil {
		t.Fatal(err)
	}
	return objects
}

// byName returns the objects by their names, without what the chart adds for Helm.
func byName(objects []*unstructured.Unstructured) map[string]any {
	out := map[string]any{}
	for _, o := range objects {
		o = o.DeepCopy()
		unstructured.RemoveNestedField(o.Object, "metadata", "annotations", "helm.sh/resource-policy")
		out[o.GroupVersionKind().Group+" "+RefOf(o).String()] = o.Object
	}
	return out
}

func TestRender_GivesWithDefaultsWhatTheOverlaysHave(t *testing.T) {
	for overlay, set := range map[string][]string{
		"kubernetes": {"namespaces.create=true"},
		"openshift":  {"namespaces.create=true", "platform=OpenShift"},
	} {
		want, got := manifesttest.Render(t, overlay, nil), render(t, "fission", set...)
		if diff := cmp.Diff(byName(want), byName(got)); diff != "" || len(want) != len(got) {
			t.Errorf("%s: %d objects, want %d (-overlay +chart):\n%s", overlay, len(got), len(want), diff)
		}
	}
}

func TestChart_IsWhatTheManifestsGive(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles a program")
	}
	if _, err := exec.LookPath("kubectl"); err != nil {
		t.Skip("kubectl is not on PATH: install it to render the manifests")
	}
	root, out := manifesttest.Root(t), t.TempDir()
	cmd := exec.CommandContext(t.Context(), "go", "run", "./hack/chart", "-out", out)
	cmd.Dir = root
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("make the chart: %v\n%s", err, text)
	}
	err := filepath.WalkDir(out, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, _ := filepath.Rel(out, path)
		want, _ := os.ReadFile(path)
		got, _ := os.ReadFile(filepath.Join(root, name))
		if !bytes.Equal(want, got) {
			t.Errorf("%s is not what the manifests give: run go generate ./manifests/chart", name)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// helm returns the program, which is compiled only by "go run ./hack/setup helm": that takes minutes.
func helm(t *testing.T) string {
	t.Helper()
	if testing.Short() {
		t.Skip("starts processes")
	}
	cache, err := toolchain.CacheDir(os.Getenv)
	if err != nil {
		t.Skip(err)
	}
	path, ok := toolchain.CachedHelm(cache)
	if !ok {
		t.Skip("helm is not there: go run ./hack/setup helm")
	}
	return path
}

func TestChart_IsRenderedByHelmAsByUs(t *testing.T) {
	program := helm(t)
	chart := filepath.Join(manifesttest.Root(t), "manifests", "chart")
	for name, set := range map[string][]string{
		"defaults":  nil,
		"OpenShift": {"platform=OpenShift", "expose.type=Route", "expose.tls.enabled=true", "monitoring.variant=OpenShift"},
		"NodePort":  {"expose.type=NodePort", "images.registry=registry.example:5000/team", "images.tag=v1", "images.pullPolicy=Always", "images.pullSecrets={a,b}"},
		"balancer":  {"expose.type=LoadBalancer", "expose.class=internal", `expose.annotations.example\.com/a=b`, "monitoring.variant=Plain", "monitoring.namespaces={watch}"},
		"Ingress":   {"expose.type=Ingress", "expose.class=nginx", "expose.host=f.example.com", "expose.tls.enabled=true", "expose.tls.secret=cert"},
		"Gateway":   {"expose.type=Gateway", "expose.gateway=infra/public", "expose.host=f.example.com", "monitoring.variant=Operator"},
		"stores": {
			"archives.store=S3", "archives.s3.endpoint=https://s3.example.com", "archives.s3.bucket=b", "archives.s3.secret=keys",
			"parts.storagesvc.replicas=3", "logs.database=PostgreSQL", "logs.secret=mine",
		},
		"volumes": {"archives.size=20Gi", "archives.class=fast", "archives.maxBytes=19000000000", "logs.class=slow", "logs.keep=24h"},
		"scope":   {"clusterWide=false", "namespaces.functions=pods", "namespaces.tenants={default,team}"},
		"pods":    {"parts.xds.replicas=5", "parts.xds.resources.limits.memory=1Gi", "nodeSelector.disk=ssd", "priorityClass=high"},
	} {
		args := []string{"template", "hotpod", chart, "--namespace", "elsewhere", "--kube-version", "1.37"}
		for _, s := range set {
			args = append(args, "--set", s)
		}
		out, err := exec.CommandContext(t.Context(), program, args...).Output()
		if err != nil {
			t.Errorf("%s: helm %q: %v: %s", name, args, err, stderr(err))
			continue
		}
		want, got := manifesttest.Decode(t, string(out)), render(t, "elsewhere", set...)
		if diff := cmp.Diff(byName(want), byName(got)); diff != "" || len(want) != len(got) || len(got) < 20 {
			t.Errorf("%s: %d objects, Helm has %d (-Helm +ours):\n%s", name, len(got), len(want), diff)
		}
	}
	if out, err := exec.CommandContext(t.Context(), program, "lint", "--strict", chart).CombinedOutput(); err != nil {
		t.Errorf("helm lint: %v\n%s", err, out)
	}
	if out, err := exec.CommandContext(t.Context(), program, "template", chart, "--set", "expose.typ=Ingress").CombinedOutput(); err == nil || !strings.Contains(string(out), "typ") {
		t.Errorf("helm takes a value that there is not: %v\n%s", err, out)
	}
}

func TestRender_RefusesWhatDoesNotFit(t *testing.T) {
	for set, want := range map[string]string{
		"expose.typ=Ingress":            "there is no value expose.typ; there are",
		"expose.type=Ingres":            `value expose.type is "Ingres", want one of`,
		"parts.xds.replicas=many":       "value parts.xds.replicas is many, want integer",
		"parts.xds.replicas=-1":         "at least 0",
		"namespaces.tenants=team":       "want array",
		"archives.store=S3":             "archives.s3.endpoint is needed",
		"parts.storagesvc.replicas=2":   "needs archives.store S3",
		"parts.logger.replicas=2":       "twice",
		"expose.type=Gateway":           "expose.gateway is needed",
		"parts.router.resources=little": "want object",
	} {
		values, err := Values{}.Set(set)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Render(values, "fission"); err == nil || !strings.HasPrefix(err.Error(), want) && !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "template:") {
			t.Errorf("%s: %v, want %q", set, err, want)
		}
	}
}

func TestRender_LeavesNothingOfTheOldNamespace(t *testing.T) {
	for _, o := range render(t, "platform", "namespaces.functions=pods", "namespaces.tenants={team}", "namespaces.create=true", "monitoring.variant=Operator") {
		if slices.Contains([]string{"CustomResourceDefinition", "ValidatingAdmissionPolicy"}, o.GetKind()) {
			continue // they speak of Fission's names
		}
		text, err := o.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		for _, old := range []string{`"fission"`, `fission-function`, `.fission:`, `.fission"`, `"namespace":"default"`} {
			if strings.Contains(string(text), old) {
				t.Errorf("%s still says %s", RefOf(o), old)
			}
		}
	}
}

func TestSort_PutsFirstWhatOthersNeed(t *testing.T) {
	var kinds []string
	for _, o := range render(t, "fission", "namespaces.create=true") {
		kinds = append(kinds, o.GetKind())
	}
	kinds = slices.Compact(kinds)
	if kinds[0] != "Namespace" || slices.Index(kinds, "PersistentVolumeClaim") > slices.Index(kinds, "Deployment") || len(kinds) > 20 {
		t.Errorf("the order is %q", kinds)
	}
}

func TestValues_AreSetAsHelmDoes(t *testing.T) {
	v, err := Values{"a": map[string]any{"b": "old", "c": "kept"}}.Set(`a.b=new,list={x,2},yes=true,port=31314,version=1.10,zip=007,d\.e=f,g=a\,b`)
	if err != nil {
		t.Fatal(err)
	}
	want := Values{
		"a": map[string]any{"b": "new", "c": "kept"}, "list": []any{"x", 2.0}, "yes": true, "port": 31314.0,
		"version": "1.10", "zip": "007", "d.e": "f", "g": "a,b",
	}
	if diff := cmp.Diff(want, v); diff != "" {
		t.Error(diff)
	}
	if _, err := v.Set("nothing"); err == nil {
		t.Error("an assignment without value is taken")
	}
}

func TestInventory_TellsWhatIsGone(t *testing.T) {
	old := Inventory{Version: "1", Values: Values{"images": map[string]any{"tag": "v1"}}, Made: []string{"fission"}, Objects: []Ref{
		{"v1", "Service", "fission", "old"},
		{"apps/v1beta1", "Deployment", "fission", "kept"},
		{"v1", "PersistentVolumeClaim", "fission", "data"},
		{"rbac.authorization.k8s.io/v1", "ClusterRole", "", "gone"},
	}}
	o, err := old.Object("fission")
	if err != nil {
		t.Fatal(err)
	}
	read, err := ReadInventory(o)
	if err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(read.Objects, func(a, b Ref) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
	slices.SortFunc(old.Objects, func(a, b Ref) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
	if diff := cmp.Diff(old, read); diff != "" {
		t.Errorf("read again: %s", diff)
	}
	var gone []string
	for _, r := range read.Gone([]Ref{{"apps/v1", "Deployment", "fission", "kept"}}) {
		gone = append(gone, r.String())
	}
	if slices.Sort(gone); !slices.Equal(gone, []string{"ClusterRole gone", "Service fission/old"}) {
		t.Errorf("gone: %q", gone)
	}
}

func TestAdminPart_IsWhatNoProjectUserMayApply(t *testing.T) {
	admin, own, err := AdminPart(Values{}, "team-platform")
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range own {
		if o.GetNamespace() != "team-platform" {
			t.Errorf("%s is not in the platform's namespace", RefOf(o))
		}
	}
	for _, o := range admin {
		if o.GetNamespace() == "team-platform" {
			t.Errorf("%s needs no administrator", RefOf(o))
		}
	}
	if len(admin) < 30 || len(own) < 30 {
		t.Errorf("%d and %d objects", len(admin), len(own))
	}
}

// stderr returns what a program that failed said.
func stderr(err error) []byte {
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return exit.Stderr
	}
	return nil
}
