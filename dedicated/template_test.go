package dedicated

import (
	"errors"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/pool"
	"hotpod.dev/wire"
)

func config() pool.Config {
	cfg := pool.DefaultConfig()
	cfg.FetcherImage, cfg.ProxyImage, cfg.ControlKey, cfg.MaxPods, cfg.FunctionNamespace = "fetcher", "proxy", "key", 40, "elsewhere"
	return cfg
}

func environmentOf(image string) *v1.Environment {
	e := &v1.Environment{Spec: v1.EnvironmentSpec{Version: 2, Runtime: v1.Runtime{Image: image}}}
	e.Name, e.Namespace, e.UID = "node", "default", "env-uid"
	e.Spec.Resources.Requests = amounts("cpu", "10m", "memory", "64Mi")
	return e
}

func functionOf(name, executor string) *v1.Function {
	f := &v1.Function{}
	f.Name, f.Namespace, f.UID, f.Generation = name, "default", types.UID("uid-"+name), 1
	f.Spec.InvokeStrategy.ExecutionStrategy = v1.ExecutionStrategy{ExecutorType: executor, MaxScale: 3}
	if executor == v1.ExecutorContainer {
		f.Spec.PodSpec = &runtime.RawExtension{Raw: []byte(`{"containers":[{"name":"web","image":"demo/web","ports":[{"containerPort":8080}]}]}`)}
		return f
	}
	f.Spec.Environment.Name, f.Spec.Package.PackageRef.Name = "node", name+"-package"
	return f
}

func amounts(pairs ...string) corev1.ResourceList {
	list := corev1.ResourceList{}
	for pair := range slices.Chunk(pairs, 2) {
		list[corev1.ResourceName(pair[0])] = resource.MustParse(pair[1])
	}
	return list
}

// variables returns the variables with a value, as NAME=value.
func variables(c *corev1.Container) (all []string) {
	for _, v := range c.Env {
		if v.ValueFrom == nil {
			all = append(all, v.Name+"="+v.Value)
		}
	}
	return all
}

func containerNamed(t *testing.T, pod *corev1.Pod, name string) *corev1.Container {
	t.Helper()
	for i := range pod.Spec.Containers {
		if pod.Spec.Containers[i].Name == name {
			return &pod.Spec.Containers[i]
		}
	}
	t.Fatalf("the pod has no container %s", name)
	return nil
}

func TestNewDeploy_IsTheEnvironmentsPodWithWhatTheFunctionSays(t *testing.T) {
	f := functionOf("f", v1.ExecutorNewDeploy)
	f.Spec.Env = []corev1.EnvVar{{Name: "WORD", Value: "one"}}
	f.Spec.EnvFrom = []corev1.EnvFromSource{{SecretRef: &corev1.SecretEnvSource{}}}
	f.Spec.Resources.Requests = amounts("cpu", "200m")
	pod, err := newDeploy(f, environmentOf("image"), config())
	if err != nil {
		t.Fatal(err)
	}
	c := containerNamed(t, pod, "node")
	containerNamed(t, pod, pool.ContainerFetcher)
	containerNamed(t, pod, pool.ContainerProxy)
	if !slices.Contains(variables(c), "WORD=one") || len(c.EnvFrom) != 1 || c.Image != "image" {
		t.Errorf("container %+v", c)
	}
	if cpu, memory := c.Resources.Requests.Cpu(), c.Resources.Requests.Memory(); cpu.String() != "200m" || memory.String() != "64Mi" {
		t.Errorf("requests are %s and %s: the function's own cpu and the environment's memory are wanted", cpu, memory)
	}
	if pod.Namespace != "default" {
		t.Errorf("the pod is in %s, where the function's Secrets are not", pod.Namespace)
	}
	for label, want := range map[string]string{
		wire.LabelExecutorType: "newdeploy", wire.LabelState: "warm", wire.LabelFunctionName: "f",
		wire.LabelFunctionNamespace: "default", wire.LabelFunctionUID: "uid-f", wire.LabelEnvironmentName: "node",
	} {
		if got := pod.Labels[label]; got != want {
			t.Errorf("label %s = %q, want %q", label, got, want)
		}
	}
	if o := pod.OwnerReferences; len(o) != 1 || o[0].Kind != "Function" || o[0].UID != "uid-f" || !*o[0].Controller {
		t.Errorf("owners %+v", o)
	}
}

func TestTemplates_ChangeTheirFingerprintWithWhatPodsAreMadeFrom(t *testing.T) {
	hash := func(change func(f *v1.Function, e *v1.Environment)) string {
		f, e := functionOf("f", v1.ExecutorNewDeploy), environmentOf("image")
		change(f, e)
		pod, err := newDeploy(f, e, config())
		if err != nil {
			t.Fatal(err)
		}
		return pod.Annotations[wire.AnnotationEnvironmentHash]
	}
	base := hash(func(*v1.Function, *v1.Environment) {})
	for name, c := range map[string]struct {
		change func(f *v1.Function, e *v1.Environment)
		same   bool
	}{
		"a setting of scale":   {func(f *v1.Function, _ *v1.Environment) { f.Generation = 2; f.Spec.FunctionTimeout = 3 }, true},
		"a variable":           {func(f *v1.Function, _ *v1.Environment) { f.Spec.Env = []corev1.EnvVar{{Name: "A"}} }, false},
		"the runtime":          {func(_ *v1.Function, e *v1.Environment) { e.Spec.Runtime.Image = "other" }, false},
		"a function made anew": {func(f *v1.Function, _ *v1.Environment) { f.UID = "other" }, false},
	} {
		if got := hash(c.change); (got == base) != c.same || got == "" {
			t.Errorf("%s: fingerprint %s, before %s", name, got, base)
		}
	}
}

