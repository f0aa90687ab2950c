package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/feed"
	"hotpod.dev/internal/envoytest"
	"hotpod.dev/internal/kubetest"
	"hotpod.dev/kube"
	"hotpod.dev/wire"
)

func noEnv(string) string { return "" }

func TestParse_TakesFlagsThenTheEnvironmentThenDefaults(t *testing.T) {
	env := map[string]string{"HOTPOD_INTERNAL": "1.1.1.1:1,2.2.2.2:2", "HOTPOD_REPLAY_LIMIT": "5", "HOTPOD_PUBLIC": "9.9.9.9:9", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318"}
	o, err := parse([]string{"--public=3.3.3.3:3, 4.4.4.4:4", "--address=127.0.0.5"}, func(k string) string { return env[k] }, &bytes.Buffer{})
	if err != nil {
		t.Fatal(err)
	}
	c := o.config
	if strings.Join(c.Public, " ") != "3.3.3.3:3 4.4.4.4:4" || strings.Join(c.Internal, " ") != "1.1.1.1:1 2.2.2.2:2" || c.ReplayLimit != 5 ||
		c.Tracing.Endpoint != "http://c:4318/v1/traces" || o.listen(7) != "127.0.0.5:7" || o.componentNamespace != "fission" {
		t.Errorf("%+v", o)
	}
	if o, err = parse(nil, noEnv, &bytes.Buffer{}); err != nil || !strings.HasSuffix(o.config.Public[0], ":8888") || !strings.HasSuffix(o.config.Internal[0], ":8889") {
		t.Errorf("without flags: %+v, %v", o.config, err)
	}
	for _, args := range [][]string{{"--address=here"}, {"--replay-limit=much"}, {"--access-log=maybe"}, {"--nothing"}, {"argument"}} {
		if _, err := parse(args, noEnv, &bytes.Buffer{}); err == nil {
			t.Errorf("%v is taken", args)
		}
	}
	if err := run(t.Context(), []string{"-h"}, noEnv, &bytes.Buffer{}, &bytes.Buffer{}); !errors.Is(err, flag.ErrHelp) {
		t.Errorf("-h: %v", err)
	}
}

func TestBootstrap_IsPrintedOrWritten(t *testing.T) {
	var out bytes.Buffer
	env := map[string]string{"POD_NAME": "router-1"}
	getenv := func(k string) string { return env[k] }
	if err := run(t.Context(), []string{"bootstrap", "--xds=xds:18000"}, getenv, &out, &out); err != nil {
		t.Fatal(err)
	}
	var b struct{ Node struct{ ID string } }
	if err := json.Unmarshal(out.Bytes(), &b); err != nil || b.Node.ID != "router-1" {
		t.Errorf("%v %+v", err, b)
	}
	file := filepath.Join(t.TempDir(), "envoy.json")
	if err := run(t.Context(), []string{"bootstrap", "--xds=xds:18000", "--output=" + file}, getenv, &out, &out); err != nil {
		t.Fatal(err)
	}
	if text, _ := os.ReadFile(file); !bytes.Equal(text, out.Bytes()) {
		t.Error("the file is another than what is printed")
	}
	if err := run(t.Context(), []string{"bootstrap"}, getenv, &out, &out); err == nil {
		t.Error("a bootstrap without a server")
	}
}

// The whole command: objects in a real API server, requests through a real Envoy, statuses over the feed.
func TestRun_ServesWhatTheAPIServerHolds(t *testing.T) {
	envoytest.Path(t)
	api := kubetest.Start(t, kubetest.Options{})
	clients, err := kube.NewClients(api.Config())
	if err != nil {
		t.Fatal(err)
	}
	host := envoytest.Address(t)
	function := &v1.Function{ObjectMeta: metav1.ObjectMeta{Name: "hello", Namespace: "default"}}
	function.Spec.Environment.Name, function.Spec.Package.PackageRef.Name = "nodejs", "hello"
	if _, err := clients.Functions("default").Create(t.Context(), function, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	stop := start(t, api, host)
	defer stop()
	text := &bytes.Buffer{}
	if err := run(t.Context(), []string{"bootstrap", "--xds=" + host + ":18000", "--admin=" + host + ":9901", "--debug=" + host + ":8081"}, noEnv, text, text); err != nil {
		t.Fatal(err)
	}
	envoytest.Start(t, host+":9901", text.Bytes())
	route := &v1.HTTPTrigger{ObjectMeta: metav1.ObjectMeta{Name: "hello", Namespace: "default"}, Spec: v1.HTTPTriggerSpec{
		RelativeURL: "/hello", Methods: []string{"GET"}, FunctionReference: v1.FunctionReference{Type: v1.ReferenceName, Name: "hello"},
	}}
	if _, err := clients.HTTPTriggers("default").Create(t.Context(), route, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	awaitAcknowledged(t, host)
	if status := get(t, "http://"+host+":8888/hello"); status != http.StatusInternalServerError { // there is no activator
		t.Errorf("the route answers %d", status)
	}
	for _, url := range []string{":8081/readyz", ":8081/healthz", ":8081/metrics", ":8888/readyz", ":8080/readyz", ":8080/metrics"} {
		if status := get(t, "http://"+host+url); status != http.StatusOK {
			t.Errorf("%s: %d", url, status)
		}
	}
	if err := clients.Functions("default").Delete(t.Context(), "hello", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	envoytest.Eventually(t, "the function is gone", func() error {
		if status := get(t, "http://"+host+":8888/hello"); status != http.StatusNotFound {
			return fmt.Errorf("status %d", status)
		}
		return nil
	})
}

// start runs the command until the returned function is called, which waits for its end.
func start(t *testing.T, api *kubetest.Server, host string) func() {
	t.Helper()
	config := api.Config()
	kubeconfig := filepath.Join(t.TempDir(), "kubeconfig")
	text := fmt.Sprintf(`{apiVersion: v1, kind: Config, current-context: c, contexts: [{name: c, context: {cluster: c, user: u}}],
clusters: [{name: c, cluster: {server: %q, insecure-skip-tls-verify: true}}], users: [{name: u, user: {token: %q}}]}`, config.Host, config.BearerToken)
	if err := os.WriteFile(kubeconfig, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		done <- run(ctx, []string{
			"--address=" + host, "--public=" + host + ":8888", "--internal=" + host + ":8889", "--services=" + host + ":8887", "--kubeconfig=" + kubeconfig,
		}, noEnv, t.Output(), t.Output())
	}()
	return func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("the command ends with %v", err)
		}
	}
}

func awaitAcknowledged(t *testing.T, host string) {
	t.Helper()
	conn, err := feed.Dial(net.JoinHostPort(host, fmt.Sprint(wire.PortRouteStatus)))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var last wire.RouteStatus
	err = feed.WatchRouteStatus(ctx, conn, func(s wire.RouteStatus) {
		if last = s; s.Name == "hello" && s.State == wire.RouteAcknowledged {
			cancel()
		}
	})
	if last.State != wire.RouteAcknowledged {
		t.Fatalf("the route's status is %+v (%v)", last, err)
	}
}

func get(t *testing.T, url string) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := (&http.Client{Timeout: 30 * time.Second}).Do(req)
	if err != nil {
		return 0
	}
	_ = res.Body.Close()
	return res.StatusCode
}
