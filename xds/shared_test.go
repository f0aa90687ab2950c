package xds

import (
	"fmt"
	"strings"
	"testing"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/wire"
)

// plain declares so many functions with an exact path each that these share a route.
func (r *rig) plain() {
	r.t.Helper()
	for i := range 4 * usualShare {
		name := fmt.Sprintf("p%03d", i)
		f := &v1.Function{ObjectMeta: r.meta(name)}
		route := &v1.HTTPTrigger{ObjectMeta: r.meta(name), Spec: v1.HTTPTriggerSpec{
			RelativeURL: "/p/" + name, Methods: []string{"GET"}, FunctionReference: v1.FunctionReference{Type: v1.ReferenceName, Name: name},
		}}
		if i%2 == 1 {
			route.Spec.Methods = append(route.Spec.Methods, "POST")
		}
		r.tell(func(s *Server) { s.SetFunction(f); s.SetRoute(route) })
	}
	r.state(fmt.Sprintf("p%03d", 4*usualShare-1), wire.RouteAcknowledged)
}

func TestEnvoy_SharedRouteAnswersAsItsOwnWould(t *testing.T) {
	r := dividedRig(t, division{most: 100, least: 2})
	r.activator(newBackend(t, "activator"))
	r.plain()
	if text := r.tablesText(); !strings.Contains(text, clusterWrongMethod) {
		t.Fatal("no route is shared")
	}
	for _, c := range []struct {
		method, path   string
		status         int
		function, seen string
	}{
		{"GET", "/p/p042?a=b", 200, "p042", "/?a=b"},
		{"GET", "/p/p043", 200, "p043", "/"},
		{"POST", "/p/p043", 200, "p043", "/"},
		{"POST", "/p/p042", 405, "", ""},
		{"DELETE", "/p/p042", 405, "", ""},
		{"OPTIONS", "/p/p042", 405, "", ""},
		{"GET", "/p/p042/", 404, "", ""},
		{"POST", "/p/nobody", 404, "", ""},
		{"DELETE", "/p/nobody", 404, "", ""},
		{"GET", "/", 200, "", ""},
		{"GET", "/router-healthz", 200, "", ""},
	} {
		got := r.do(c.method, c.path, nil)
		if err := wantFunction(got, c.status, c.function, c.seen); err != nil {
			t.Errorf("%s %s: %v", c.method, c.path, err)
		}
		if want := map[int]string{404: textNotFound, 405: textWrongMethod}[c.status]; want != "" && got.body != want {
			t.Errorf("%s %s: %q, want %q", c.method, c.path, got.body, want)
		}
	}
}

// tablesText are all tables, as they were made.
func (r *rig) tablesText() string {
	r.server.catalog.mu.Lock()
	defer r.server.catalog.mu.Unlock()
	text := ""
	for _, t := range r.server.catalog.set[typeScope] {
		text += string(t.body.Value)
	}
	return text
}
