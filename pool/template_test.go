package pool

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"

	v1 "hotpod.dev/api/v1"
)

func testConfig() Config {
	c := DefaultConfig()
	c.FetcherImage, c.ProxyImage, c.ControlKey = "hotpod/fetcher:1", "hotpod/queue-proxy:1", "key"
	return c
}

func raw(s string) *runtime.RawExtension { return &runtime.RawExtension{Raw: []byte(s)} }

func podFor(t *testing.T, e *v1.Environment, cfg Config) *corev1.Pod {
	t.Helper()
	pod, err := PodFor(e, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return pod
}

func container(t *testing.T, pod *corev1.Pod, name string) corev1.Container {
	t.Helper()
	for _, c := range pod.Spec.Containers {
		if c.Name == name {
			return c
		}
	}
	t.Fatalf("no container %s in %v", name, pod.Spec.Containers)
	return corev1.Container{}
}

func variable(c corev1.Container, name string) string {
	for _, v := range c.Env {
		if v.Name == name {
			if v.ValueFrom != nil {
				return v.ValueFrom.FieldRef.FieldPath
			}
			return v.Value
		}
	}
	return ""
}

func TestPodFor_HasTheThreeContainersAndTheirVolumes(t *testing.T) {
	e := environmentOf("node", 3)
	e.Spec.ImagePullSecret = "registry"
	pod := podFor(t, e, testConfig())
	mounts := map[string]string{
		"node": "/userfunc /secrets /configs /etc/podinfo /tmp", "fetcher": "/userfunc /secrets /configs /etc/podinfo", "queue-proxy": "",
	}
	for name, want := range mounts {
		c := container(t, pod, name)
		got := make([]string, 0, len(c.VolumeMounts))
		for _, m := range c.VolumeMounts {
			got = append(got, m.MountPath)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s mounts %v, want %s", name, got, want)
		}
		sc := c.SecurityContext
		if *sc.AllowPrivilegeEscalation || !*sc.ReadOnlyRootFilesystem || sc.Capabilities.Drop[0] != "ALL" {
			t.Errorf("%s is not confined: %+v", name, sc)
		}
		if name != "node" && (variable(c, "POD_UID") != "metadata.uid" || variable(c, "HOTPOD_CONTROL_KEY") != "key" || variable(c, "HOTPOD_ADDRESS") != "$(POD_IP)") {
			t.Errorf("variables of %s: %v", name, c.Env)
		}
	}
	rt := container(t, pod, "node")
	if rt.Image != "image" || variable(rt, "HOTPOD_RUNTIME_ADDRESS") != "127.0.0.1:8888" || rt.Lifecycle.PreStop.HTTPGet.Path != "/wait-for-drain" {
		t.Errorf("runtime container: %+v", rt)
	}
	if variable(rt, "HOTPOD_CONTROL_KEY") != "" {
		t.Error("the runtime is given the control key")
	}
	s := pod.Spec
	if *s.TerminationGracePeriodSeconds != 90 || *s.AutomountServiceAccountToken || !*s.SecurityContext.RunAsNonRoot ||
		s.SecurityContext.SeccompProfile.Type != "RuntimeDefault" || s.ImagePullSecrets[0].Name != "registry" {
		t.Errorf("spec: %+v", s)
	}
	if pod.Labels["environmentUid"] != "env-node" || pod.Labels["managed"] != "true" || pod.Labels["hotpod.dev/state"] != "warm" ||
		pod.Annotations["cluster-autoscaler.kubernetes.io/safe-to-evict"] != "true" {
		t.Errorf("labels %v, annotations %v", pod.Labels, pod.Annotations)
	}
}

func TestPodFor_OnASharedNetworkNamespaceTheRuntimeBindsToThePodsAddress(t *testing.T) {
	cfg := testConfig()
	cfg.RuntimeHost, cfg.RunAsNonRoot = RuntimeHostPod, false
	pod := podFor(t, environmentOf("node", 1), cfg)
	rt := container(t, pod, "node")
	if variable(rt, "HOTPOD_RUNTIME_ADDRESS") != "$(POD_IP):8888" || rt.Env[0].Name != "POD_IP" {
		t.Errorf("environment = %v", rt.Env)
	}
	if pod.Spec.SecurityContext.RunAsNonRoot != nil {
		t.Error("root is refused")
	}
}

func TestPodFor_MergesWhatTheOwnerAsksFor(t *testing.T) {
	e := environmentOf("node", 1)
	e.Spec.Runtime.Container = raw(`{"name":"main","image":"ignored","env":[{"name":"A","value":"1"}],"readinessProbe":{"tcpSocket":{"port":8888}}}`)
	e.Spec.Runtime.PodSpec = raw(`{"nodeSelector":{"disk":"ssd"},"tolerations":[{"key":"gpu"}],
		"containers":[{"name":"helper","image":"helper:1"},{"name":"main","image":"also ignored","workingDir":"/srv","volumeMounts":[{"name":"data","mountPath":"/data"}]}],
		"volumes":[{"name":"data","emptyDir":{}}]}`)
	pod := podFor(t, e, testConfig())
	rt := pod.Spec.Containers[0]
	if rt.Name != "node" || rt.Image != "image" || variable(rt, "A") != "1" || variable(rt, "HOTPOD_RUNTIME_ADDRESS") == "" ||
		rt.WorkingDir != "/srv" || rt.ReadinessProbe == nil || rt.Lifecycle.PreStop == nil || len(rt.VolumeMounts) != 6 {
		t.Errorf("runtime container: %+v", rt)
	}
	if c := container(t, pod, "helper"); c.Image != "helper:1" || c.SecurityContext == nil {
		t.Errorf("helper: %+v", c)
	}
	if pod.Spec.NodeSelector["disk"] != "ssd" || len(pod.Spec.Tolerations) != 1 || len(pod.Spec.Volumes) != 6 || len(pod.Spec.Containers) != 4 {
		t.Errorf("spec: %+v", pod.Spec)
	}
}

func TestPodFor_RefusesWhatLeadsOutOfThePod(t *testing.T) {
	for want, podspec := range map[string]string{
		"hostNetwork":                 `{"hostNetwork":true}`,
		"hostPID":                     `{"hostPID":true}`,
		"serviceAccountName":          `{"serviceAccountName":"admin"}`,
		"automountServiceAccount":     `{"automountServiceAccountToken":true}`,
		"shareProcessNamespace":       `{"shareProcessNamespace":true}`,
		"hostPath":                    `{"volumes":[{"name":"v","hostPath":{"path":"/"}}]}`,
		"projected credentials":       `{"volumes":[{"name":"v","projected":{"sources":[{"serviceAccountToken":{"path":"t"}}]}}]}`,
		"platform's":                  `{"volumes":[{"name":"userfunc","emptyDir":{}}]}`,
		"privileged":                  `{"containers":[{"name":"x","securityContext":{"privileged":true}}]}`,
		"allowPrivilegeEscalation":    `{"initContainers":[{"name":"x","securityContext":{"allowPrivilegeEscalation":true}}]}`,
		"capabilities":                `{"containers":[{"name":"x","securityContext":{"capabilities":{"add":["NET_ADMIN"]}}}]}`,
		"hostPort":                    `{"containers":[{"name":"x","ports":[{"containerPort":1,"hostPort":1}]}]}`,
		`container "fetcher"`:         `{"containers":[{"name":"fetcher","image":"evil"}]}`,
		`unknown field "hostNetwrk"`:  `{"hostNetwrk":true}`,
		`unknown field "$patch"`:      `{"containers":[{"name":"queue-proxy","$patch":"delete"}]}`,
		"seccompProfile":              `{"securityContext":{"seccompProfile":{"type":"Unconfined"}}}`,
		"hostIPC is not allowed\npod": `{"hostIPC":true,"nodeName":"n"}`,
	} {
		e := environmentOf("node", 1)
		e.Spec.Runtime.PodSpec = raw(podspec)
		if _, err := PodFor(e, testConfig()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want an error that names %q", podspec, err, want)
		}
	}
}

func TestPodFor_ContainersCannotOptOutOfNonRoot(t *testing.T) {
	e := environmentOf("node", 1)
	e.Spec.Runtime.Container = raw(`{"securityContext":{"runAsNonRoot":false}}`)
	pod := podFor(t, e, testConfig())
	if sc := container(t, pod, "node").SecurityContext; sc.RunAsNonRoot != nil {
		t.Errorf("the container overrides the pod: %v", *sc.RunAsNonRoot)
	}
}

func TestPodFor_HashFollowsWhatPodsAreMadeFrom(t *testing.T) {
	hash := func(e *v1.Environment, c Config) string {
		return podFor(t, e, c).Annotations["hotpod.dev/environment-hash"]
	}
	base := hash(environmentOf("node", 1), testConfig())
	same := environmentOf("node", 5)
	same.ResourceVersion, same.Status.ObservedGeneration = "99", 4
	if hash(same, testConfig()) != base {
		t.Error("a pool size or status changes the hash: pods would be replaced for nothing")
	}
	image, again, grace := environmentOf("node", 1), environmentOf("node", 1), environmentOf("node", 1)
	image.Spec.Runtime.Image = "image:2"
	again.UID = "made again"
	grace.Spec.TerminationGracePeriod = new(int64)
	cfg := testConfig()
	cfg.ProxyImage = "hotpod/queue-proxy:2"
	for name, h := range map[string]string{
		"image": hash(image, testConfig()), "object": hash(again, testConfig()),
		"grace": hash(grace, testConfig()), "sidecar": hash(environmentOf("node", 1), cfg),
	} {
		if h == base {
			t.Errorf("another %s has the same hash", name)
		}
	}
}

func TestPodFor_LongNamesAndForeignNamespaces(t *testing.T) {
	long := strings.Repeat("a", 80)
	e := environmentOf(long, 1)
	e.Namespace = "default"
	cfg := testConfig()
	cfg.FunctionNamespace = "fission-function"
	pod := podFor(t, e, cfg)
	if pod.Namespace != "fission-function" || len(pod.Labels["environmentName"]) > 63 || len(pod.Spec.Containers[0].Name) > 63 {
		t.Errorf("namespace %s, label %s", pod.Namespace, pod.Labels["environmentName"])
	}
	if environmentKey(pod) != "default/"+long {
		t.Errorf("the pod says it is of %s", environmentKey(pod))
	}
	if name := podName(long); len(name) > 63 || name == podName(long) {
		t.Errorf("name %s", name)
	}
	if n := runtimeName("fetcher"); n == "fetcher" {
		t.Error("an environment named fetcher would hide the sidecar")
	}
}

func TestConfig_ValidateListsEveryFault(t *testing.T) {
	err := (&Config{RuntimeHost: "moon", MaxPods: -1}).Validate()
	for _, want := range []string{"fetcher image", "queue-proxy image", "control key", "moon", "-1"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not named in %v", want, err)
		}
	}
}
