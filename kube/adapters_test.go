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

func TestFiles_AreTheKeysOfWhatTheFunctionNames(t *testing.T) {
	clients, ns := start(t)
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "s"}, Data: map[string][]byte{"b": {0, 1}, "a": []byte("x")}}
	config := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "c"}, Data: map[string]string{"k": "v"}, BinaryData: map[string][]byte{"bin": {2}}}
	must(clients.Secrets(ns).Create(t.Context(), secret, metav1.CreateOptions{}))(t)
	must(clients.ConfigMaps(ns).Create(t.Context(), config, metav1.CreateOptions{}))(t)
	f := &v1.Function{ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: "f"}}
	f.Spec.Secrets = []v1.SecretReference{{Name: "s"}}
	f.Spec.ConfigMaps = []v1.ConfigMapReference{{Name: "c", Namespace: ns, MountPath: "app/settings"}}
	files, err := NewFiles(clients).Files(t.Context(), f)
	if err != nil {
		t.Fatal(err)
	}
	want := []wire.File{
		{Path: ns + "/s/a", Secret: true, Data: []byte("x")},
		{Path: ns + "/s/b", Secret: true, Data: []byte{0, 1}},
		{Path: "app/settings/bin", Data: []byte{2}},
		{Path: "app/settings/k", Data: []byte("v")},
	}
	if len(files) != len(want) {
		t.Fatalf("files %+v", files)
	}
	for i := range want {
		if files[i].Path != want[i].Path || files[i].Secret != want[i].Secret || string(files[i].Data) != string(want[i].Data) {
			t.Errorf("file %d is %+v, want %+v", i, files[i], want[i])
		}
	}
}

func TestFiles_SayWhatIsMissingOrForbidden(t *testing.T) {
	clients, ns := start(t)
	for name, c := range map[string]struct {
		secrets []v1.SecretReference
		configs []v1.ConfigMapReference
		reason  string
	}{
		"a secret that does not exist":     {[]v1.SecretReference{{Name: "none"}}, nil, v1.ReasonSecretNotFound},
		"a configmap that does not exist":  {nil, []v1.ConfigMapReference{{Name: "none"}}, v1.ReasonConfigMapNotFound},
		"a secret of another namespace":    {[]v1.SecretReference{{Name: "s", Namespace: "kube-system"}}, nil, v1.ReasonReferenceInvalid},
		"a configmap of another namespace": {nil, []v1.ConfigMapReference{{Name: "s", Namespace: "kube-system"}}, v1.ReasonReferenceInvalid},
		"a way up":                         {[]v1.SecretReference{{Name: "s", MountPath: "../etc"}}, nil, v1.ReasonReferenceInvalid},
		"an absolute path":                 {[]v1.SecretReference{{Name: "s", MountPath: "/etc"}}, nil, v1.ReasonReferenceInvalid},
		"a path that is not clean":         {[]v1.SecretReference{{Name: "s", MountPath: "a//b"}}, nil, v1.ReasonReferenceInvalid},
	} {
		f := &v1.Function{ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: "f"}, Spec: v1.FunctionSpec{Secrets: c.secrets, ConfigMaps: c.configs}}
		_, err := NewFiles(clients).Files(t.Context(), f)
		if got := failureOf(t, err); got.Reason != c.reason || got.Message == "" {
			t.Errorf("%s: %+v", name, got)
		}
	}
}
