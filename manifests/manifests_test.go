// Package manifests holds what is installed; this tests that it can be.
package manifests

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	"hotpod.dev/internal/kubetest"
	"hotpod.dev/internal/manifesttest"
	"hotpod.dev/kube"
	"hotpod.dev/wire"
)

var server kubetest.Shared

func TestMain(m *testing.M) { os.Exit(server.Main(m)) }

// placeholders are what the embedded platform replaces.
func placeholders() map[string]string {
	return map[string]string{
		"ROUTER_IP": "127.9.0.2", "XDS_IP": "127.9.0.3", "ACTIVATOR_IP": "127.9.0.4", "AUTOSCALER_IP": "127.9.0.5",
		"CONTROLLER_IP": "127.9.0.6", "ROUTER_PORT": "8080", "INTERNAL_PORT": "8889", "STORAGE_IP": "127.9.0.7", "LOGGER_IP": "127.9.0.10",
		"TIMER_IP": "127.9.0.8", "KUBEWATCHER_IP": "127.9.0.9", "DATA_DIR": "/data",
	}
}

func overlays(t *testing.T) map[string][]*unstructured.Unstructured {
	t.Helper()
	return map[string][]*unstructured.Unstructured{
		"kubernetes": manifesttest.Render(t, "kubernetes", nil),
		"openshift":  manifesttest.Render(t, "openshift", nil),
		"embedded":   manifesttest.Render(t, "embedded", placeholders()),
	}
}

func TestOverlays_ApplyAndApplyAgain(t *testing.T) {
	for name, objects := range overlays(t) {
		t.Run(name, func(t *testing.T) {
			s := server.Get(t)
			if name == "embedded" { // gives rights for the whole cluster, which other tests must not see
				s = kubetest.Start(t, kubetest.Options{CRDs: []string{}})
			}
			manifesttest.Apply(t, s.Config(), objects)
			manifesttest.Apply(t, s.Config(), objects)
		})
	}
}

func TestDeployments_HavePodsThatPassPodSecurityRestricted(t *testing.T) {
	s := server.Get(t)
	objects := manifesttest.Render(t, "kubernetes", nil)
	manifesttest.Apply(t, s.Config(), objects)
	clients, err := kube.NewClients(s.Config())
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range deployments(t, objects) {
		pod := &corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{Namespace: d.Namespace, Name: d.Name, Labels: d.Spec.Template.Labels},
			Spec:       d.Spec.Template.Spec,
		}
		_, err := clients.Pods(d.Namespace).Create(t.Context(), pod, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
		if err != nil {
			t.Errorf("pod of %s: %v", d.Name, err)
		}
	}
}

func TestDeployments_AreProbedLimitedAndFoundByLabel(t *testing.T) {
	for overlay, objects := range overlays(t) {
		var names []string
		for _, d := range deployments(t, objects) {
			names = append(names, d.Name)
			if got := d.Spec.Template.Labels["hotpod.dev/component"]; got != d.Name {
				t.Errorf("%s: pods of %s have component %q", overlay, d.Name, got)
			}
			c := d.Spec.Template.Spec.Containers[0]
			if c.ReadinessProbe == nil || c.LivenessProbe == nil {
				t.Errorf("%s: %s lacks a probe", overlay, d.Name)
			}
			if c.Resources.Requests.Memory().IsZero() || c.Resources.Limits.Memory().IsZero() {
				t.Errorf("%s: %s has no bound of memory", overlay, d.Name)
			}
			if strings.Contains(strings.Join(c.Args, " "), "${") {
				t.Errorf("%s: %s has a placeholder left in %q", overlay, d.Name, c.Args)
			}
		}
		slices.Sort(names)
		if want := []string{"activator", "autoscaler", "controller", "kubewatcher", "logger", "router", "storagesvc", "timer", "xds"}; !slices.Equal(names, want) {
			t.Errorf("%s: deployments are %v, want %v", overlay, names, want)
		}
	}
}