func TestNewDeploy_SaysThatTheEnvironmentIsMissing(t *testing.T) {
	_, err := newDeploy(functionOf("f", v1.ExecutorNewDeploy), nil, config())
	if f := (*wire.Failure)(nil); !errors.As(err, &f) || f.Reason != v1.ReasonEnvironmentNotFound {
		t.Errorf("error %v", err)
	}
}

func TestContainer_IsTheUsersPodWithAQueueProxy(t *testing.T) {
	f := functionOf("f", v1.ExecutorContainer)
	f.Spec.PodSpec.Raw = []byte(`{"nodeSelector":{"disk":"fast"},"containers":[
		{"name":"helper","image":"h","startupProbe":{"tcpSocket":{"port":99}}},
		{"name":"f","image":"demo/web","ports":[{"containerPort":8080}],"env":[{"name":"A","value":"spec"},{"name":"B","value":"spec"}],
		 "readinessProbe":{"httpGet":{"path":"/ready","port":8080}}}]}`)
	f.Spec.Env = []corev1.EnvVar{{Name: "A", Value: "function"}}
	f.Spec.Secrets, f.Spec.ConfigMaps = []v1.SecretReference{{Name: "s"}}, []v1.ConfigMapReference{{Name: "m"}}
	f.Spec.Resources.Limits = amounts("memory", "1Gi")
	pod, err := container(f, config())
	if err != nil {
		t.Fatal(err)
	}
	c, proxy := containerNamed(t, pod, "f"), containerNamed(t, pod, pool.ContainerProxy)
	if got := strings.Join(variables(c), " "); got != "PORT=8080 B=spec A=function" {
		t.Errorf("variables %s", got)
	}
	if !slices.Contains(variables(proxy), "HOTPOD_RUNTIME_ADDRESS=127.0.0.1:8080") {
		t.Errorf("the queue-proxy is told %v", variables(proxy))
	}
	if len(c.EnvFrom) != 2 || c.EnvFrom[0].SecretRef.Name != "s" || c.EnvFrom[1].ConfigMapRef.Name != "m" {
		t.Errorf("envFrom %+v", c.EnvFrom)
	}
	if c.ReadinessProbe.HTTPGet.Path != "/ready" || c.Lifecycle.PreStop.HTTPGet.Path != wire.PathWaitForDrain || c.Resources.Limits.Memory().String() != "1Gi" {
		t.Errorf("container %+v", c)
	}
	if s := c.SecurityContext; *s.AllowPrivilegeEscalation || *s.ReadOnlyRootFilesystem || s.Capabilities.Drop[0] != "ALL" {
		t.Errorf("security %+v", s)
	}
	if got := pod.Annotations[v1.AnnotationProbed]; got != "helper f" {
		t.Errorf("ready is said by %q", got)
	}
	if len(pod.Spec.Containers) != 3 || pod.Spec.NodeSelector["disk"] != "fast" || *pod.Spec.AutomountServiceAccountToken {
		t.Errorf("spec %+v", pod.Spec)
	}
}

func TestContainer_OnAMachineWithoutPodNetworksIsToldItsAddress(t *testing.T) {
	cfg := config()
	cfg.RuntimeHost = pool.RuntimeHostPod
	pod, err := container(functionOf("f", v1.ExecutorContainer), cfg)
	if err != nil {
		t.Fatal(err)
	}
	if got := variables(containerNamed(t, pod, "web")); !slices.Contains(got, "HOTPOD_RUNTIME_ADDRESS=$(POD_IP):8080") {
		t.Errorf("variables %v", got)
	}
}

func TestContainer_RefusesWhatIsThePlatforms(t *testing.T) {
	for _, c := range []struct{ spec, want string }{
		{`{"containers":[]}`, "containers is empty"},
		{`{"containers":[{"name":"a"}]}`, "no image"},
		{`{"hostNetwork":true,"containers":[{"name":"a","image":"i"}]}`, "hostNetwork"},
		{`{"containers":[{"name":"queue-proxy","image":"i"}]}`, "the name is the platform's"},
		{`{"containers":[{"name":"a","image":"i","ports":[{"containerPort":8012}]}]}`, "port 8012 is the queue-proxy's"},
		{`{"containers":[{"name":"a","image":"i","lifecycle":{"preStop":{"exec":{"command":["true"]}}}}]}`, "preStop"},
		{`{"containers":[{"name":"a","image":"i","imagge":"i"}]}`, "imagge"},
		{`{"containers":[{"name":"a","image":"i"}],"volumes":[{"name":"v","hostPath":{"path":"/etc"}}]}`, "hostPath"},
		{`{"containers":[{"name":"a","image":"i","securityContext":{"privileged":true}}]}`, "privileged"},
		{`{"serviceAccountName":"admin","containers":[{"name":"a","image":"i"}]}`, "serviceAccountName"},
		{`{"containers":[{"name":"a","image":"i","ports":[{"containerPort":8080,"hostPort":8080}]}]}`, "hostPort"},
	} {
		f := functionOf("f", v1.ExecutorContainer)
		f.Spec.PodSpec.Raw = []byte(c.spec)
		if _, err := container(f, config()); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", c.spec, err, c.want)
		}
	}
}
