package parts

import (
	"maps"
	"net/netip"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

func TestRender_ReplacesKnownPlaceholdersOnly(t *testing.T) {
	objects := render(t, `
apiVersion: v1
kind: ConfigMap
metadata: {name: c}
data:
  known: ${XDS_IP} ${ACTIVATOR_IP} ${AUTOSCALER_IP} ${CONTROLLER_IP} ${ROUTER_IP}:${ROUTER_PORT} ${INTERNAL_PORT} ${APISERVER} ${NODE_IP} ${STORAGE_IP} ${DATA_DIR}
  unknown: ${HOME} $(POD_IP) $XDS_IP
`)
	data, _, err := unstructured.NestedStringMap(objects[0].Object, "data")
	if err != nil {
		t.Fatal(err)
	}
	if want := "127.42.0.3 127.42.0.4 127.42.0.5 127.42.0.6 127.42.0.2:8888 8889 https://127.0.0.1:6443 127.42.0.1 127.42.0.7 /data"; data["known"] != want {
		t.Errorf("got %q, want %q", data["known"], want)
	}
	if want := "${HOME} $(POD_IP) $XDS_IP"; data["unknown"] != want {
		t.Errorf("got %q, want %q", data["unknown"], want)
	}
}

func TestRender_NamesTheFolderInErrors(t *testing.T) {
	dir := t.TempDir()
	if _, err := Render(dir, values()); err == nil || !strings.Contains(err.Error(), dir) {
		t.Errorf("got %v, want an error that names %s", err, dir)
	}
}

func TestAddresses_AreDistinctAndInTheFirst256(t *testing.T) {
	cidr := netip.MustParsePrefix("127.42.0.0/16")
	seen := map[netip.Addr]bool{netip.MustParseAddr("127.42.0.1"): true} // the node's
	for part, address := range Addresses(cidr) {
		if seen[address] || !netip.MustParsePrefix("127.42.0.0/24").Contains(address) {
			t.Errorf("%s has %s", part, address)
		}
		seen[address] = true
	}
}

func TestTwinAddresses_AreNobodyElses(t *testing.T) {
	cidr := netip.MustParsePrefix("127.42.0.0/16")
	seen := map[netip.Addr]bool{}
	for _, address := range Addresses(cidr) {
		seen[address] = true
	}
	for n := 2; n <= MaxTwins; n++ {
		twin := TwinAddresses(cidr, n)
		for _, part := range []string{"router", "xds"} {
			if seen[twin[part]] || !netip.MustParsePrefix("127.42.0.0/24").Contains(twin[part]) {
				t.Errorf("%s %d has %s", part, n, twin[part])
			}
			seen[twin[part]] = true
		}
		if twin["activator"] != Addresses(cidr)["activator"] {
			t.Errorf("router %d looks for another activator", n)
		}
	}
}

func TestRenderTwin_IsTheRouterAndItsServerUnderOtherNames(t *testing.T) {
	cidr := netip.MustParsePrefix("127.42.0.0/16")
	values := Values{Addresses: TwinAddresses(cidr, 2), RouterPort: 9000, InternalPort: 8889, NodeIP: netip.MustParseAddr("127.42.0.1")}
	twins, err := RenderTwin("../../manifests/embedded", values, "-2")
	if err != nil {
		t.Fatal(err)
	}
	p, err := NewPlan(twins)
	if err != nil {
		t.Fatal(err)
	}
	pods, _, err := p.StaticPods(options())
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, pod := range pods {
		got[pod.Name] = pod.Annotations[AddressAnnotation]
	}
	want := map[string]string{"router-2-node1": "127.42.0.20", "xds-2-node1": "127.42.0.21"}
	if !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

const everything = `
apiVersion: v1
kind: Namespace
metadata: {name: fission, labels: {pod-security.kubernetes.io/enforce: restricted, a: b}}
---
apiVersion: v1
kind: Namespace
metadata: {name: other, labels: {pod-security.kubernetes.io/enforce: restricted}}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: c, namespace: fission}
data: {file: text, other: more}
binaryData: {raw: AAE=}
---
apiVersion: v1
kind: Secret
metadata: {name: s, namespace: fission}
stringData: {password: p}
data: {token: dA==}
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: things.example.com}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: xds, namespace: fission}
spec:
  replicas: 3
  selector: {matchLabels: {a: b}}
  template:
    metadata: {labels: {a: b}, annotations: {note: kept}}
    spec:
      serviceAccountName: xds
      priorityClassName: important
      nodeSelector: {disk: ssd}
      initContainers:
      - {name: init, image: i}
      containers:
      - name: main
        image: hotpod/xds
        envFrom: [{configMapRef: {name: c}, prefix: C_}, {secretRef: {name: absent, optional: true}}]
        env:
        - {name: LITERAL, value: v}
        - {name: POD_IP, valueFrom: {fieldRef: {fieldPath: status.podIP}}}
        - {name: PASSWORD, valueFrom: {secretKeyRef: {name: s, key: password}}}
        - {name: FILE, valueFrom: {configMapKeyRef: {name: c, key: file}}}
        - {name: NOTHING, valueFrom: {configMapKeyRef: {name: c, key: absent, optional: true}}}
      volumes:
      - {name: config, configMap: {name: c, items: [{key: file, path: sub/renamed}]}}
      - {name: secret, secret: {secretName: s}}
      - {name: both, projected: {sources: [{configMap: {name: c}}, {secret: {name: s}}]}}
      - {name: maybe, secret: {secretName: absent, optional: true}}
      - {name: tmp, emptyDir: {}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: off, namespace: fission}
spec: {replicas: 0, selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {containers: [{name: m, image: i}]}}}
`

func TestPlan_SortsObjects(t *testing.T) {
	p := plan(t, everything)
	if len(p.Definitions) != 1 || len(p.Namespaces) != 2 || len(p.Deployments) != 2 || len(p.Others) != 2 {
		t.Errorf("got %d definitions, %d namespaces, %d deployments, %d others", len(p.Definitions), len(p.Namespaces), len(p.Deployments), len(p.Others))
	}
	for _, ref := range p.References() {
		if ref.Kind == "CustomResourceDefinition" || ref.Kind == "Deployment" {
			t.Errorf("%s could be pruned", ref.Kind)
		}
	}
}

func TestPlan_AdmitsStaticPodsWhereTheyAre(t *testing.T) {
	levels := map[string]string{}
	for _, ns := range plan(t, everything).Namespaces {
		levels[ns.GetName()] = ns.GetLabels()["pod-security.kubernetes.io/enforce"]
	}
	if want := map[string]string{"fission": "privileged", "other": "restricted"}; !maps.Equal(levels, want) {
		t.Errorf("levels are %v, want %v", levels, want)
	}
}

func TestStaticPods_ReferToNoOtherObject(t *testing.T) {
	pods, files, err := plan(t, everything).StaticPods(options())
	if err != nil {
		t.Fatal(err)
	}
	if len(pods) != 1 {
		t.Fatalf("got %d pods, want the one with replicas", len(pods))
	}
	pod := pods[0]
	if pod.Name != "xds-node1" || pod.Namespace != "fission" || pod.Labels["a"] != "b" || pod.Annotations["note"] != "kept" {
		t.Errorf("metadata is %+v", pod.ObjectMeta)
	}
	if got := pod.Annotations[AddressAnnotation]; got != "127.42.0.3" {
		t.Errorf("address is %q", got)
	}
	spec := pod.Spec
	if spec.NodeName != "node1" || spec.ServiceAccountName != "" || *spec.AutomountServiceAccountToken || spec.PriorityClassName != "" || spec.NodeSelector != nil {
		t.Errorf("spec is %+v", spec)
	}
	for _, v := range spec.Volumes {
		if v.HostPath == nil && v.EmptyDir == nil {
			t.Errorf("volume %s refers to an object", v.Name)
		}
	}
	checkFiles(t, files)
}

// checkFiles checks the files of the Deployment in everything.
func checkFiles(t *testing.T, files []Files) {
	t.Helper()
	got := map[string][]string{}
	for _, f := range files {
		entries := append(make([]string, 0, 1+len(f.Contents)), f.ServiceAccount)
		for _, name := range sortedKeys(f.Contents) {
			entries = append(entries, name+"="+string(f.Contents[name]))
		}
		got[f.Dir] = entries
	}
	const base = "/data/parts/fission_xds-node1/"
	want := map[string][]string{
		base + "config":          {"", "sub/renamed=text"},
		base + "secret":          {"", "password=p", "token=t"},
		base + "both":            {"", "file=text", "other=more", "password=p", "raw=\x00\x01", "token=t"},
		base + "maybe":           {""},
		base + "kube-api-access": {"fission/xds"},
	}
	if !maps.EqualFunc(got, want, slices.Equal) {
		t.Errorf("files are %q\nwant %q", got, want)
	}
}

func TestStaticPods_HaveLiteralVariablesAndCredentials(t *testing.T) {
	pods, _, err := plan(t, everything).StaticPods(options())
	if err != nil {
		t.Fatal(err)
	}
	main := pods[0].Spec.Containers[0]
	got := map[string]string{}
	for _, e := range main.Env {
		got[e.Name] = e.Value
		if e.ValueFrom != nil && e.ValueFrom.FieldRef == nil {
			t.Errorf("variable %s refers to an object", e.Name)
		}
	}
	want := map[string]string{
		"C_file": "text", "C_other": "more", "C_raw": "\x00\x01", "LITERAL": "v", "POD_IP": "", "PASSWORD": "p", "FILE": "text",
		"KUBECONFIG": "/var/run/secrets/kubernetes.io/serviceaccount/kubeconfig",
	}
	if !maps.Equal(got, want) {
		t.Errorf("variables are %q\nwant %q", got, want)
	}
	for _, c := range append(pods[0].Spec.InitContainers, main) {
		if !slices.ContainsFunc(c.VolumeMounts, func(m corev1.VolumeMount) bool { return m.MountPath == credentialsPath && m.ReadOnly }) {
			t.Errorf("container %s has no credentials", c.Name)
		}
	}
}

func TestStaticPods_SayWhatIsWrong(t *testing.T) {
	deployment := func(template string) string {
		return "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d, namespace: n}\nspec: {selector: {matchLabels: {a: b}}, template: " + template + "}\n"
	}
	for name, test := range map[string]struct{ template, want string }{
		"a missing ConfigMap": {`{metadata: {labels: {a: b}}, spec: {containers: [{name: m, image: i}], volumes: [{name: v, configMap: {name: gone}}]}}`, "ConfigMap gone"},
		"a missing Secret":    {`{metadata: {labels: {a: b}}, spec: {containers: [{name: m, image: i, envFrom: [{secretRef: {name: gone}}]}]}}`, "Secret gone"},
		"a claim":             {`{metadata: {labels: {a: b}}, spec: {containers: [{name: m, image: i}], volumes: [{name: v, persistentVolumeClaim: {claimName: c}}]}}`, "persistent volumes"},
		"a bad address":       {`{metadata: {labels: {a: b}, annotations: {local.hotpod.dev/address: nowhere}}, spec: {containers: [{name: m, image: i}]}}`, "local.hotpod.dev/address"},
		"a projected token":   {`{metadata: {labels: {a: b}}, spec: {containers: [{name: m, image: i}], volumes: [{name: v, projected: {sources: [{serviceAccountToken: {path: t}}]}}]}}`, "projected"},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := plan(t, deployment(test.template)).StaticPods(options())
			if err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), "Deployment d") {
				t.Errorf("got %v, want an error about %s and Deployment d", err, test.want)
			}
		})
	}
}

