package probe

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// target returns where the test server listens, as a container's port "web".
func target(t *testing.T, address string) Target {
	t.Helper()
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	number, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	return Target{Address: host, Ports: []corev1.ContainerPort{{Name: "web", ContainerPort: int32(number)}}}
}

func TestCheck_HTTP(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/away":
			http.Redirect(w, r, "http://127.0.0.1:1/elsewhere", http.StatusFound)
		case r.URL.Path == "/moved":
			http.Redirect(w, r, "/ok", http.StatusFound)
		case r.URL.Path == "/ok" && r.Header.Get("X-Probe") == "yes" && r.Host == "example" && r.URL.RawQuery == "a=b":
		case r.URL.Path == "/ok" && r.URL.RawQuery == "":
		default:
			http.Error(w, "broken\nmore", http.StatusInternalServerError)
		}
	}))
	defer server.Close()
	where := target(t, server.Listener.Addr().String())
	for path, want := range map[string]string{
		"/ok": "", "/moved": "", "/away": "", "/ok?a=b": "", "/none": "HTTP probe failed with statuscode: 500: broken",
	} {
		get := &corev1.HTTPGetAction{Path: path, Port: intstr.FromString("web"), HTTPHeaders: []corev1.HTTPHeader{{Name: "X-Probe", Value: "yes"}, {Name: "Host", Value: "example"}}}
		err := NewCheck(corev1.ProbeHandler{HTTPGet: get}, where)(t.Context())
		if got := text(err); got != want {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
}

func TestCheck_HTTPSTakesAnyCertificate(t *testing.T) {
	server := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer server.Close()
	u, _ := url.Parse(server.URL)
	get := &corev1.HTTPGetAction{Port: intstr.FromString("web"), Scheme: corev1.URISchemeHTTPS}
	if err := HTTPGet(t.Context(), get, target(t, u.Host)); err != nil {
		t.Error(err)
	}
}

func TestCheck_TCP(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	where := target(t, listener.Addr().String())
	check := NewCheck(corev1.ProbeHandler{TCPSocket: &corev1.TCPSocketAction{Port: intstr.FromString("web")}}, where)
	if err := check(t.Context()); err != nil {
		t.Error(err)
	}
	listener.Close()
	if check(t.Context()) == nil {
		t.Error("a closed port is healthy")
	}
}

func TestCheck_Exec(t *testing.T) {
	where := Target{Exec: func(_ context.Context, command []string) (int, string, error) {
		return len(command), "said\nmore", nil
	}}
	for want, command := range map[string][]string{"": nil, "command exited with code 2: said": {"a", "b"}} {
		err := NewCheck(corev1.ProbeHandler{Exec: &corev1.ExecAction{Command: command}}, where)(t.Context())
		if text(err) != want {
			t.Errorf("got %q, want %q", text(err), want)
		}
	}
}

func TestCheck_GRPC(t *testing.T) {
	answers := map[string]string{"up": "\x00\x00\x00\x00\x02\x08\x01", "down": "\x00\x00\x00\x00\x02\x08\x02"}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		answer, ok := answers[string(body[7:])]
		w.Header().Set("Content-Type", "application/grpc")
		w.Header().Set("Trailer", "Grpc-Status")
		_, _ = io.WriteString(w, answer)
		w.Header().Set("Grpc-Status", map[bool]string{true: "0", false: "5"}[ok && r.URL.Path == "/grpc.health.v1.Health/Check"])
	}))
	server.Config.Protocols = new(http.Protocols)
	server.Config.Protocols.SetUnencryptedHTTP2(true)
	server.Start()
	defer server.Close()
	where := target(t, server.Listener.Addr().String())
	for service, want := range map[string]string{"up": "", "down": "is not serving", "unknown": `status "5"`} {
		err := NewCheck(corev1.ProbeHandler{GRPC: &corev1.GRPCAction{Port: where.Ports[0].ContainerPort, Service: &service}}, where)(t.Context())
		if !strings.Contains(text(err), want) || (want == "") != (err == nil) {
			t.Errorf("%s: %v", service, err)
		}
	}
}

func TestResolve(t *testing.T) {
	ports := []corev1.ContainerPort{{Name: "web", ContainerPort: 80}}
	for _, c := range []struct {
		port intstr.IntOrString
		want int
	}{{intstr.FromInt32(81), 81}, {intstr.FromString("web"), 80}, {intstr.FromString("82"), 82}, {intstr.FromString("none"), 0}} {
		got, err := resolve(c.port, ports)
		if got != c.want || (err != nil) != (c.want == 0) {
			t.Errorf("%s: %d, %v", c.port.String(), got, err)
		}
	}
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
