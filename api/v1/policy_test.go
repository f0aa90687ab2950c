package v1_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/internal/kubetest"
	"hotpod.dev/internal/manifesttest"
)

// What the schema cannot say, an admission policy does.
func TestPolicies_Refuse(t *testing.T) {
	s := kubetest.Start(t, server.Options) // of its own: policies hold for every namespace
	a := newAPI(t, s)
	text, err := os.ReadFile(filepath.Join(manifesttest.Root(t), "manifests", "base", "policy.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	manifesttest.Apply(t, s.Config(), manifesttest.Decode(t, string(text)))
	a.waitForPolicy(t)
	for _, c := range []struct{ name, kind, patch, message string }{
		{"an environment elsewhere", "Function", `{environment: {name: nodejs, namespace: other}}`, "an environment must be in the namespace of what uses it"},
		{"a package's environment elsewhere", "Package", `{environment: {name: nodejs, namespace: other}}`, "an environment must be in the namespace of what uses it"},
		{"a package elsewhere", "Function", `{package: {packageref: {name: p, namespace: other}}}`, "a package must be in the namespace of its functions"},
		{"a Secret elsewhere", "Function", `{secrets: [{name: s, namespace: kube-system}]}`, "a function can use only those of its own"},
		{"a ConfigMap elsewhere", "Function", `{configmaps: [{name: s, namespace: kube-system}]}`, "a function can use only those of its own"},
		{"the host's network", "Environment", `{runtime: {image: i, podspec: {hostNetwork: true}}}`, "a podspec cannot set hostNetwork, hostPID or hostIPC"},
		{"the host's processes", "Environment", `{builder: {image: i, podspec: {hostPID: true}}}`, "a podspec cannot set hostNetwork, hostPID or hostIPC"},
		{"another account", "Environment", `{runtime: {image: i, podspec: {serviceAccountName: admin}}}`, "a podspec cannot set serviceAccountName"},
		{"a token", "Environment", `{runtime: {image: i, podspec: {automountServiceAccountToken: true}}}`, "a podspec cannot set automountServiceAccountToken"},
		{"the host's files", "Environment", `{runtime: {image: i, podspec: {volumes: [{name: v, hostPath: {path: /}}]}}}`, "a podspec cannot mount a hostPath"},
		{"a port of the host", "Environment", `{runtime: {image: i, container: {ports: [{containerPort: 1, hostPort: 80}]}}}`, "a container cannot set hostPort"},
		{"a privileged container", "Environment", `{runtime: {image: i, container: {securityContext: {privileged: true}}}}`, "a container cannot be privileged"},
		{"a privileged init container", "Environment", `{runtime: {image: i, podspec: {initContainers: [{name: a, securityContext: {privileged: true}}]}}}`, "a container cannot be privileged"},
		{"escalation", "Environment", `{builder: {image: i, container: {securityContext: {allowPrivilegeEscalation: true}}}}`, "a container cannot allow privilege escalation"},
		{"capabilities", "Environment", `{runtime: {image: i, podspec: {containers: [{name: a, securityContext: {capabilities: {add: [SYS_ADMIN]}}}]}}}`, "a container can add no capability but NET_BIND_SERVICE"},
		{"a variable without name", "Function", `{env: [{name: "", value: b}]}`, "the name of a variable has letters"},
		{"a variable with a name that no shell takes", "Function", `{env: [{name: "1=A", value: b}]}`, "the name of a variable has letters"},
		{"a prefix of variables that no shell takes", "Function", `{envFrom: [{prefix: "1", secretRef: {name: a}}]}`, "the prefix of envFrom has letters"},
		{"a container function's host network", "Function", `{environment: absent, podspec: {hostNetwork: true}, InvokeStrategy: {ExecutionStrategy: {ExecutorType: container, MaxScale: 1}}}`, "a podspec cannot set hostNetwork, hostPID or hostIPC"},
	} {
		t.Run(c.kind+" "+c.name, func(t *testing.T) {
			if _, err := a.create(t, object(t, c.kind, "hello", c.patch)); err == nil || !strings.Contains(err.Error(), c.message) {
				t.Errorf("create: %v\nwant a refusal that says %q", err, c.message)
			}
		})
	}
	for annotation, message := range map[string]string{
		"hotpod.dev/protocol": "hotpod.dev/protocol is http1 or h2c", "hotpod.dev/container-concurrency": "is a whole number from 0",
	} {
		o := object(t, "Function", "hello", `{}`)
		o.SetAnnotations(map[string]string{annotation: "h2"})
		if _, err := a.create(t, o); err == nil || !strings.Contains(err.Error(), message) {
			t.Errorf("create with annotation %s: %v", annotation, err)
		}
		o.SetAnnotations(map[string]string{"hotpod.dev/protocol": "h2c", "hotpod.dev/container-concurrency": "0"})
		if _, err := a.create(t, o); err != nil {
			t.Errorf("create with good annotations: %v", err)
		}
	}
	for _, c := range v1.WrongPools {
		o := object(t, "Environment", "hello", `{poolsize: 3}`)
		o.SetAnnotations(map[string]string{c.Name: c.Value})
		if _, err := a.create(t, o); (err == nil) != (c.Says == "") || err != nil && !strings.Contains(err.Error(), c.Says) {
			t.Errorf("create with %s %q: %v, want %q", c.Name, c.Value, err, c.Says)
		}
	}
	for _, c := range v1.WrongScaling {
		o := object(t, "Function", "hello", `{}`)
		o.SetAnnotations(map[string]string{v1.ScalingPrefix + c.Name: c.Value})
		if _, err := a.create(t, o); err == nil || !strings.Contains(err.Error(), v1.ScalingPrefix) || !strings.Contains(err.Error(), c.Says) {
			t.Errorf("create with %s %q: %v, want %q", c.Name, c.Value, err, c.Says)
		}
	}
	for _, c := range []struct{ annotations, message string }{
		{"min-scale=5 max-scale=4", "min-scale is at most max-scale"},
		{"minScale=5 maxScale=4", "min-scale is at most max-scale"},
		{"min-scale=5 activation-scale=4", "activation-scale is from min-scale to max-scale"},
		{"max-scale=5 activation-scale=6", "activation-scale is from min-scale to max-scale"},
		{"min-scale=5 max-scale=0", ""},
		{"min-scale=1 max-scale=9 initial-scale=0 activation-scale=2 metric=rps target=0.5 target-utilization-percentage=80 window=30s " +
			"panic-window-percentage=12.5 panic-threshold-percentage=150 scale-down-delay=1m scale-to-zero-pod-retention-period=1.5s " +
			"metric-aggregation-algorithm=weightedExponential target-burst-capacity=-1 class=kpa.autoscaling.knative.dev", ""},
	} {
		o := object(t, "Function", "hello", `{}`)
		annotations := map[string]string{}
		for pair := range strings.FieldsSeq(c.annotations) {
			name, value, _ := strings.Cut(pair, "=")
			annotations[v1.ScalingPrefix+name] = value
		}
		o.SetAnnotations(annotations)
		if _, err := a.create(t, o); (err == nil) != (c.message == "") || err != nil && !strings.Contains(err.Error(), c.message) {
			t.Errorf("create with %s: %v, want %q", c.annotations, err, c.message)
		}
	}
	for _, c := range []struct{ kind, patch string }{
		{"Function", `{environment: {name: nodejs, namespace: ` + a.namespace + `}, secrets: [{name: s, namespace: ""}]}`},
		{"Environment", `{runtime: {image: i, container: {securityContext: {capabilities: {add: [NET_BIND_SERVICE]}}}, podspec: {hostNetwork: false, containers: [{name: x}], nodeSelector: {a: b}}}}`},
		{"Package", `{}`},
	} {
		if _, err := a.create(t, object(t, c.kind, "hello", c.patch)); err != nil {
			t.Errorf("%s %s: %v", c.kind, c.patch, err)
		}
	}
}

// waitForPolicy returns when the server enforces the policies, which takes it a moment.
func (a *api) waitForPolicy(t *testing.T) {
	t.Helper()
	annotated := object(t, "Environment", "hello", `{}`)
	annotated.SetAnnotations(map[string]string{v1.AnnotationMaxPods: "none"})
	bad := []*unstructured.Unstructured{
		object(t, "Environment", "hello", `{runtime: {image: i, podspec: {hostNetwork: true}}}`),
		object(t, "Function", "hello", `{environment: {name: nodejs, namespace: other}}`),
		annotated,
	}
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		refused := 0
		for _, o := range bad {
			if _, err := a.create(t, o); err != nil {
				refused++
			}
		}
		if refused == len(bad) {
			return
		}
	}
	t.Fatal("the policies are not enforced")
}
