package controller

import (
	"context"
	"log/slog"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/feed"
	"hotpod.dev/internal/kubetest"
	"hotpod.dev/internal/manifesttest"
	"hotpod.dev/kube"
	"hotpod.dev/wire"
)

var server kubetest.Shared

func TestMain(m *testing.M) { os.Exit(server.Main(m)) }

// serviceTarget is what functions' Services are aliases of.
const serviceTarget = "router-services.fission.svc.cluster.local"

// world is a controller at work with the rights that the manifests give it, and everything around it.
type world struct {
	t         *testing.T
	ns        string
	user      *kube.Clients // an administrator
	functions *feed.Topic[wire.FunctionStatus]
	pools     *feed.Topic[wire.PoolStatus]
	routes    *feed.Topic[wire.RouteStatus]
}

func newWorld(t *testing.T) *world {
	t.Helper()
	s := server.Get(t)
	manifesttest.Apply(t, s.Config(), manifesttest.Render(t, "kubernetes", nil))
	w := &world{t: t, ns: s.Namespace(t), functions: feed.NewTopic[wire.FunctionStatus](), pools: feed.NewTopic[wire.PoolStatus](), routes: feed.NewTopic[wire.RouteStatus]()}
	manifesttest.Apply(t, s.Config(), manifesttest.Decode(t, `
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: hotpod-controller, namespace: `+w.ns+`}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: hotpod-controller-functions}
subjects: [{kind: ServiceAccount, name: controller, namespace: fission}]
`))
	w.user = clientsOf(t, s.Config())
	account := s.Config()
	account.Impersonate = rest.ImpersonationConfig{
		UserName: "system:serviceaccount:fission:controller",
		Groups:   []string{"system:serviceaccounts", "system:serviceaccounts:fission", "system:authenticated"},
	}
	conn := w.serve()
	c, err := New(Config{
		Clients: clientsOf(t, account), FunctionNamespace: "fission-function", ServiceTarget: serviceTarget, Publish: "router", Platform: "fission", Autoscalers: []*grpc.ClientConn{conn}, XDS: feed.NewReplicas(strings.TrimPrefix(conn.Target(), "passthrough:///")),
		Log: slog.New(slog.NewTextHandler(t.Output(), nil)), Registerer: prometheus.NewRegistry(),
	})
	if err != nil {
		t.Fatal(err)
	}
	w.run(c)
	return w
}

func clientsOf(t *testing.T, config *rest.Config) *kube.Clients {
	t.Helper()
	clients, err := kube.NewClients(config)
	if err != nil {
		t.Fatal(err)
	}
	return clients
}

// serve plays autoscaler and xds.
func (w *world) serve() *grpc.ClientConn {
	w.t.Helper()
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		w.t.Fatal(err)
	}
	srv := feed.NewServer(feed.ServerCodec())
	feed.RegisterFunctionStatus(srv, w.functions)
	feed.RegisterPoolStatus(srv, w.pools)
	feed.RegisterRouteStatus(srv, w.routes)
	go func() { _ = srv.Serve(lis) }()
	w.t.Cleanup(srv.Stop)
	conn, err := feed.Dial(lis.Addr().String())
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = conn.Close() })
	return conn
}

func (w *world) run(c *Controller) {
	w.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- c.Run(ctx) }()
	w.t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			w.t.Errorf("Run: %v", err)
		}
	})
	w.eventually("the controller is ready", func() bool { return c.Ready() == nil })
}

func (w *world) eventually(what string, holds func() bool) {
	w.t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			w.t.Fatalf("waited in vain until %s", what)
		}
	}
}

// condition waits until an object's condition is as wanted ("Status/Reason") and returns its message.
func (w *world) condition(kind, name, condition, want string) string {
	w.t.Helper()
	got, message := "", ""
	defer func() {
		if w.t.Failed() {
			w.t.Logf("%s %s: %s is %s: %s", kind, name, condition, got, message)
		}
	}()
	w.eventually(kind+" "+name+" has "+condition+" "+want, func() bool {
		conditions := w.conditions(kind, name)
		got = brief(conditions, condition)
		if c := find(conditions, condition); c != nil {
			message = c.Message
		}
		return got == want
	})
	return message
}

func (w *world) conditions(kind, name string) []metav1.Condition {
	w.t.Helper()
	ctx, o := w.t.Context(), metav1.GetOptions{}
	switch kind {
	case "package":
		p, err := w.user.Packages(w.ns).Get(ctx, name, o)
		w.check(err)
		return p.Status.Conditions
	case "function":
		f, err := w.user.Functions(w.ns).Get(ctx, name, o)
		w.check(err)
		return f.Status.Conditions
	case "environment":
		e, err := w.user.Environments(w.ns).Get(ctx, name, o)
		w.check(err)
		return e.Status.Conditions
	default:
		r, err := w.user.HTTPTriggers(w.ns).Get(ctx, name, o)
		w.check(err)
		return r.Status.Conditions
	}
}

func (w *world) check(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// pkg makes the package p.
func (w *world) pkg(code string) *v1.Package {
	w.t.Helper()
	p := &v1.Package{ObjectMeta: metav1.ObjectMeta{Name: "p"}, Spec: v1.PackageSpec{Environment: v1.EnvironmentReference{Name: "node"}}}
	if code != "" {
		p.Spec.Deployment = v1.Archive{Type: v1.ArchiveLiteral, Literal: []byte(code)}
	}
	p, err := w.user.Packages(w.ns).Create(w.t.Context(), p, metav1.CreateOptions{})
	w.check(err)
	return p
}

func (w *world) env(name string, poolsize int) *v1.Environment {
	w.t.Helper()
	e := &v1.Environment{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: v1.EnvironmentSpec{Version: 3, Poolsize: poolsize, Runtime: v1.Runtime{Image: "fission/node-env"}}}
	e, err := w.user.Environments(w.ns).Create(w.t.Context(), e, metav1.CreateOptions{})
	w.check(err)
	return e
}

// fn makes a function of the package p at that version.
func (w *world) fn(name, version string) *v1.Function {
	w.t.Helper()
	f := &v1.Function{ObjectMeta: metav1.ObjectMeta{Name: name}}
	f.Spec.Environment.Name = "node"
	f.Spec.Package.PackageRef = v1.PackageRef{Name: "p", ResourceVersion: version}
	f, err := w.user.Functions(w.ns).Create(w.t.Context(), f, metav1.CreateOptions{})
	w.check(err)
	return f
}

func (w *world) change(code string) *v1.Package {
	w.t.Helper()
	p, err := w.user.Packages(w.ns).Get(w.t.Context(), "p", metav1.GetOptions{})
	w.check(err)
	p.Spec.Deployment = v1.Archive{Type: v1.ArchiveLiteral, Literal: []byte(code)}
	p, err = w.user.Packages(w.ns).Update(w.t.Context(), p, metav1.UpdateOptions{})
	w.check(err)
	return p
}
