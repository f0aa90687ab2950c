package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/install"
	"hotpod.dev/internal/kubetest"
	"hotpod.dev/internal/manifesttest"
	"hotpod.dev/kube"
)

// cluster is a real API server without nodes: Deployments stay as they are unless a test says that they run.
type cluster struct {
	t       *testing.T
	server  *kubetest.Server
	clients *kube.Clients
	file    string
}

func startCluster(t *testing.T) *cluster {
	t.Helper()
	if testing.Short() {
		t.Skip("starts a kube-apiserver")
	}
	c := &cluster{t: t, server: kubetest.Start(t, kubetest.Options{Controllers: true, CRDs: []string{}})}
	var err error
	if c.clients, err = kube.NewClients(c.server.Config()); err != nil {
		t.Fatal(err)
	}
	c.file = c.kubeconfig("") // of the outer test: it outlives the parts
	return c
}

// kubeconfig writes the file of a user; "" is the administrator.
func (c *cluster) kubeconfig(user string) string {
	c.t.Helper()
	config := c.server.Config()
	file := filepath.Join(c.t.TempDir(), "config")
	err := clientcmd.WriteToFile(clientcmdapi.Config{
		CurrentContext: "c",
		Contexts:       map[string]*clientcmdapi.Context{"c": {Cluster: "c", AuthInfo: "u"}},
		Clusters: map[string]*clientcmdapi.Cluster{"c": {
			Server: config.Host, CertificateAuthority: config.CAFile, CertificateAuthorityData: config.CAData, InsecureSkipTLSVerify: config.Insecure,
		}},
		AuthInfos: map[string]*clientcmdapi.AuthInfo{"u": {Token: config.BearerToken, Impersonate: user}},
	}, file)
	if err != nil {
		c.t.Fatal(err)
	}
	return file
}

// hotpod runs the command.
func (c *cluster) hotpod(kubeconfig string, args ...string) (code int, out, errs string) {
	c.t.Helper()
	var stdout, stderr bytes.Buffer
	code = Run(c.t.Context(), Config{
		In: strings.NewReader(""), Out: &stdout, Err: &stderr, Getenv: func(string) string { return "" }, Executable: "/nonexistent/hotpod",
	}, append([]string{"--kubeconfig", kubeconfig}, args...))
	return code, stdout.String(), stderr.String()
}

// must runs the command, which must succeed, and returns all that it says.
func (c *cluster) must(kubeconfig string, args ...string) string {
	c.t.Helper()
	code, out, errs := c.hotpod(kubeconfig, args...)
	if code != ExitOK {
		c.t.Fatalf("hotpod %q: exit %d\n%s%s", args, code, out, errs)
	}
	return out + errs
}

// there reports whether an object is there.
func (c *cluster) there(version, kind, namespace, name string) bool {
	c.t.Helper()
	_, err := c.clients.Objects().Get(c.t.Context(), kube.ObjectRef{APIVersion: version, Kind: kind, Namespace: namespace, Name: name})
	if err != nil && !apierrors.IsNotFound(err) {
		c.t.Fatal(err)
	}
	return err == nil
}

// goes waits until an object is gone.
func (c *cluster) goes(version, kind, namespace, name string) {
	c.t.Helper()
	for deadline := time.Now().Add(time.Minute); c.there(version, kind, namespace, name); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			c.t.Errorf("%s %s/%s stays", kind, namespace, name)
			return
		}
	}
}

// running says of every Deployment of the namespace that its pods run, until ctx ends.
func (c *cluster) running(ctx context.Context, namespace string) {
	ref := kube.ObjectRef{APIVersion: "apps/v1", Kind: "Deployment", Namespace: namespace}
	for ; ctx.Err() == nil; time.Sleep(50 * time.Millisecond) {
		list, err := c.clients.Objects().List(ctx, ref, "")
		if err != nil {
			continue
		}
		for n := range list {
			replicas, _, _ := unstructured.NestedInt64(list[n].Object, "spec", "replicas")
			patch, _ := json.Marshal(map[string]any{"status": map[string]any{
				"observedGeneration": list[n].GetGeneration(), "replicas": replicas, "updatedReplicas": replicas, "availableReplicas": replicas, "readyReplicas": replicas,
			}})
			path := fmt.Sprintf("/apis/apps/v1/namespaces/%s/deployments/%s/status", namespace, list[n].GetName())
			_, _ = c.clients.Core().Patch(types.MergePatchType).AbsPath(path).Body(patch).DoRaw(ctx)
		}
	}
}

