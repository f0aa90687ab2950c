package kube

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/wire"
)

// testPod is the pod a.
func testPod(ns string) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: "a", Labels: map[string]string{"kept": "yes"}},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "c", Image: "i"}}},
	}
}

func TestCluster_LabelsAndDeletesThePodOfTheUIDOnly(t *testing.T) {
	clients, ns := start(t)
	c := NewCluster(clients)
	pod := must(c.CreatePod(t.Context(), testPod(ns)))(t)
	if _, err := c.CreatePod(t.Context(), testPod(ns)); !apierrors.IsAlreadyExists(err) {
		t.Errorf("create again: %v", err)
	}
	if err := c.PatchPodLabels(t.Context(), ns, "a", string(pod.UID), map[string]string{wire.LabelState: "hot"}); err != nil {
		t.Fatal(err)
	}
	for what, err := range map[string]error{
		"label a pod of another UID":  c.PatchPodLabels(t.Context(), ns, "a", "other", map[string]string{wire.LabelState: "warm"}),
		"delete a pod of another UID": c.DeletePod(t.Context(), ns, "a", "other", 0),
		"label no pod":                c.PatchPodLabels(t.Context(), ns, "b", "other", map[string]string{"x": "y"}),
		"delete no pod":               c.DeletePod(t.Context(), ns, "b", "other", 0),
	} {
		if err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	got := must(clients.Pods(ns).Get(t.Context(), "a", metav1.GetOptions{}))(t)
	if got.Labels[wire.LabelState] != "hot" || got.Labels["kept"] != "yes" {
		t.Errorf("labels %v", got.Labels)
	}
	if err := c.DeletePod(t.Context(), ns, "a", string(pod.UID), 1500*time.Millisecond); err != nil {
		t.Fatal(err)
	}
	// Without a node, the server deletes at once.
	if _, err := clients.Pods(ns).Get(t.Context(), "a", metav1.GetOptions{}); !apierrors.IsNotFound(err) {
		t.Errorf("the pod is still there: %v", err)
	}
}

func TestCluster_ErrorsKeepThoseOfTheServer(t *testing.T) {
	clients, ns := start(t)
	bad := testPod(ns)
	bad.Spec.Containers = nil
	if _, err := NewCluster(clients).CreatePod(t.Context(), bad); !apierrors.IsInvalid(err) {
		t.Errorf("create a pod without containers: %v", err)
	}
	if _, err := NewCluster(clients).CreatePod(t.Context(), testPod("no-such-namespace")); !apierrors.IsNotFound(err) {
		t.Errorf("create a pod in no namespace: %v", err)
	}
}

func TestCluster_AnchorIsOneForAnEnvironment(t *testing.T) {
	clients, ns := start(t)
	e := &v1.Environment{ObjectMeta: metav1.ObjectMeta{Namespace: "elsewhere", Name: "node", UID: "11-22"}}
	c := NewCluster(clients)
	refs := make(chan metav1.OwnerReference, 4)
	for range cap(refs) {
		go func() {
			ref, err := c.Anchor(t.Context(), ns, e)
			if err != nil {
				t.Error(err)
			}
			refs <- ref
		}()
	}
	first := <-refs
	for range cap(refs) - 1 {
		if ref := <-refs; ref.UID != first.UID {
			t.Errorf("two anchors: %v, %v", first, ref)
		}
	}
	pod := testPod(ns)
	pod.OwnerReferences = []metav1.OwnerReference{first}
	if _, err := c.CreatePod(t.Context(), pod); err != nil {
		t.Errorf("create a pod that the anchor owns: %v", err)
	}
	anchor := must(clients.ConfigMaps(ns).Get(t.Context(), first.Name, metav1.GetOptions{}))(t)
	if anchor.Labels[wire.LabelEnvironmentUID] != "11-22" || first.Controller == nil || !*first.Controller {
		t.Errorf("anchor %+v, reference %+v", anchor.ObjectMeta, first)
	}
}
