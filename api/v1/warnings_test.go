package v1_test

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"k8s.io/client-go/dynamic"

	"hotpod.dev/internal/kubetest"
	"hotpod.dev/internal/manifesttest"
)

// heard keeps the warnings of an API server.
type heard struct {
	mu   sync.Mutex
	text []string
}

func (h *heard) HandleWarningHeader(_ int, _, text string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.text = append(h.text, text)
}

func (h *heard) take() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	text := strings.Join(h.text, "\n")
	h.text = nil
	return text
}

// What is accepted without effect is said to whoever writes it.
func TestWarnings_SayWhatHasNoEffect(t *testing.T) {
	s := kubetest.Start(t, server.Options) // of its own: policies hold for every namespace
	warnings := &heard{}
	config := s.Config()
	config.WarningHandler = warnings
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	a := &api{client: client, namespace: s.Namespace(t)}
	text, err := os.ReadFile(filepath.Join(manifesttest.Root(t), "manifests", "base", "warnings.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	manifesttest.Apply(t, s.Config(), manifesttest.Decode(t, string(text)))
	write := func(kind, patch string) string {
		t.Helper()
		if _, err := a.create(t, object(t, kind, "hello", patch)); err != nil {
			t.Errorf("%s %s: %v", kind, patch, err)
		}
		return warnings.take()
	}
	for deadline := time.Now().Add(30 * time.Second); !strings.Contains(write("Function", `{tool: {}}`), "spec.tool"); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the policy is not in force")
		}
	}
	const (
		newdeploy = `InvokeStrategy: {ExecutionStrategy: {ExecutorType: newdeploy, MaxScale: 1}}`
		container = `environment: absent, package: absent, podspec: {containers: [{name: c, image: i}]}, InvokeStrategy: {ExecutionStrategy: {ExecutorType: container, MaxScale: 1}}`
	)
	for _, c := range []struct{ kind, patch, says string }{
		{"Function", `{}`, ""},
		{"Function", `{resources: {}, concurrency: 500, streaming: {idleTimeoutSeconds: 5}}`, ""},
		{"Function", `{resources: {limits: {cpu: 1}}}`, "spec.resources has no effect with executor type poolmgr"},
		{"Function", `{resources: {limits: {cpu: 1}}, ` + newdeploy + `}`, ""},
		{"Function", `{podspec: {}}`, "spec.podspec has no effect but with executor type container"},
		{"Function", `{` + container + `}`, ""},
		{"Function", strings.Replace(`{`+container+`}`, "package: absent", "package: {packageref: {name: p}}", 1), "spec.environment and spec.package have no effect"},
		{"Function", `{concurrency: 3, ` + newdeploy + `}`, "spec.concurrency has no effect with executor types newdeploy and container"},
		{"Function", `{concurrency: 500, ` + newdeploy + `}`, ""},
		{"Function", `{InvokeStrategy: {ExecutionStrategy: {TargetCPUPercent: 80}}}`, "TargetCPUPercent has no effect"},
		{"Function", `{InvokeStrategy: {ExecutionStrategy: {hpaMetrics: [{type: Resource}]}}}`, "hpaMetrics and hpaBehavior have no effect"},
		{"Function", `{InvokeStrategy: {ExecutionStrategy: {hpaBehavior: {}}}}`, "hpaMetrics and hpaBehavior have no effect"},
		{"Function", `{streaming: {protocol: sse}}`, "spec.streaming.protocol has no effect"},
		{"Function", `{versioning: {mode: auto}}`, "spec.versioning has no effect yet"},
		{"Function", `{state: {}}`, "spec.state has no effect yet"},
		{"Function", `{invocation: {}}`, "spec.invocation has no effect yet"},
		{"Function", `{agent: {}}`, "spec.agent has no effect yet"},
		{"Environment", `{poolsize: 5, runtime: {image: i, container: {env: [{name: A, value: b}]}}}`, ""},
		{"Environment", `{allowAccessToExternalNetwork: true}`, "spec.allowAccessToExternalNetwork has no effect"},
		{"Environment", `{allowedFunctionsPerContainer: infinite}`, "each function gets a pod of its own"},
		{"Environment", `{version: 2, poolsize: 5}`, "spec.poolsize has no effect before version 3"},
		{"Environment", `{runtime: {image: i, container: {image: j}}}`, "of spec.runtime.container have no effect"},
		{"Package", `{}`, ""},
		{"Package", `{deployment: {url: "https://a/b", secretref: {name: s}}}`, "spec.deployment.secretref has no effect yet"},
		{"Package", `{source: {url: "https://a/b", secretref: {name: s}}}`, "spec.source.secretref has no effect yet"},
		{"HTTPTrigger", `{createingress: false, ingressconfig: {path: /}}`, ""},
		{"HTTPTrigger", `{createingress: true}`, ""},
		{"HTTPTrigger", `{routeConfig: {provider: ingress}}`, ""},
		{"HTTPTrigger", `{invocationMode: async}`, "invocationMode async is not served yet"},
		{"HTTPTrigger", `{functionref: {type: name, name: a, alias: b}}`, "functionref.alias and functionref.version are not served yet"},
	} {
		said := write(c.kind, c.patch)
		if (said == "") != (c.says == "") || !strings.Contains(said, c.says) {
			t.Errorf("%s %s: warnings %q, want %q", c.kind, c.patch, said, c.says)
		}
	}
}
