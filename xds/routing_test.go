package xds

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/types"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/wire"
)

// rigWithRoutes has a function for each route, and one activator that answers for all.
func rigWithRoutes(t *testing.T, routes map[string]v1.HTTPTriggerSpec) *rig {
	t.Helper()
	r := newRig(t)
	pod := newBackend(t, "pod")
	r.activator(pod)
	for _, name := range slices.Sorted(maps.Keys(routes)) {
		if routes[name].FunctionReference.Type == "" {
			r.function(name)
		}
		r.route(name, routes[name])
	}
	return r
}

func TestEnvoy_RoutesAndRewritesPaths(t *testing.T) {
	r := rigWithRoutes(t, map[string]v1.HTTPTriggerSpec{
		"exact":    {RelativeURL: "/exact"},
		"slash":    {RelativeURL: "/slash/"},
		"subtree":  {Prefix: new("/sub")},
		"kept":     {Prefix: new("/kept"), KeepPrefix: true},
		"below":    {Prefix: new("/below/")},
		"template": {RelativeURL: "/user/{id}/{what:[a-z]+}"},
		"tree":     {Prefix: new("/tree/{id}")},
		"space":    {RelativeURL: "/with space/café"},
		"hosted":   {RelativeURL: "/exact", Host: "shop.example:8080"},
		"post":     {RelativeURL: "/post", Methods: []string{"POST", "PUT"}},
	})
	for _, c := range []struct {
		name, method, path string
		header             []string
		status             int
		function, seen     string
	}{
		{"exact path becomes /", "GET", "/exact", nil, 200, "exact", "/"},
		{"query is kept and does not matter", "GET", "/exact?a=1&b=%2F/x", nil, 200, "exact", "/?a=1&b=%2F/x"},
		{"a question mark alone", "GET", "/exact?", nil, 200, "exact", "/?"},
		{"case matters", "GET", "/Exact", nil, 404, "", ""},
		{"a slash more is another path", "GET", "/exact/", nil, 404, "", ""},
		{"a slash less is another path", "GET", "/slash", nil, 404, "", ""},
		{"a longer name is another path", "GET", "/exacter", nil, 404, "", ""},
		{"needless escapes are undone", "GET", "/%65xact", nil, 200, "exact", "/"},
		{"dots are resolved", "GET", "/a/../exact", nil, 200, "exact", "/"},
		{"escaped dots too", "GET", "/a/%2e%2E/exact", nil, 200, "exact", "/"},
		{"double slashes are kept", "GET", "//exact", nil, 404, "", ""},
		{"subtree itself", "GET", "/sub", nil, 200, "subtree", "/"},
		{"subtree with a slash", "GET", "/sub/?x", nil, 200, "subtree", "/?x"},
		{"below the subtree", "GET", "/sub/a/b?x=/y", nil, 200, "subtree", "/a/b?x=/y"},
		{"double slash below", "GET", "/sub//a", nil, 200, "subtree", "//a"},
		{"escapes below are kept", "GET", "/sub/a%2Fb%20c", nil, 200, "subtree", "/a%2Fb%20c"},
		{"beside the subtree", "GET", "/subway", nil, 404, "", ""},
		{"out of the subtree by dots", "GET", "/sub/../secret", nil, 404, "", ""},
		{"kept prefix", "GET", "/kept/a?x", nil, 200, "kept", "/kept/a?x"},
		{"kept prefix itself", "GET", "/kept", nil, 200, "kept", "/kept"},
		{"only below", "GET", "/below/x", nil, 200, "below", "/x"},
		{"not the prefix without its slash", "GET", "/below", nil, 404, "", ""},
		{"template", "GET", "/user/7/name?x=1", nil, 200, "template", "/?x=1"},
		{"template with an escaped slash", "GET", "/user/a%2Fb/name", nil, 200, "template", "/"},
		{"template's expression", "GET", "/user/7/NAME", nil, 404, "", ""},
		{"template matches whole paths", "GET", "/user/7/name/x", nil, 404, "", ""},
		{"subtree template keeps the path", "GET", "/tree/7/x", nil, 200, "tree", "/tree/7/x"},
		{"subtree template itself", "GET", "/tree/7", nil, 200, "tree", "/tree/7"},
		{"space and accent, escaped", "GET", "/with%20space/caf%C3%A9", nil, 200, "space", "/"},
		{"the host's own route", "GET", "/exact", []string{"Host", "shop.example:8080"}, 200, "hosted", "/"},
		{"host without the port is another", "GET", "/exact", []string{"Host", "shop.example"}, 200, "exact", "/"},
		{"one of the methods", "PUT", "/post", nil, 200, "post", "/"},
		{"another method", "GET", "/post", nil, 405, "", ""},
		{"HEAD is not GET", "HEAD", "/exact", nil, 405, "", ""},
		{"internal paths are not public", "GET", "/fission-function/exact", nil, 404, "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := r.do(c.method, c.path, nil, c.header...)
			id, _ := wire.ParseFunctionID(got.seen.Header.Get(wire.HeaderFunction))
			if got.err != nil || got.status != c.status || id.Name != c.function || got.seen.Path != c.seen {
				t.Errorf("%s %s: %d from %q as %q (%v), want %d from %q as %q", c.method, c.path, got.status, id.Name, got.seen.Path, got.err, c.status, c.function, c.seen)
			}
			if got.header.Get("X-Content-Type-Options") != "nosniff" || got.header.Get("Vary") != "Origin" ||
				(got.header.Get(wire.HeaderRequestID) == "") != (c.status == 200) { // the pod tells it where there is one
				t.Errorf("response headers: %v", got.header)
			}
			if want := map[int]string{404: "404 page not found\n", 405: "405 method not allowed\n"}[c.status]; want != "" && c.method != "HEAD" && got.body != want {
				t.Errorf("body %q", got.body)
			}
		})
	}
}

