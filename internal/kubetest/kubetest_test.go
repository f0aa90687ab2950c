package kubetest

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
)

// The CRDs of the checkout are tested by the package that owns them.
var server = Shared{Options: Options{CRDs: []string{}}}

func TestMain(m *testing.M) {
	code := server.Main(m)
	if s := server.server; s != nil && code == 0 {
		code = leftBehind(s)
	}
	os.Exit(code)
}

// leftBehind is not 0 when a process of the stopped server is still there.
func leftBehind(s *Server) int {
	for _, p := range s.processes {
		if _, err := os.Stat(filepath.Join("/proc", "self")); err != nil {
			return 0 // not Linux
		}
		if err := p.cmd.Process.Signal(syscall.Signal(0)); err == nil {
			return 1
		}
	}
	return 0
}

func TestServer_CreatesPodsInNamespacesOfTheirOwn(t *testing.T) {
	s := server.Get(t)
	client := kubernetes.NewForConfigOrDie(s.Config())
	first, second := s.Namespace(t), s.Namespace(t)
	if first == second {
		t.Fatalf("both namespaces are %s", first)
	}
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "p"},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "c", Image: "i"}}},
	}
	for _, ns := range []string{first, second} {
		if _, err := client.CoreV1().Pods(ns).Create(t.Context(), pod, metav1.CreateOptions{}); err != nil {
			t.Errorf("create a pod in %s: %v", ns, err)
		}
	}
}

func TestServer_ValidatesLikeKubernetes(t *testing.T) {
	s := server.Get(t)
	client := kubernetes.NewForConfigOrDie(s.Config())
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "p"}} // no containers
	_, err := client.CoreV1().Pods(s.Namespace(t)).Create(t.Context(), pod, metav1.CreateOptions{})
	if !apierrors.IsInvalid(err) {
		t.Errorf("create a pod without containers: got %v, want Invalid", err)
	}
}

const gadgetCRD = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: gadgets.example.com}
spec:
  group: example.com
  scope: Namespaced
  names: {plural: gadgets, singular: gadget, kind: Gadget, listKind: GadgetList}
  versions:
  - name: v1
    served: true
    storage: true
    schema:
      openAPIV3Schema:
        type: object
        properties:
          spec: {type: object, properties: {size: {type: integer, default: 3}}, default: {}}
---
# not a CRD: left alone
apiVersion: v1
kind: ConfigMap
metadata: {name: x}
`

func TestStart_InstallsCRDsAndRunsControllers(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "gadgets.yaml"), []byte(gadgetCRD), 0o600); err != nil {
		t.Fatal(err)
	}
	s := Start(t, Options{Controllers: true, CRDs: []string{dir}})
	ns := s.Namespace(t)

	gadgets := dynamic.NewForConfigOrDie(s.Config()).Resource(schema.GroupVersionResource{Group: "example.com", Version: "v1", Resource: "gadgets"})
	gadget := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "example.com/v1", "kind": "Gadget", "metadata": map[string]any{"name": "g"}}}
	got, err := gadgets.Namespace(ns).Create(t.Context(), gadget, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if size, _, _ := unstructured.NestedInt64(got.Object, "spec", "size"); size != 3 {
		t.Errorf("defaulted size is %d, want 3", size)
	}

	client := kubernetes.NewForConfigOrDie(s.Config())
	deadline := time.Now().Add(30 * time.Second)
	for {
		_, saErr := client.CoreV1().ServiceAccounts(ns).Get(t.Context(), "default", metav1.GetOptions{})
		_, caErr := client.CoreV1().ConfigMaps(ns).Get(t.Context(), "kube-root-ca.crt", metav1.GetOptions{})
		if saErr == nil && caErr == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("the controllers made no default service account or root CA: %v, %v", saErr, caErr)
		}
		time.Sleep(20 * time.Millisecond)
	}
}
