package xds

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"hotpod.dev/internal/envoytest"
	"hotpod.dev/wire"
)

func TestEnvoy_ServesBothFamiliesOnOneListener(t *testing.T) {
	pod, port := ipv6Backend(t), freePort6(t)
	c := testConfig()
	c.Public = []string{net.JoinHostPort("::", port)}
	f, _ := known(Key{"n", "f"})
	route := &Route{Key: Key{"n", "f"}, Methods: []string{"GET"}, Targets: []Target{{Name: "f", Weight: 1}}, Exact: Pattern{Text: "/f"}}
	s := static{admin: envoytest.Address(t) + ":9901", listeners: listeners(c)[:1]}
	s.tables = publicTables(c, resolve([]*Route{route}, known, nil), publicDivision())
	s.clusters = append(s.clusters, functionCluster(f))
	s.endpoints = append(s.endpoints, functionEndpoints(f.ID.UID, []Pod{{Address: pod}}, nil))
	envoytest.Start(t, s.admin, s.bootstrap(t))
	for _, host := range []string{"127.0.0.1", "::1"} {
		envoytest.Eventually(t, "Envoy listens on "+host, func() error {
			got := call(http.MethodGet, "http://"+net.JoinHostPort(host, port)+"/f", nil)
			if got.err == nil && (got.status != http.StatusOK || got.body != net.JoinHostPort(host, port)) {
				t.Fatalf("%d %s", got.status, got.body)
			}
			return got.err
		})
	}
}

// ipv6Backend answers with the request's host.
func ipv6Backend(t *testing.T) (address string) {
	t.Helper()
	lis, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "[::1]:0")
	if err != nil {
		t.Skip("no IPv6 here: ", err)
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, r.Host)
	})}
	go func() { _ = server.Serve(lis) }()
	t.Cleanup(func() { _ = server.Close() })
	return lis.Addr().String()
}

func freePort6(t *testing.T) string {
	t.Helper()
	lis, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "[::]:0")
	if err != nil {
		t.Skip("no IPv6 here: ", err)
	}
	defer func() { _ = lis.Close() }()
	return fmt.Sprint(lis.Addr().(*net.TCPAddr).Port)
}

func TestPodOf_WritesAddressesOfBothFamilies(t *testing.T) {
	for ip, want := range map[string]string{"10.0.0.1": "10.0.0.1:8012", "fd00::7": "[fd00::7]:8012"} {
		p := &corev1.Pod{Status: corev1.PodStatus{PodIP: ip}}
		p.Labels = map[string]string{wire.LabelState: string(wire.StateHot), wire.LabelFunctionUID: "u", wire.LabelFunctionGeneration: "1"}
		if pod, ok := PodOf(p); !ok || pod.Address != want {
			t.Errorf("%s: %+v", ip, pod)
		}
	}
}
