package manifests

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/cli"
	"hotpod.dev/internal/manifesttest"
	"hotpod.dev/kube"
)

// user is an ordinary one, who works by the command line.
type user struct {
	t          *testing.T
	name       string
	kubeconfig string
}

// newUser returns one who may do nothing. On an OpenShift, users may request projects, of which they are administrators a moment
// later; here the test plays it.
func newUser(t *testing.T, name string, openshift bool) *user {
	t.Helper()
	config := server.Get(t).Config()
	config.Impersonate = rest.ImpersonationConfig{UserName: name, Groups: []string{"system:authenticated"}}
	transport, err := rest.TransportFor(config)
	if err != nil {
		t.Fatal(err)
	}
	target, err := url.Parse(config.Host)
	if err != nil {
		t.Fatal(err)
	}
	u := &user{t: t, name: name, kubeconfig: filepath.Join(t.TempDir(), "kubeconfig")}
	proxy := &httputil.ReverseProxy{Transport: transport, Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target) }}
	mux := http.NewServeMux()
	mux.Handle("/", proxy)
	if openshift {
		mux.HandleFunc("GET /apis/project.openshift.io/v1", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, `{"kind":"APIResourceList","apiVersion":"v1","groupVersion":"project.openshift.io/v1","resources":[]}`)
		})
		mux.HandleFunc("POST /apis/project.openshift.io/v1/projectrequests", u.grantProject)
	}
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	text := fmt.Sprintf(`{apiVersion: v1, kind: Config, current-context: c, clusters: [{name: c, cluster: {server: %q}}],
users: [{name: c, user: {}}], contexts: [{name: c, context: {cluster: c, user: c}}]}`, s.URL)
	if err := os.WriteFile(u.kubeconfig, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return u
}

// grantProject answers a ProjectRequest.
func (u *user) grantProject(w http.ResponseWriter, r *http.Request) {
	text, err := io.ReadAll(r.Body)
	if err != nil {
		u.t.Error(err)
		return
	}
	name := manifesttest.Decode(u.t, string(text))[0].GetName()
	config := server.Get(u.t).Config()
	manifesttest.Apply(u.t, config, manifesttest.Decode(u.t, "apiVersion: v1\nkind: Namespace\nmetadata: {name: "+name+"}\n"))
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusCreated)
	_, _ = w.Write(text)
	go u.administers(name) // rights come a moment later
}

// administers binds what the role admin consists of once the cluster has aggregated it.
func (u *user) administers(namespace string) {
	var text strings.Builder
	for _, role := range []string{
		"system:aggregate-to-admin", "system:aggregate-to-edit", "system:aggregate-to-view", "hotpod-admin", "hotpod-edit", "hotpod-view",
	} {
		fmt.Fprintf(&text, `---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: "test:%s", namespace: %s}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: "%s"}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: %s}]
`, strings.ReplaceAll(role, ":", "-"), namespace, role, u.name)
	}
	manifesttest.Apply(u.t, server.Get(u.t).Config(), manifesttest.Decode(u.t, text.String()))
}

// hotpod runs the command and returns its exit code and what it said.
func (u *user) hotpod(args ...string) (int, string) {
	u.t.Helper()
	ctx, cancel := context.WithTimeout(u.t.Context(), 2*time.Minute)
	defer cancel()
	var out bytes.Buffer
	code := cli.Run(ctx, cli.Config{
		In: strings.NewReader(""), Out: &out, Err: &out, Getenv: func(string) string { return "" }, Executable: "/nonexistent/hotpod",
	}, append(args, "--kubeconfig", u.kubeconfig))
	return code, out.String()
}

// does runs the command, which must succeed and say that.
func (u *user) does(says string, args ...string) {
	u.t.Helper()
	if code, out := u.hotpod(args...); code != 0 || !strings.Contains(out, says) {
		u.t.Fatalf("hotpod %s: exit code %d, want 0 and %q:\n%s", strings.Join(args, " "), code, says, out)
	}
}

// fails is the opposite of does.
func (u *user) fails(says string, args ...string) {
	u.t.Helper()
	if code, out := u.hotpod(args...); code == 0 || !strings.Contains(out, says) {
		u.t.Fatalf("hotpod %s: exit code %d, want a failure and %q:\n%s", strings.Join(args, " "), code, says, out)
	}
}

// A user of an OpenShift who is no administrator of the cluster has a project of their own, and everything in it.
func TestTenant_OfAProjectUserNeedsNoAdministrator(t *testing.T) {
	install(t)
	u := newUser(t, "developer", true)
	name := strings.ReplaceAll(server.Get(t).Namespace(t), "_", "-") + "-p"
	code := filepath.Join(t.TempDir(), "hello.js")
	if err := os.WriteFile(code, []byte("module.exports = async () => ({status: 200, body: 'hello'})"), 0o600); err != nil {
		t.Fatal(err)
	}
	u.does(fmt.Sprintf("project %q requested\ntenant %q created", name, name), "tenant", "create", name)
	u.does("tenant", "tenant", "create", name) // again
	u.does("TENANT  functions can live", "tenant", "describe", name)
	u.does(name, "tenant", "list", "-n", name)
	u.does("created", "env", "create", "--name", "nodejs", "--image", "example.com/node-env", "-n", name)
	u.does("created", "function", "create", "--name", "hello", "--env", "nodejs", "--code", code, "--service", "--no-wait", "-n", name)
	u.does("created", "route", "create", "--name", "hello", "--url", "/"+name, "--function", "hello", "--no-wait", "-n", name)

	// The parts may work there.
	f, err := as(t, "controller").Functions(name).Get(t.Context(), "hello", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if err := kube.ApplyStatus(t.Context(), as(t, "controller").Functions(name), f, v1.FunctionStatus{}); err != nil {
		t.Error(err)
	}
	if _, err := kube.NewCluster(as(t, "autoscaler")).CreatePod(t.Context(), restricted(name)); err != nil {
		t.Error(err)
	}

	u.fails("has functions", "tenant", "delete", name)
	u.does("deleted", "tenant", "delete", name, "--force")
	u.does("NOT A TENANT", "tenant", "describe", name)
	if _, err := kube.NewCluster(as(t, "autoscaler")).CreatePod(t.Context(), restricted(name)); err == nil {
		t.Error("the autoscaler makes pods where there is no tenant any more")
	}
}

func TestTenant_OfSomebodyElseIsLeftAlone(t *testing.T) {
	install(t)
	s := server.Get(t)
	u := newUser(t, "stranger", false)
	u.fails("role admin", "tenant", "create", s.Namespace(t))

	// Whoever may bind the parts' roles may bind no other.
	mine := s.Namespace(t)
	u.administers(mine)
	u.does("created", "tenant", "create", mine)
	config := s.Config()
	config.Impersonate = rest.ImpersonationConfig{UserName: u.name, Groups: []string{"system:authenticated"}}
	clients, err := kube.NewClients(config)
	if err != nil {
		t.Fatal(err)
	}
	foreign, err := kube.NewForeign(clients)
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range manifesttest.Decode(t, `
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: more, namespace: `+mine+`}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: cluster-admin}
subjects: [{kind: ServiceAccount, name: default, namespace: `+mine+`}]
`) {
		if err := foreign.Apply(t.Context(), o, "test"); err == nil {
			t.Error("an administrator of a namespace binds cluster-admin")
		}
	}
}