// One server for all, since each takes seconds to start; what one leaves the next one finds.
func TestInstall_OnARealAPIServer(t *testing.T) {
	c := startCluster(t)
	for _, part := range []struct {
		name string
		test func(*cluster)
	}{
		{"upgrades, and leaves nothing behind", installsAndUninstalls},
		{"checks", checks},
		{"says what is wrong and how to mend it", saysWhatIsWrong},
		{"works for a project user after an administrator's part", worksForAProjectUser},
	} {
		t.Run(part.name, func(t *testing.T) {
			own := *c
			own.t = t
			part.test(&own)
		})
	}
}

func installsAndUninstalls(c *cluster) {
	t := c.t
	running, stop := context.WithCancel(t.Context())
	defer stop()
	go c.running(running, "fission")

	if out := c.must(c.file, "install", "--dry-run"); !strings.Contains(out, "Deployment fission/xds would be new") {
		t.Errorf("dry run: %s", out)
	}
	if c.there("v1", "Namespace", "", "fission") {
		t.Fatal("a dry run made the namespace")
	}
	out := c.must(c.file, "install", "--set", "images.tag=v1,parts.xds.replicas=3")
	for _, want := range []string{"√ xds 3/3", "√ Deployment: 9 new", "installed in namespace fission"} {
		if !strings.Contains(out, want) {
			t.Errorf("install does not say %q:\n%s", want, out)
		}
	}
	if out := c.must(c.file, "install", "--set", "images.tag=v1,parts.xds.replicas=3"); !strings.Contains(out, "0 objects new, 0 changed") {
		t.Errorf("again: %s", out)
	}

	// What an earlier version had and this one has not.
	c.old("fission", "old")
	out = c.must(c.file, "upgrade", "--set", "images.tag=v2")
	if !strings.Contains(out, "0 objects new, 9 changed") || !strings.Contains(out, "√ ConfigMap fission/old is not needed any more") {
		t.Errorf("upgrade: %s", out)
	}
	c.goes("v1", "ConfigMap", "fission", "old")
	xds, err := c.clients.Objects().Get(t.Context(), kube.ObjectRef{APIVersion: "apps/v1", Kind: "Deployment", Namespace: "fission", Name: "xds"})
	if err != nil {
		t.Fatal(err)
	}
	if text, _ := xds.MarshalJSON(); !strings.Contains(string(text), `"hotpod/xds:v2"`) || !strings.Contains(string(text), `"replicas":3`) {
		t.Errorf("the upgrade forgot a value: %s", text)
	}

	c.uninstalls()
}

// old adds an object to what an earlier version installed.
func (c *cluster) old(namespace, name string) {
	c.t.Helper()
	ctx := c.t.Context()
	if _, err := c.clients.ConfigMaps(namespace).Create(ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: name}}, metav1.CreateOptions{}); err != nil {
		c.t.Fatal(err)
	}
	inventory, err := c.clients.ConfigMaps(namespace).Get(ctx, install.InventoryName, metav1.GetOptions{})
	if err != nil {
		c.t.Fatal(err)
	}
	inventory.Data["objects"] += "\nv1 ConfigMap " + namespace + " " + name
	if _, err := c.clients.ConfigMaps(namespace).Update(ctx, inventory, metav1.UpdateOptions{}); err != nil {
		c.t.Fatal(err)
	}
}