func TestEnvoy_GivesFunctionsTheHeadersOfTheContract(t *testing.T) {
	r := rigWithRoutes(t, map[string]v1.HTTPTriggerSpec{"f": {RelativeURL: "/f"}, "t": {RelativeURL: "/t/{id:[%a-z0-9]+}"}})
	got := r.get("/f?x=1",
		"x-hotpod-function", "evil", "x-hotpod-wait", "1", "X_Hotpod_Function", "evil", "x-hotpod-path", "/t/a",
		"x-fission-params-id", "evil", "x-fission-function-name", "evil", "X_Fission_Params_Id", "evil", "x-fission-full-url", "/evil",
		"x-envoy-max-retries", "0", "x-envoy-retry-on", "5xx", "X-Fission-Invoke-Mode", "sync", "X-Fission-Debug", "true",
		"X-Fission-Request-ID", "mine 1", "X-Request-Id", "client-id", "traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "X-Mine", "yes")
	if err := got.want(http.StatusOK, "pod"); err != nil {
		t.Fatal(err)
	}
	h := got.seen.Header
	for name, want := range map[string]string{
		"X-Hotpod-Wait": "", "X_Hotpod_Function": "", "X-Hotpod-Path": "", "X-Hotpod-Template": "", "X-Fission-Params-Id": "", "X-Fission-Function-Name": "",
		"X_Fission_Params_Id": "", "X-Fission-Full-Url": "/f?x=1", "X-Envoy-Max-Retries": "", "X-Envoy-Retry-On": "",
		"X-Envoy-External-Address": "", "X-Envoy-Original-Path": "", "X-Envoy-Expected-Rq-Timeout-Ms": "",
		"X-Fission-Invoke-Mode": "sync", "X-Fission-Debug": "true", "X-Fission-Request-Id": "mine 1", "X-Request-Id": "client-id",
		"Traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "X-Mine": "yes", "X-Forwarded-Proto": "http",
		"Host": r.addr(wire.PortPublic),
	} {
		if got := strings.Join(h.Values(name), ","); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if id, ok := wire.ParseFunctionID(h.Get(wire.HeaderFunction)); !ok || id.Name != "f" || id.Namespace != "default" || !strings.HasPrefix(id.UID, "f-") || len(h.Values(wire.HeaderFunction)) != 1 {
		t.Errorf("x-hotpod-function: %q", h.Values(wire.HeaderFunction))
	}
	if got.header.Get("Server") != "" || got.header.Get("X-Envoy-Upstream-Service-Time") != "" {
		t.Errorf("response headers: %v", got.header)
	}
	if got := r.get("/t/a%25b").seen.Header.Get(wire.HeaderTemplate); got != "/t/{id:[%a-z0-9]+}" {
		t.Errorf("template header %q", got)
	}
}

// Pods and activators decide what a request is known by; Envoy does for what it answers itself.
func TestEnvoy_TellsTheIDOfWhatItAnswersItself(t *testing.T) {
	r := rigWithRoutes(t, map[string]v1.HTTPTriggerSpec{"f": {RelativeURL: "/f"}})
	for name, c := range map[string]struct {
		header []string
		want   string
	}{
		"none": {nil, ""}, "fission's": {[]string{"X-Fission-Request-ID", "mine", "X-Request-Id", "usual"}, "mine"},
		"the usual one": {[]string{"X-Request-Id", "usual"}, "usual"}, "too long": {[]string{"X-Request-Id", strings.Repeat("x", 193)}, strings.Repeat("x", 192)},
	} {
		for _, path := range []string{"/nobody", "/router-healthz", "/_version"} {
			got := r.get(path, c.header...).header.Get(wire.HeaderRequestID)
			if c.want == "" && len(got) != 36 || c.want != "" && got != c.want {
				t.Errorf("%s, %s: the client gets %q", path, name, got)
			}
		}
		if got := r.do("POST", "/f", nil, c.header...); got.status != http.StatusMethodNotAllowed || got.header.Get(wire.HeaderRequestID) == "" {
			t.Errorf("%s, a wrong method: %d %v", name, got.status, got.header)
		}
	}
}

func TestEnvoy_AnswersCrossOriginRequests(t *testing.T) {
	r := rigWithRoutes(t, map[string]v1.HTTPTriggerSpec{
		"listed": {RelativeURL: "/listed", Methods: []string{"POST"}, CorsConfig: &v1.CorsConfig{
			AllowOrigins: []string{"https://a.example"}, AllowHeaders: []string{"X-A"}, ExposeHeaders: []string{"X-B"}, AllowCredentials: true, MaxAge: "60",
		}},
		"any":    {RelativeURL: "/any", CorsConfig: &v1.CorsConfig{AllowOrigins: []string{"*"}}},
		"denied": {RelativeURL: "/denied", CorsConfig: &v1.CorsConfig{}},
		"plain":  {RelativeURL: "/plain"},
	})
	for _, c := range []struct {
		name, method, path, origin string
		preflight                  bool
		status                     int
		want                       map[string]string
	}{
		{"preflight of a listed origin", "OPTIONS", "/listed", "https://a.example", true, 204, map[string]string{"Allow-Origin": "https://a.example", "Allow-Methods": "POST", "Allow-Headers": "X-A", "Allow-Credentials": "true", "Max-Age": "60"}},
		{"preflight of another origin", "OPTIONS", "/listed", "https://b.example", true, 403, nil},
		{"request of a listed origin", "POST", "/listed", "https://a.example", false, 200, map[string]string{"Allow-Origin": "https://a.example", "Expose-Headers": "X-B", "Allow-Credentials": "true"}},
		{"request of another origin", "POST", "/listed", "https://b.example", false, 200, nil},
		{"preflight of any origin", "OPTIONS", "/any", "https://b.example", true, 204, map[string]string{"Allow-Origin": "*", "Allow-Methods": "GET"}},
		{"request of any origin", "GET", "/any", "https://b.example", false, 200, map[string]string{"Allow-Origin": "*"}},
		{"OPTIONS that is no preflight", "OPTIONS", "/any", "", false, 200, nil},
		{"no origin allowed", "OPTIONS", "/denied", "https://a.example", true, 403, nil},
		{"without settings OPTIONS is a method like others", "OPTIONS", "/plain", "https://a.example", true, 405, nil},
		{"the platform's own paths", "OPTIONS", "/router-healthz", "https://a.example", true, 403, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			var header []string
			if c.origin != "" {
				header = append(header, "Origin", c.origin)
			}
			if c.preflight {
				header = append(header, "Access-Control-Request-Method", "POST")
			}
			got := r.do(c.method, c.path, nil, header...)
			if got.err != nil || got.status != c.status {
				t.Fatalf("status %d, %v", got.status, got.err)
			}
			if c.status == http.StatusForbidden && got.body != "cross-origin requests not permitted\n" {
				t.Errorf("body %q", got.body)
			}
			for _, name := range []string{"Allow-Origin", "Allow-Methods", "Allow-Headers", "Allow-Credentials", "Expose-Headers", "Max-Age"} {
				if is := got.header.Get("Access-Control-" + name); is != c.want[name] {
					t.Errorf("Access-Control-%s: %q, want %q", name, is, c.want[name])
				}
			}
		})
	}
}

func TestEnvoy_AnswersThePlatformsOwnPaths(t *testing.T) {
	r := rigWithRoutes(t, map[string]v1.HTTPTriggerSpec{"anything": {RelativeURL: "/{x:.*}"}, "home": {RelativeURL: "/", Methods: []string{"POST"}}})
	for path, status := range map[string]int{"/router-healthz": 200, "/readyz": 200, "/_version": 200, "/": 200} {
		if err := r.get(path).want(status, ""); err != nil && path != "/" {
			t.Errorf("%s: %v", path, err)
		}
	}
	if err := r.do("POST", "/", nil).want(http.StatusOK, "pod"); err != nil {
		t.Errorf("a route for another method of /: %v", err)
	}
	if err := r.do("DELETE", "/readyz", nil).want(http.StatusMethodNotAllowed, ""); err != nil {
		t.Error(err)
	}
	if err := r.get("/fission-function/anything").want(http.StatusNotFound, ""); err != nil {
		t.Errorf("a template must not open the internal paths: %v", err)
	}
	var version struct {
		Build      struct{ Version, GitCommit, BuildDate string }
		ServerTime struct{ Timezone, CurrentTime string }
	}
	if err := json.Unmarshal([]byte(r.get("/_version").body), &version); err != nil || version.Build.Version != "v1.2.3" || len(version.ServerTime.CurrentTime) < 20 {
		t.Errorf("/_version: %+v, %v", version, err)
	}
}

func TestEnvoy_ServesFunctionsByNameInternally(t *testing.T) {
	r := rigWithRoutes(t, nil)
	r.function("hello")
	r.function("other") // also the name of a namespace
	r.tell(func(s *Server) {
		for _, name := range []string{"f", "hello"} {
			f := &v1.Function{}
			f.Namespace, f.Name, f.UID = "other", name, types.UID("other-"+name)
			s.SetFunction(f)
		}
	})
	r.eventually("the functions are there", func() error { return r.internal("/fission-function/other/f").want(http.StatusOK, "pod") })
	for path, want := range map[string][2]string{
		"/fission-function/hello?x=1":               {"default/hello", "/?x=1"},
		"/fission-function/hello/":                  {"default/hello", "/"},
		"/fission-function/hello/a/b":               {"default/hello", "/a/b"},
		"/fission-function/hello//a":                {"default/hello", "//a"},
		"/fission-function/default/hello":           {"default/hello", "/"},
		"/fission-function/default/hello/a?fission": {"default/hello", "/a?fission"},
		"/fission-function/other/f/a":               {"other/f", "/a"},
		"/fission-function/other/g/a":               {"default/other", "/g/a"},
		"/fission-function/other/fg":                {"default/other", "/fg"},
		"/fission-function/other":                   {"default/other", "/"},
	} {
		got := r.internal(path)
		id, _ := wire.ParseFunctionID(got.seen.Header.Get(wire.HeaderFunction))
		if got.err != nil || got.status != 200 || id.Namespace+"/"+id.Name != want[0] || got.seen.Path != want[1] {
			t.Errorf("%s: %d from %s/%s as %s (%v), want %v", path, got.status, id.Namespace, id.Name, got.seen.Path, got.err, want)
		}
	}
	for _, path := range []string{"/fission-function/none", "/fission-function/none/x", "/fission-function/helloo", "/fission-function/default/none", "/fission-function/", "/hello", "/"} {
		got := r.internal(path)
		if err := got.want(http.StatusNotFound, ""); err != nil || got.header.Get("X-Fission-Route-Miss") != "1" || got.body != "404 page not found\n" {
			t.Errorf("%s: %v, headers %v, body %q", path, err, got.header, got.body)
		}
	}
	for _, method := range []string{"POST", "DELETE", "OPTIONS"} {
		if err := call(method, "http://"+r.addr(wire.PortInternal)+"/fission-function/hello", nil).want(http.StatusOK, "pod"); err != nil {
			t.Errorf("%s: %v", method, err)
		}
	}
	if err := r.internal("/router-healthz").want(http.StatusOK, ""); err != nil {
		t.Error(err)
	}
}

func TestEnvoy_SharesRequestsByWeight(t *testing.T) {
	r := newRig(t)
	a, b := newBackend(t, "a"), newBackend(t, "b")
	r.activator(a)
	r.hot(r.function("a"), 1, a)
	r.hot(r.function("b"), 1, b)
	r.function("unused")
	r.route("w", v1.HTTPTriggerSpec{RelativeURL: "/w", FunctionReference: v1.FunctionReference{
		Type: v1.ReferenceWeights, FunctionWeights: map[string]int{"a": 75, "b": 25, "unused": 0},
	}})
	count := map[string]int{}
	for range 400 {
		got := r.get("/w")
		id, _ := wire.ParseFunctionID(got.seen.Header.Get(wire.HeaderFunction))
		if got.status != http.StatusOK || id.Name != got.seen.Backend {
			t.Fatalf("%d from %s for function %s", got.status, got.seen.Backend, id.Name)
		}
		count[id.Name]++
	}
	if count["a"] < 240 || count["b"] < 50 {
		t.Errorf("shares %v", count)
	}
}
