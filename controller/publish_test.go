package controller

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/internal/manifesttest"
	"hotpod.dev/kube"
	"hotpod.dev/wire"
)

// foreignDefinitions are those of others' kinds, in their Go modules.
var foreignDefinitions = map[string]string{
	"sigs.k8s.io/gateway-api@v1.4.0":                              "config/crd/standard/gateway.networking.k8s.io_httproutes.yaml",
	"github.com/openshift/api@v0.0.0-20240830023148-b7d0481c9094": "route/v1/zz_generated.crd-manifests/routes-CustomNoUpgrade.crd.yaml",
}

// define installs a module's definitions on the API server, as the cluster of somebody has them.
func define(t *testing.T, module string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "mod", "download", "-json", module)
	cmd.Dir = t.TempDir()
	text, err := cmd.Output()
	var found struct{ Dir string }
	if err != nil || json.Unmarshal(text, &found) != nil || found.Dir == "" {
		t.Skipf("the definitions are in the Go module %s, which cannot be read (go mod download %s): %v", module, module, err)
	}
	definitions, err := os.ReadFile(filepath.Join(found.Dir, foreignDefinitions[module]))
	if err != nil {
		t.Fatal(err)
	}
	manifesttest.Apply(t, server.Get(t).Config(), manifesttest.Decode(t, string(definitions)))
}

// route makes a route that xds says is served.
func (w *world) route(name, spec string) *v1.HTTPTrigger {
	w.t.Helper()
	r := &v1.HTTPTrigger{ObjectMeta: metav1.ObjectMeta{Name: name}}
	if err := json.Unmarshal([]byte(spec), &r.Spec); err != nil {
		w.t.Fatal(err)
	}
	r.Spec.FunctionReference = v1.FunctionReference{Type: v1.ReferenceName, Name: "f"}
	r, err := w.user.HTTPTriggers(w.ns).Create(w.t.Context(), r, metav1.CreateOptions{})
	w.check(err)
	w.routes.Publish(w.ns+"/"+name, wire.RouteStatus{
		Namespace: w.ns, Name: name, UID: string(r.UID), Generation: r.Generation, State: wire.RouteAcknowledged,
	})
	return r
}

func (w *world) patchRoute(name, patch string) {
	w.t.Helper()
	r, err := w.user.HTTPTriggers(w.ns).Patch(w.t.Context(), name, types.MergePatchType, []byte(patch), metav1.PatchOptions{})
	w.check(err)
	w.routes.Publish(w.ns+"/"+name, wire.RouteStatus{
		Namespace: w.ns, Name: name, UID: string(r.UID), Generation: r.Generation, State: wire.RouteAcknowledged,
	})
}

// published returns the object that publishes the route by the provider, nil when there is none.
func (w *world) published(route, provider string) *unstructured.Unstructured {
	w.t.Helper()
	foreign, err := kube.NewForeign(w.user)
	w.check(err)
	o, err := foreign.Get(w.t.Context(), publishedRef(w.ns, route, provider, "fission"))
	w.check(err)
	return o
}

// specOf is the object's spec as JSON.
func (w *world) specOf(o *unstructured.Unstructured) string {
	w.t.Helper()
	if o == nil {
		w.t.Fatal("nothing is published")
	}
	text, err := json.Marshal(o.Object["spec"])
	w.check(err)
	return string(text)
}