// uninstalls first keeps the functions, then removes them too.
func (c *cluster) uninstalls() {
	t := c.t
	t.Helper()
	ctx := t.Context()
	f := &v1.Environment{ObjectMeta: metav1.ObjectMeta{Name: "nodejs"}, Spec: v1.EnvironmentSpec{Version: 3, Runtime: v1.Runtime{Image: "i"}}}
	if _, err := c.clients.Environments("default").Create(ctx, f, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	code, _, errs := c.hotpod(c.file, "uninstall", "--definitions")
	if code != ExitUsage || !strings.Contains(errs, "would be lost: Environment default/nodejs") || !c.there("apps/v1", "Deployment", "fission", "xds") {
		t.Errorf("uninstall asks nobody: %d, %s", code, errs)
	}
	if out := c.must(c.file, "uninstall", "--keep-data"); !strings.Contains(out, "CustomResourceDefinition functions.fission.io") || !strings.Contains(out, "PersistentVolumeClaim fission/logger") {
		t.Errorf("it does not say what it kept: %s", out)
	}
	if !c.there("v1", "PersistentVolumeClaim", "fission", "logger") || !c.there(v1.GroupVersion.String(), "Environment", "default", "nodejs") {
		t.Error("it did not keep it")
	}
	c.must(c.file, "install", "--no-wait")
	c.must(c.file, "uninstall", "--definitions", "--yes")
	if c.there("v1", "Namespace", "", "fission-function") || !c.there("v1", "Namespace", "", "fission") {
		t.Error("namespaces that it made stay, or others go") // fission was there when the platform was installed again
	}
	for _, k := range []struct{ version, kind string }{
		{"rbac.authorization.k8s.io/v1", "ClusterRole"},
		{"rbac.authorization.k8s.io/v1", "ClusterRoleBinding"},
		{"rbac.authorization.k8s.io/v1", "RoleBinding"},
		{"rbac.authorization.k8s.io/v1", "Role"},
		{"admissionregistration.k8s.io/v1", "ValidatingAdmissionPolicy"},
		{"apps/v1", "Deployment"},
		{"v1", "Service"},
		{"v1", "ConfigMap"},
		{"v1", "ServiceAccount"},
		{"networking.k8s.io/v1", "NetworkPolicy"},
	} {
		items, err := c.clients.Objects().List(ctx, kube.ObjectRef{APIVersion: k.version, Kind: k.kind}, "app.kubernetes.io/part-of=hotpod")
		if err != nil {
			t.Fatal(err)
		}
		for n := range items {
			t.Errorf("%s %s/%s stays", k.kind, items[n].GetNamespace(), items[n].GetName())
		}
	}
	c.goes("apiextensions.k8s.io/v1", "CustomResourceDefinition", "", "functions.fission.io")
}

// A user with the role admin in one namespace, and nothing else.
func worksForAProjectUser(c *cluster) {
	t := c.t
	ctx := t.Context()
	if _, err := c.clients.Namespaces().Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "team"}}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	manifesttest.Apply(t, c.server.Config(), []*unstructured.Unstructured{{Object: map[string]any{
		"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": map[string]any{"name": "jane", "namespace": "team"},
		"roleRef":  map[string]any{"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "admin"},
		"subjects": []any{map[string]any{"kind": "User", "name": "jane", "apiGroup": "rbac.authorization.k8s.io"}},
	}}})
	jane := c.kubeconfig("jane")
	c.aggregated(jane)

	code, _, errs := c.hotpod(jane, "install", "-n", "team", "--no-wait")
	if code != ExitError || !strings.Contains(errs, "an administrator must apply") || !strings.Contains(errs, "hotpod install --admin-part -n team -o yaml | kubectl apply") {
		t.Fatalf("without the administrator's part: %d, %s", code, errs)
	}
	if c.there("v1", "ServiceAccount", "team", "xds") {
		t.Error("something was installed")
	}
	code, _, errs = c.hotpod(jane, "install", "-n", "kube-system", "--no-wait")
	if code != ExitError || !strings.Contains(errs, "in namespace kube-system") {
		t.Errorf("in another namespace: %d, %s", code, errs)
	}

	_, out, _ := c.hotpod(c.file, "install", "--admin-part", "-n", "team", "-o", "yaml")
	manifesttest.Apply(t, c.server.Config(), manifesttest.Decode(t, out))
	c.aggregated(jane)
	said := c.must(jane, "install", "-n", "team", "--no-wait")
	if !strings.Contains(said, "only what is in namespace team is installed") || !c.there("apps/v1", "Deployment", "team", "xds") {
		t.Errorf("with it: %s", said)
	}
	c.must(jane, "upgrade", "-n", "team", "--no-wait", "--set", "images.tag=v2")
	c.must(jane, "uninstall", "-n", "team")
	if c.there("apps/v1", "Deployment", "team", "xds") || c.there("v1", "Service", "team", "router") || !c.there("v1", "Namespace", "", "team") {
		t.Error("her part is not removed")
	}
	if !c.there("rbac.authorization.k8s.io/v1", "ClusterRole", "", "hotpod-xds") {
		t.Error("the administrator's part is removed")
	}
}

// aggregated waits until the role admin has rules, those of Hotpod's objects too once there are any.
func (c *cluster) aggregated(kubeconfig string) {
	c.t.Helper()
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		c.t.Fatal(err)
	}
	config.QPS = -1
	clients, err := kube.NewClients(rest.CopyConfig(config))
	if err != nil {
		c.t.Fatal(err)
	}
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		_, err := clients.ConfigMaps("team").List(c.t.Context(), metav1.ListOptions{})
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			c.t.Fatal(err)
		}
	}
}