func TestStaticPods_KeepAnAddressOfTheManifest(t *testing.T) {
	p := plan(t, strings.Replace(everything, "note: kept", "local.hotpod.dev/address: 127.42.0.77", 1))
	pods, _, err := p.StaticPods(options())
	if err != nil {
		t.Fatal(err)
	}
	if got := pods[0].Annotations[AddressAnnotation]; got != "127.42.0.77" {
		t.Errorf("address is %s", got)
	}
}

func TestNewPlan_RefusesMisspeltFields(t *testing.T) {
	object := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "apps/v1", "kind": "Deployment", "metadata": map[string]any{"name": "d"}, "spec": map[string]any{"replica": int64(1)},
	}}
	if _, err := NewPlan([]*unstructured.Unstructured{object}); err == nil || !strings.Contains(err.Error(), "replica") {
		t.Errorf("got %v, want an error about the field replica", err)
	}
}

func TestPlan_HashTellsPlansApart(t *testing.T) {
	first, same := plan(t, everything), plan(t, everything)
	other := plan(t, strings.Replace(everything, "file: text", "file: changed", 1))
	if first.Hash() != same.Hash() || first.Hash() == other.Hash() || first.Hash() == "" {
		t.Errorf("hashes are %s, %s and %s", first.Hash(), same.Hash(), other.Hash())
	}
}