func TestPublish_RouteGetsAnIngressAndLosesItAgain(t *testing.T) {
	w := newWorld(t)
	host := w.ns + ".example.com"
	w.route("old", `{"relativeurl":"/hello","createingress":true,"ingressconfig":{"host":"`+host+`","path":"/hello","tls":"cert","annotations":{"a.example.com/b":"c","kubernetes.io/ingress.class":"nginx"}}}`)
	w.condition("route", "old", v1.ConditionPublished, "True/Published")
	o := w.published("old", providerIngress)
	want := `{"ingressClassName":"nginx","rules":[{"host":"` + host + `","http":{"paths":[{"backend":{"service":{"name":"router","port":{"name":"http"}}},"path":"/hello","pathType":"Exact"}]}}],` +
		`"tls":[{"hosts":["` + host + `"],"secretName":"cert"}]}`
	if got := w.specOf(o); got != want {
		t.Errorf("the Ingress is\n%s\nwant\n%s", got, want)
	}
	if o.GetAnnotations()["a.example.com/b"] != "c" || o.GetAnnotations()[annotationClass] != "" {
		t.Errorf("its annotations are %v", o.GetAnnotations())
	}
	w.route("new", `{"prefix":"/shop/{id}","host":"`+host+`","routeConfig":{"provider":"ingress"}}`)
	w.condition("route", "new", v1.ConditionPublished, "True/Published")
	if got := w.specOf(w.published("new", providerIngress)); !strings.Contains(got, `"path":"/shop/","pathType":"Prefix"`) || !strings.Contains(got, host) {
		t.Errorf("the Ingress of a template is %s", got)
	}
	w.patchRoute("old", `{"spec":{"createingress":false}}`)
	w.eventually("it is not published any more", func() bool { return w.published("old", providerIngress) == nil })
	w.eventually("its condition is gone", func() bool { return find(w.conditions("route", "old"), v1.ConditionPublished) == nil })
	w.condition("route", "old", v1.ConditionReady, "True/Acknowledged")
	w.check(w.user.HTTPTriggers(w.ns).Delete(t.Context(), "new", metav1.DeleteOptions{}))
	w.eventually("it goes with its route", func() bool { return w.published("new", providerIngress) == nil })
}

func TestPublish_SaysWhyItCannot(t *testing.T) {
	w := newWorld(t)
	for name, c := range map[string]struct{ spec, reason, says string }{
		"snippet": {`{"relativeurl":"/a","routeConfig":{"provider":"ingress","annotations":{"nginx.ingress.kubernetes.io/configuration-snippet":"x"}}}`, "InvalidIngressConfig", "configuration of any kind"},
		"host":    {`{"relativeurl":"/a","host":"a.example.com","routeConfig":{"provider":"ingress","hostnames":["b.example.com"]}}`, "InvalidIngressConfig", "answers for host a.example.com only"},
		"invalid": {`{"relativeurl":"/a","routeConfig":{"provider":"ingress","hostnames":["Not_A_Host"]}}`, "InvalidIngressConfig", "spec.rules[0].host"},
	} {
		w.route(name, c.spec)
		if m := w.condition("route", name, v1.ConditionPublished, "False/"+c.reason); !strings.Contains(m, c.says) {
			t.Errorf("%s: the message is %q, want %q", name, m, c.says)
		}
		w.condition("route", name, v1.ConditionReady, "True/Acknowledged")
	}
	// What is somebody else's stays.
	foreign, err := kube.NewForeign(w.user)
	w.check(err)
	theirs := publishedRef(w.ns, "taken", providerIngress, "fission")
	theirs.Object["spec"] = map[string]any{"defaultBackend": map[string]any{"service": map[string]any{"name": "x", "port": map[string]any{"number": int64(1)}}}}
	w.check(foreign.Apply(t.Context(), theirs, "somebody"))
	w.route("taken", `{"relativeurl":"/a","routeConfig":{"provider":"ingress"}}`)
	w.condition("route", "taken", v1.ConditionPublished, "False/PublishConflict")
	w.check(w.user.HTTPTriggers(w.ns).Delete(t.Context(), "taken", metav1.DeleteOptions{}))
	w.patchRoute("host", `{"spec":{"host":""}}`)
	w.condition("route", "host", v1.ConditionPublished, "True/Published")
	if got := w.specOf(w.published("taken", providerIngress)); !strings.Contains(got, "defaultBackend") {
		t.Errorf("somebody's Ingress is %s", got)
	}
}