func saysWhatIsWrong(c *cluster) {
	t := c.t
	ctx := t.Context()
	c.must(c.file, "install", "--no-wait")
	// A pod whose image cannot be pulled, and a Deployment that may make none.
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "xds-1", Labels: map[string]string{labelComponent: "xds"}}, Spec: restrictedPod()}
	pod, err := c.clients.Pods("fission").Create(ctx, pod, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	pod.Status.ContainerStatuses = []corev1.ContainerStatus{{Name: "c", State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "ImagePullBackOff", Message: "Back-off pulling hotpod/xds"}}}}
	if _, err := c.clients.Pods("fission").UpdateStatus(ctx, pod, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	c.refuse("timer", `pods "timer-1" is forbidden: exceeded quota: small`)
	code, _, errs := c.hotpod(c.file, "install", "--timeout", "1s")
	if code != ExitTimeout {
		t.Errorf("exit %d", code)
	}
	for _, want := range []string{
		"! xds: ImagePullBackOff", "--set images.registry=REGISTRY", "timer: pods \"timer-1\" is forbidden: exceeded quota: small", "larger quota", "logger: not ready",
	} {
		if !strings.Contains(errs, want) {
			t.Errorf("it does not say %q:\n%s", want, errs)
		}
	}

	// Definitions of a later version.
	definition := kube.ObjectRef{APIVersion: "apiextensions.k8s.io/v1", Kind: "CustomResourceDefinition", Name: "functions.fission.io"}
	patch := []byte(`{"metadata":{"annotations":{"hotpod.dev/definitions":"999"}}}`)
	if _, err := c.clients.Core().Patch(types.MergePatchType).AbsPath("/apis/apiextensions.k8s.io/v1/customresourcedefinitions/" + definition.Name).Body(patch).DoRaw(ctx); err != nil {
		t.Fatal(err)
	}
	if code, _, errs := c.hotpod(c.file, "upgrade", "--no-wait"); code != ExitError || !strings.Contains(errs, "newer than this command's") {
		t.Errorf("older definitions: %d, %s", code, errs)
	}
	c.must(c.file, "upgrade", "--no-wait", "--force")

	// A field that cannot be changed, a kind that nobody serves.
	c.must(c.file, "upgrade", "--no-wait", "--set", "archives.class=fast")
	if code, _, errs := c.hotpod(c.file, "upgrade", "--no-wait", "--set", "archives.class=slow"); code != ExitError || !strings.Contains(errs, `PersistentVolumeClaim "storagesvc"`) || !strings.Contains(errs, "cannot be changed") {
		t.Errorf("another storage class: %d, %s", code, errs)
	}
	if code, _, errs := c.hotpod(c.file, "upgrade", "--no-wait", "--set", "archives.class=fast,expose.type=Route"); code == ExitOK || !strings.Contains(errs, "does not know this kind") {
		t.Errorf("a Route where there are none: %d, %s", code, errs)
	}
	pods := kube.ObjectRef{APIVersion: "v1", Kind: "Pod", Namespace: "fission", Name: "xds-1"}
	if err := c.clients.Objects().Delete(ctx, pods, false); err != nil { // no kubelet does
		t.Fatal(err)
	}
	c.must(c.file, "uninstall", "--definitions")
	if code, _, errs := c.hotpod(c.file, "upgrade", "-n", "default"); code != ExitNotFound || !strings.Contains(errs, "nothing is installed") {
		t.Errorf("an upgrade of nothing: %d, %s", code, errs)
	}
}

// refuse says of a Deployment that it may make no pods.
func (c *cluster) refuse(name, why string) {
	c.t.Helper()
	patch, _ := json.Marshal(map[string]any{"status": map[string]any{"conditions": []any{map[string]any{
		"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": why,
	}}}})
	path := "/apis/apps/v1/namespaces/fission/deployments/" + name + "/status"
	if _, err := c.clients.Core().Patch(types.MergePatchType).AbsPath(path).Body(patch).DoRaw(c.t.Context()); err != nil {
		c.t.Fatal(err)
	}
}

// restrictedPod is a pod that Pod Security restricted admits.
func restrictedPod() corev1.PodSpec {
	yes, no := true, false
	return corev1.PodSpec{
		SecurityContext: &corev1.PodSecurityContext{RunAsNonRoot: &yes, SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault}},
		Containers: []corev1.Container{{Name: "c", Image: "i", SecurityContext: &corev1.SecurityContext{
			AllowPrivilegeEscalation: &no, Capabilities: &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
		}}},
	}
}

