package xds

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/wire"
)

// numbered declares functions with a route each, so many that their tables are divided.
func (r *rig) numbered(from, to int) {
	r.t.Helper()
	for i := from; i < to; i++ {
		name := fmt.Sprintf("f%03d", i)
		f := &v1.Function{ObjectMeta: r.meta(name)}
		route := &v1.HTTPTrigger{ObjectMeta: r.meta(name), Spec: v1.HTTPTriggerSpec{
			Prefix: new("/" + name), Methods: []string{"GET", "POST"}, FunctionReference: v1.FunctionReference{Type: v1.ReferenceName, Name: name},
		}}
		r.tell(func(s *Server) { s.SetFunction(f); s.SetRoute(route) })
	}
	r.state(fmt.Sprintf("f%03d", to-1), wire.RouteAcknowledged)
}

func (r *rig) tables() int {
	r.server.catalog.mu.Lock()
	defer r.server.catalog.mu.Unlock()
	return len(r.server.catalog.set[typeScope])
}

func wantFunction(got answered, status int, function, path string) error {
	id, _ := wire.ParseFunctionID(got.seen.Header.Get(wire.HeaderFunction))
	if got.err != nil || got.status != status || id.Name != function || got.seen.Path != path {
		return fmt.Errorf("%d from %q as %q (%w), want %d from %q as %q", got.status, id.Name, got.seen.Path, got.err, status, function, path)
	}
	if got.seen.Header.Get(headerScope)+got.seen.Header.Get(headerPath) != "" {
		return fmt.Errorf("the function sees %v", got.seen.Header)
	}
	return nil
}

func TestEnvoy_ServesDividedTablesAsOne(t *testing.T) {
	r := dividedRig(t, division{most: 10, least: 2})
	r.activator(newBackend(t, "activator"))
	r.numbered(0, 100)
	r.function("t")
	r.route("t", v1.HTTPTriggerSpec{RelativeURL: "/{a:f[0-9]+}/x/{b}", Methods: []string{"GET", "PUT"}})
	if r.tables() < 10 {
		t.Fatalf("%d tables", r.tables())
	}
	for _, c := range []struct {
		method, path   string
		status         int
		function, seen string
	}{
		{"GET", "/f042", 200, "f042", "/"},
		{"GET", "/f042?a=b", 200, "f042", "/?a=b"},
		{"POST", "/f099/a/b", 200, "f099", "/a/b"},
		{"GET", "/f042/x/y", 200, "t", "/"},
		{"POST", "/f042/x/y", 200, "f042", "/x/y"},
		{"PUT", "/f042/x/y", 200, "t", "/"},
		{"PUT", "/f042", 405, "", ""},
		{"DELETE", "/f042/x/y", 405, "", ""},
		{"GET", "/f04", 404, "", ""},
		{"GET", "/f0420", 404, "", ""},
		{"GET", "/", 200, "", ""},
		{"GET", "/router-healthz", 200, "", ""},
		{"GET", "/f1234/x/y", 200, "t", "/"},
	} {
		if err := wantFunction(r.do(c.method, c.path, nil), c.status, c.function, c.seen); err != nil {
			t.Errorf("%s %s: %v", c.method, c.path, err)
		}
	}
	for path, want := range map[string][3]any{
		"/fission-function/f042": {200, "f042", "/"}, "/fission-function/default/f042/a": {200, "f042", "/a"}, "/fission-function/f0420": {404, "", ""},
	} {
		if err := wantFunction(r.internal(path), want[0].(int), want[1].(string), want[2].(string)); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
	got := r.get("/f042", "X-Hotpod-Scope", "internal", "x-hotpod-path", "/f001")
	if err := wantFunction(got, http.StatusOK, "f042", "/"); err != nil {
		t.Errorf("a client that names a scope: %v", err)
	}
}

// Regions come, are divided and join again while requests run; none of them fails.
func TestEnvoy_LosesNothingWhileTablesAreDivided(t *testing.T) {
	r := dividedRig(t, division{most: 10, least: 2})
	r.activator(newBackend(t, "activator"))
	r.numbered(0, 9)
	stop := make(chan struct{})
	var clients sync.WaitGroup
	for c := range 3 {
		clients.Go(func() {
			for i := c; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				name := fmt.Sprintf("f%03d", i%9)
				method, status := "GET", http.StatusOK
				if i%5 == 0 {
					method, status, name = "DELETE", http.StatusMethodNotAllowed, name[:4]
				}
				got := r.do(method, "/"+name, nil)
				if got.err != nil || got.status != status {
					t.Errorf("%s %s: %d %v %s", method, name, got.status, got.err, got.body)
				}
				if got := r.internal("/fission-function/" + name); got.err != nil || got.status != http.StatusOK {
					t.Errorf("%s: %d %v %s", name, got.status, got.err, got.body)
				}
			}
		})
	}
	most := 0
	for range 3 {
		r.numbered(9, 120)
		most = max(most, r.tables())
		for i := 9; i < 120; i++ {
			r.server.DeleteRoute("default", fmt.Sprintf("f%03d", i))
		}
		r.eventually("the tables are one again", func() error {
			if got := r.get("/f119"); got.status != http.StatusNotFound {
				return fmt.Errorf("%d", got.status)
			}
			return nil
		})
	}
	close(stop)
	clients.Wait()
	if most < 20 {
		t.Errorf("there were only %d tables", most)
	}
}

func TestEnvoy_PassesUpgradesOfDividedTables(t *testing.T) {
	r := dividedRig(t, division{most: 10, least: 2})
	pod := newBackend(t, "activator")
	r.activator(pod)
	r.numbered(0, 100)
	echo := http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if conn, _, err := w.(http.Hijacker).Hijack(); err == nil {
			_, _ = fmt.Fprintf(conn, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: %s\r\nConnection: Upgrade\r\nX-Path: %s\r\n\r\n", req.Header.Get("Upgrade"), req.RequestURI)
			_ = conn.Close()
		}
	})
	pod.answer.Store(&echo)
	got := r.raw("GET /f042/ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: AA==\r\nSec-WebSocket-Version: 13\r\n\r\n")
	if got.status != http.StatusSwitchingProtocols || !strings.HasPrefix(got.header.Get("X-Path"), "/ws") {
		t.Errorf("%+v", got)
	}
}

func routeTo(function, path string, subtree bool) v1.HTTPTriggerSpec {
	spec := v1.HTTPTriggerSpec{RelativeURL: path, FunctionReference: v1.FunctionReference{Type: v1.ReferenceName, Name: function}}
	if subtree {
		spec.RelativeURL, spec.Prefix = "", &path
	}
	return spec
}