func TestPublish_ByGatewayAndByOpenShiftsRoute(t *testing.T) {
	w := newWorld(t)
	host := w.ns + ".example.com"
	gateway := `{"prefix":"/shop","routeConfig":{"provider":"gateway","hostnames":["` + host + `"],"gateway":{"parentRefs":[{"name":"g","sectionName":"https","port":443},{"name":"h","namespace":"infra"}]}}}`
	w.route("early", gateway)
	if m := w.condition("route", "early", v1.ConditionPublished, "False/ProviderMissing"); !strings.Contains(m, "HTTPRoute (gateway.networking.k8s.io/v1)") {
		t.Errorf("the message is %q", m)
	}
	for module := range foreignDefinitions {
		define(t, module)
	}
	w.eventually("the kind is served", func() bool {
		w.patchRoute("early", `{"metadata":{"labels":{"again":"`+string(types.UID(metav1.Now().Format("150405.000000")))+`"}}}`)
		return brief(w.conditions("route", "early"), v1.ConditionPublished) == "True/Published"
	})
	want := `{"hostnames":["` + host + `"],"parentRefs":[{"group":"gateway.networking.k8s.io","kind":"Gateway","name":"g","namespace":"` + w.ns + `","port":443,"sectionName":"https"},` +
		`{"group":"gateway.networking.k8s.io","kind":"Gateway","name":"h","namespace":"infra"}],` +
		`"rules":[{"backendRefs":[{"group":"","kind":"Service","name":"router","port":80,"weight":1}],"matches":[{"path":{"type":"PathPrefix","value":"/shop"}}]}]}`
	if got := w.specOf(w.published("early", providerGateway)); got != want {
		t.Errorf("the HTTPRoute is\n%s\nwant\n%s", got, want)
	}

	w.route("open", `{"relativeurl":"/hello","routeConfig":{"provider":"route","hostnames":["`+host+`"],"tls":"cert"}}`)
	w.condition("route", "open", v1.ConditionPublished, "True/Published")
	want = `{"host":"` + host + `","path":"/hello","port":{"targetPort":"http"},"tls":{"externalCertificate":{"name":"cert"},"insecureEdgeTerminationPolicy":"Redirect","termination":"edge"},` +
		`"to":{"kind":"Service","name":"router","weight":100},"wildcardPolicy":"None"}`
	if got := w.specOf(w.published("open", providerRoute)); got != want {
		t.Errorf("the Route is\n%s\nwant\n%s", got, want)
	}
	// Another provider: what was there goes.
	w.patchRoute("open", `{"spec":{"routeConfig":{"provider":"ingress","tls":""}}}`)
	w.eventually("it is published by an Ingress", func() bool { return w.published("open", providerIngress) != nil })
	w.eventually("its Route is gone", func() bool { return w.published("open", providerRoute) == nil })
	w.check(w.user.HTTPTriggers(w.ns).Delete(t.Context(), "early", metav1.DeleteOptions{}))
	w.eventually("the HTTPRoute goes with its route", func() bool { return w.published("early", providerGateway) == nil })
}

func TestOutcome_IsWhatTheServersOfAnObjectSay(t *testing.T) {
	for name, c := range map[string]struct {
		object, address, refusal string
		known                    bool
	}{
		"nobody":                 {`{"kind":"Ingress"}`, "", "", false},
		"an Ingress's host":      {`{"kind":"Ingress","status":{"loadBalancer":{"ingress":[{"hostname":"lb.example.com"}]}}}`, "lb.example.com", "", true},
		"an Ingress's address":   {`{"kind":"Ingress","status":{"loadBalancer":{"ingress":[{"ip":"192.0.2.1"}]}}}`, "192.0.2.1", "", true},
		"an accepted HTTPRoute":  {`{"kind":"HTTPRoute","status":{"parents":[{"conditions":[{"type":"Accepted","status":"True"}]}]}}`, "", "", true},
		"a refused HTTPRoute":    {`{"kind":"HTTPRoute","status":{"parents":[{"conditions":[{"type":"Accepted","status":"False","reason":"NotAllowedByListeners","message":"no"}]}]}}`, "", "NotAllowedByListeners: no", true},
		"an admitted Route":      {`{"kind":"Route","status":{"ingress":[{"host":"a.apps.example.com","conditions":[{"type":"Admitted","status":"True"}]}]}}`, "a.apps.example.com", "", true},
		"a Route that came late": {`{"kind":"Route","status":{"ingress":[{"host":"a","conditions":[{"type":"Admitted","status":"False","reason":"HostAlreadyClaimed","message":"b"}]}]}}`, "a", "HostAlreadyClaimed: b", true},
	} {
		o := &unstructured.Unstructured{}
		if err := json.Unmarshal([]byte(c.object), &o.Object); err != nil {
			t.Fatal(err)
		}
		if address, refusal, known := outcome(o); address != c.address || refusal != c.refusal || known != c.known {
			t.Errorf("%s: %q, %q, %v", name, address, refusal, known)
		}
	}
}