func TestInstall_NeedsNoClusterToPrint(t *testing.T) {
	code, out, errs := run(t, "install", "-o", "yaml", "--set", "images.registry=registry.example,parts.xds.replicas=4", "-n", "elsewhere")
	objects := manifesttest.Decode(t, out)
	if code != ExitOK || errs != "" || len(objects) < 80 || objects[0].GetKind() != "Namespace" {
		t.Errorf("exit %d, %d objects, %s", code, len(objects), errs)
	}
	if !strings.Contains(out, "image: registry.example/hotpod/xds") || strings.Contains(out, "namespace: fission\n") {
		t.Error("values have no effect")
	}
	file := filepath.Join(t.TempDir(), "values.yaml")
	if err := os.WriteFile(file, []byte("expose: {type: NodePort}\nimages: {tag: v3}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, out, _ = run(t, "install", "-o", "json", "--values", file, "--set", "images.tag=v4"); !strings.Contains(out, `"nodePort": 31314`) || !strings.Contains(out, "hotpod/xds:v4") {
		t.Error("a file of values has no effect")
	}
	for args, want := range map[string]string{
		"install --set expose.typ=x":          "there is no value expose.typ",
		"install --set expose.type=x -o yaml": "want one of",
		"install --values /none -o yaml":      "--values",
		"install -o table":                    "use yaml or json",
		"install --set x -o yaml":             "want NAME=VALUE",
	} {
		if code, _, errs := run(t, strings.Fields(args)...); code != ExitUsage || !strings.Contains(errs, want) {
			t.Errorf("%s: exit %d, %s", args, code, errs)
		}
	}
}

// checks is what hotpod check says of a cluster without nodes, before and after an installation.
func checks(c *cluster) {
	t := c.t
	code, out, _ := c.hotpod(c.file, "check", "--pre")
	for _, want := range []string{
		"√ may install into namespace fission", "√ may install what concerns the whole cluster", "√ admission policies are served", "× storage class: there is none",
		"! nothing is seen that enforces NetworkPolicies",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("check --pre does not say %q:\n%s", want, out)
		}
	}
	if code != ExitError {
		t.Errorf("check --pre: exit %d", code)
	}
	class := func(name string) *unstructured.Unstructured {
		return &unstructured.Unstructured{Object: map[string]any{
			"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": map[string]any{"name": name}, "provisioner": "example.com/none",
		}}
	}
	plugin := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": map[string]any{"name": "calico-node", "namespace": "kube-system"},
		"spec": map[string]any{
			"selector": map[string]any{"matchLabels": map[string]any{"a": "b"}},
			"template": map[string]any{"metadata": map[string]any{"labels": map[string]any{"a": "b"}}, "spec": map[string]any{"containers": []any{map[string]any{"name": "c", "image": "i"}}}},
		},
	}}
	manifesttest.Apply(t, c.server.Config(), []*unstructured.Unstructured{class("slow"), plugin})
	if code, out, _ := c.hotpod(c.file, "check", "--pre"); code != ExitOK || !strings.Contains(out, "! no storage class is the default: --set archives.class=slow,logs.class=slow") ||
		!strings.Contains(out, "√ NetworkPolicies are enforced, if calico-node") {
		t.Errorf("check --pre: exit %d\n%s", code, out)
	}
	fast := class("fast")
	fast.SetAnnotations(map[string]string{"storageclass.kubernetes.io/is-default-class": "true"})
	manifesttest.Apply(t, c.server.Config(), []*unstructured.Unstructured{fast})
	if _, out, _ := c.hotpod(c.file, "check", "--pre"); !strings.Contains(out, "√ storage class fast is the default") {
		t.Errorf("check --pre:\n%s", out)
	}

	c.must(c.file, "install", "--no-wait", "--set", "images.tag=v1")
	patch := []byte(`{"metadata":{"annotations":{"hotpod.dev/definitions":"0"}}}`)
	path := "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/functions.fission.io"
	if _, err := c.clients.Core().Patch(types.MergePatchType).AbsPath(path).Body(patch).DoRaw(t.Context()); err != nil {
		t.Fatal(err)
	}
	image := []byte(`[{"op":"replace","path":"/spec/template/spec/containers/0/image","value":"hotpod/xds:v2"}]`)
	path = "/apis/apps/v1/namespaces/fission/deployments/xds"
	if _, err := c.clients.Core().Patch(types.JSONPatchType).AbsPath(path).Body(image).DoRaw(t.Context()); err != nil {
		t.Fatal(err)
	}
	code, out, _ = c.hotpod(c.file, "check")
	for _, want := range []string{
		"√ installed by version", "× definition functions.fission.io: number 0 is older than this command's", "! parts have images with different tags", "; v2: xds",
		"× xds: no pod runs", "× logger: no pod runs", "× the archive store answers", "× the logger's database answers",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("check does not say %q:\n%s", want, out)
		}
	}
	if code != ExitError {
		t.Errorf("check: exit %d", code)
	}
	c.must(c.file, "uninstall", "--definitions")
}
