package xds

import (
	"bytes"
	"fmt"
	"net/http"
	"testing"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/wire"
)

// withService declares a function with a Service.
func (r *rig) withService(name, hosts string) wire.FunctionID {
	f := &v1.Function{ObjectMeta: r.meta(name)}
	f.Annotations = map[string]string{v1.AnnotationService: "true", v1.AnnotationServiceHosts: hosts}
	r.tell(func(s *Server) { s.SetFunction(f) })
	return FunctionOf(f).ID
}

// service calls what a Service leads to.
func (r *rig) service(method, host, path string) answered {
	return call(method, "http://"+r.addr(wire.PortServices)+path, nil, "Host", host)
}

func TestService_HostsLeadToTheirFunctionWithPathAndMethodKept(t *testing.T) {
	r := newRig(t)
	one, two := newBackend(t, "one"), newBackend(t, "two")
	r.hot(r.withService("hello", "shop.example.com,www.example.com"), 1, one)
	r.hot(r.withService("other", "www.example.com,late.example.com"), 1, two)
	r.hot(r.function("bare"), 1, two)
	r.eventually("the Service answers", func() error { return r.service("GET", "other.default", "/").want(200, "two") })
	for _, c := range []struct {
		host   string
		status int
		pod    string
	}{
		{"hello.default", 200, "one"},
		{"hello.default.svc", 200, "one"},
		{"hello.default.svc.cluster.local", 200, "one"},
		{"hello.default.svc.example.internal", 200, "one"},
		{"hello.default.svc.cluster.local.", 200, "one"},
		{"hello.default:8080", 200, "one"},
		{"other.default.svc", 200, "two"},
		{"shop.example.com", 200, "one"},
		{"www.example.com", 200, "one"}, // the older function's
		{"late.example.com", 200, "two"},
		{"hello", 404, ""}, // of which namespace?
		{"hello.default.example.com", 404, ""},
		{"hello.defaults", 404, ""},
		{"x.hello.default", 404, ""},
		{"example.com", 404, ""},
		{"bare.default.svc", 404, ""}, // it has no Service
		{"nobody.default.svc", 404, ""},
	} {
		if err := r.service("GET", c.host, "/a?b=c").want(c.status, c.pod); err != nil {
			t.Errorf("%s: %v", c.host, err)
		}
	}
	for _, method := range []string{"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"} {
		for _, path := range []string{"/", "/a%2Fb//c?q=%20", "/router-healthz", "/fission-function/default/bare"} {
			got := r.service(method, "hello.default.svc", path)
			if err := got.want(200, "one"); err != nil || got.seen.Path != path || got.seen.Method != method {
				t.Errorf("%s %s: %v, the function saw %s %s", method, path, err, got.seen.Method, got.seen.Path)
			}
		}
	}
	if got := r.service("GET", "nobody.default", "/"); got.body != textNoService || got.seen.Header != nil {
		t.Errorf("a host that leads nowhere: %d %q", got.status, got.body)
	}
	big := call(http.MethodPost, "http://"+r.addr(wire.PortServices)+"/", bytes.NewReader(make([]byte, 3<<20)), "Host", "hello.default")
	if err := big.want(200, "one"); err != nil || big.seen.Length != 3<<20 {
		t.Errorf("a large body: %v, %d bytes arrived", err, big.seen.Length)
	}
	// The listener of routes does not know these hosts, whoever says them.
	if err := r.get("/", "Host", "hello.default.svc").want(200, ""); err != nil {
		t.Error(err)
	}
	if err := r.get("/a", "Host", "hello.default.svc").want(404, ""); err != nil {
		t.Error(err)
	}
}

func TestService_ComesAndGoesWithItsFunction(t *testing.T) {
	r := newRig(t)
	activator := newBackend(t, "activator")
	r.activator(activator)
	id := r.withService("hello", "")
	r.eventually("a function at zero is called at the activator", func() error {
		got := r.service("GET", "hello.default", "/x")
		if err := got.want(200, "activator"); err != nil {
			return err
		}
		if f := got.seen.Header.Get(wire.HeaderFunction); f != id.String() {
			return fmt.Errorf("the activator is told of %q, want %s", f, id)
		}
		return nil
	})
	without := &v1.Function{ObjectMeta: r.meta("hello")}
	without.UID = "hello-1"
	r.tell(func(s *Server) { s.SetFunction(without) })
	r.eventually("the Service is gone", func() error { return r.service("GET", "hello.default", "/").want(404, "") })
	if err := r.internal("/fission-function/hello").want(200, "activator"); err != nil {
		t.Error(err)
	}
}

func TestService_HostsAreDividedAsPathsAre(t *testing.T) {
	r := dividedRig(t, division{most: 8, least: 2})
	r.activator(newBackend(t, "activator"))
	const many = 60
	for i := range many {
		r.withService(fmt.Sprintf("f%02d", i), fmt.Sprintf("h%02d.example.com", i))
	}
	r.eventually("the last one answers", func() error {
		return r.service("GET", fmt.Sprintf("f%02d.default.svc", many-1), "/").want(200, "activator")
	})
	for i := range many {
		for _, host := range []string{"f%02d.default", "f%02d.default.svc.cluster.local", "h%02d.example.com"} {
			got := r.service("GET", fmt.Sprintf(host, i), "/p")
			want := fmt.Sprintf("f%02d", i)
			f, ok := wire.ParseFunctionID(got.seen.Header.Get(wire.HeaderFunction))
			if got.want(200, "activator") != nil || !ok || f.Name != want || got.seen.Path != "/p" {
				t.Errorf("%s: %d from %s, path %s", fmt.Sprintf(host, i), got.status, f, got.seen.Path)
			}
		}
	}
	if n := len(r.server.tables[2]); n < 5 {
		t.Errorf("only %d tables for %d functions", n, many)
	}
	if err := r.service("GET", "f99.default", "/").want(404, ""); err != nil {
		t.Error(err)
	}
}
