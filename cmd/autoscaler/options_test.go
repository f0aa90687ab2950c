package main

import (
	"io"
	"strings"
	"testing"
)

func variables(m map[string]string) func(string) string {
	return func(name string) string { return m[name] }
}

func TestParse_FlagsWinOverVariables(t *testing.T) {
	o, err := parse([]string{"--max-pods=9"}, variables(map[string]string{
		"HOTPOD_CODE_DIR": "/d", "HOTPOD_FETCHER_IMAGE": "f", "HOTPOD_PROXY_IMAGE": "q", "HOTPOD_MAX_PODS": "7", "HOTPOD_RUN_AS_NON_ROOT": "false", "POD_NAMESPACE": "here",
	}), io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if o.codeDir != "/d" || o.pool.MaxPods != 9 || o.pool.RunAsNonRoot || o.componentNamespace != "here" {
		t.Errorf("options %+v", o)
	}
}

func TestParse_ListsEveryFault(t *testing.T) {
	if _, err := parse([]string{"--code-dir=/tmp/c", "--fetcher-image=f", "--proxy-image=q"}, variables(nil), io.Discard); err != nil {
		t.Errorf("good flags: %v", err)
	}
	_, err := parse([]string{"--address=nowhere", "--component-namespace=", "--code-bytes=0", "--runtime-host=moon"}, variables(nil), io.Discard)
	if err == nil {
		t.Fatal("bad flags were taken")
	}
	if n := len(strings.Split(err.Error(), "\n")); n != 7 {
		t.Errorf("%d faults, want 7:\n%v", n, err)
	}
}

func TestParse_AShardHasALeaseOfItsOwn(t *testing.T) {
	good := []string{"--code-dir=/d", "--fetcher-image=f", "--proxy-image=q", "--lease=autoscaler", "--identity=a"}
	for shard, lease := range map[string]string{"": "autoscaler", "0/1": "autoscaler", "0/2": "autoscaler-0", "1/2": "autoscaler-1"} {
		o, err := parse(good, variables(map[string]string{"HOTPOD_SHARD": shard}), io.Discard)
		if err != nil || o.leaseName() != lease {
			t.Errorf("shard %q: lease %q, %v", shard, o.leaseName(), err)
		}
	}
	if _, err := parse(append(good, "--shard=2/2"), variables(nil), io.Discard); err == nil || !strings.Contains(err.Error(), "there is no 2") {
		t.Errorf("a shard that there is not: %v", err)
	}
}

func TestParse_NamesTheVariableThatIsWrong(t *testing.T) {
	if _, err := parse(nil, variables(map[string]string{"HOTPOD_MAX_PODS": "many"}), io.Discard); err == nil || !strings.Contains(err.Error(), "HOTPOD_") {
		t.Errorf("parse = %v", err)
	}
}

func TestParse_HandsTracingOnToQueueProxies(t *testing.T) {
	o, err := parse([]string{"--code-dir=/d", "--fetcher-image=f", "--proxy-image=q"}, variables(map[string]string{
		"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318", "OTEL_SERVICE_NAME": "hotpod-autoscaler",
	}), io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if len(o.pool.ProxyEnv) != 1 || o.pool.ProxyEnv[0].Value != "http://collector:4318" {
		t.Errorf("variables of the queue-proxy: %v", o.pool.ProxyEnv)
	}
}