// The command line of Fission takes the first Service with the label and forwards to the target of its last port, which it
// takes for a number.
func TestRouter_IsFoundByFissionsCommandLine(t *testing.T) {
	for overlay, objects := range overlays(t) {
		var found []*corev1.Service
		for _, o := range objects {
			if o.GetKind() == "Service" && o.GetLabels()["application"] == "fission-router" {
				service := &corev1.Service{}
				convert(t, o, service)
				found = append(found, service)
			}
		}
		if len(found) != 1 {
			t.Fatalf("%s: %d Services have the label", overlay, len(found))
		}
		last := found[0].Spec.Ports[len(found[0].Spec.Ports)-1]
		for _, d := range deployments(t, objects) {
			if d.Name != "router" {
				continue
			}
			if d.Spec.Template.Labels["application"] != "fission-router" {
				t.Errorf("%s: the router's pods lack the label", overlay)
			}
			if last.TargetPort.String() != strconv.Itoa(wire.PortPublic) {
				t.Errorf("%s: the last port goes to %s, want the public one", overlay, last.TargetPort.String())
			}
		}
	}
}

// The command line of Fission wants exactly one Service with the label, names it in packages on port 80, and forwards to
// the target of its last port.
func TestStorage_IsFoundByFissionsCommandLine(t *testing.T) {
	for overlay, objects := range overlays(t) {
		var found []*corev1.Service
		for _, o := range objects {
			if o.GetKind() == "Service" && o.GetLabels()["application"] == "fission-storage" {
				service := &corev1.Service{}
				convert(t, o, service)
				found = append(found, service)
			}
		}
		if len(found) != 1 || found[0].Name != "storagesvc" || len(found[0].Spec.Ports) != 1 || found[0].Spec.Ports[0].Port != 80 {
			t.Fatalf("%s: Services with the label: %v", overlay, found)
		}
		for _, d := range deployments(t, objects) {
			if d.Name != "storagesvc" {
				continue
			}
			if l := d.Spec.Template.Labels; l["application"] != "fission-storage" || l["svc"] != "storagesvc" {
				t.Errorf("%s: labels of the pods are %v", overlay, l)
			}
			port := d.Spec.Template.Spec.Containers[0].Ports[0]
			if strconv.Itoa(wire.PortStorage) != found[0].Spec.Ports[0].TargetPort.String() || port.ContainerPort != wire.PortStorage {
				t.Errorf("%s: the Service does not lead to %v", overlay, port)
			}
		}
	}
}

func TestRoles_NameNoWildcardAndBindNoWriteForTheWholeCluster(t *testing.T) {
	objects := manifesttest.Render(t, "kubernetes", nil)
	bound := map[string]bool{}
	for _, o := range objects {
		if o.GetKind() == "ClusterRoleBinding" {
			name, _, _ := unstructured.NestedString(o.Object, "roleRef", "name")
			bound[name] = true
		}
	}
	for _, o := range objects {
		if o.GetKind() != "ClusterRole" && o.GetKind() != "Role" {
			continue
		}
		rules, _, _ := unstructured.NestedSlice(o.Object, "rules")
		for _, rule := range rules {
			text, err := json.Marshal(rule)
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(string(text), "*") {
				t.Errorf("%s has a wildcard: %s", o.GetName(), text)
			}
			verbs, _, _ := unstructured.NestedStringSlice(rule.(map[string]any), "verbs")
			for _, v := range verbs {
				if strings.Contains(string(text), `"subjectaccessreviews"`) { // answered and not stored
					continue
				}
				if bound[o.GetName()] && o.GetKind() == "ClusterRole" && !slices.Contains([]string{"get", "list", "watch"}, v) {
					t.Errorf("%s may %s in the whole cluster: %s", o.GetName(), v, text)
				}
			}
		}
	}
}

// Client-side kubectl apply keeps a copy of the object in an annotation, which may have 256 KiB.
func TestDefinitions_AreSmallEnoughForKubectlApply(t *testing.T) {
	files, err := filepath.Glob("crds/fission.io_*.yaml")
	if err != nil || len(files) != 7 {
		t.Fatalf("definitions: %v, %v", files, err)
	}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if len(text) >= 200_000 {
			t.Errorf("%s has %d bytes, want less than 200000", f, len(text))
		}
	}
}

func deployments(t *testing.T, objects []*unstructured.Unstructured) []*appsv1.Deployment {
	t.Helper()
	var out []*appsv1.Deployment
	for _, o := range objects {
		if o.GetKind() == "Deployment" {
			d := &appsv1.Deployment{}
			convert(t, o, d)
			out = append(out, d)
		}
	}
	return out
}

func convert(t *testing.T, o *unstructured.Unstructured, into any) {
	t.Helper()
	if err := runtime.DefaultUnstructuredConverter.FromUnstructuredWithValidation(o.Object, into, true); err != nil {
		t.Fatalf("%s %s: %v", o.GetKind(), o.GetName(), err)
	}
}
