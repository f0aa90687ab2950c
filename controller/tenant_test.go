package controller

import (
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/internal/kubetest"
	"hotpod.dev/internal/manifesttest"
	"hotpod.dev/kube"
	"hotpod.dev/manifests/tenant"
)

// tenantWorld is a controller that looks after tenants, with the rights that the manifests give it, on a server of its own: they are
// rights in the whole cluster.
func tenantWorld(t *testing.T) *world {
	t.Helper()
	s := kubetest.Start(t, kubetest.Options{CRDs: []string{}})
	manifesttest.Apply(t, s.Config(), manifesttest.Render(t, "kubernetes", nil))
	text, err := os.ReadFile(filepath.Join(manifesttest.Root(t), "manifests", "bylabel", "rights.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	manifesttest.Apply(t, s.Config(), manifesttest.Decode(t, string(text)))
	account := s.Config()
	account.Impersonate = rest.ImpersonationConfig{
		UserName: "system:serviceaccount:fission:controller",
		Groups:   []string{"system:serviceaccounts", "system:serviceaccounts:fission", "system:authenticated"},
	}
	w := &world{t: t, user: clientsOf(t, s.Config())}
	c, err := New(Config{
		Clients: clientsOf(t, account), Tenants: true, Platform: "fission",
		Log: slog.New(slog.NewTextHandler(t.Output(), nil)), Registerer: prometheus.NewRegistry(),
	})
	if err != nil {
		t.Fatal(err)
	}
	w.run(c)
	return w
}

// tenantObjects counts what a namespace has of what a tenant has.
func (w *world) tenantObjects(namespace string) (there, wanted int) {
	w.t.Helper()
	foreign, err := kube.NewForeign(w.user)
	w.check(err)
	objects, err := tenant.Objects(namespace, "fission", "")
	w.check(err)
	for _, o := range objects {
		found, err := foreign.Get(w.t.Context(), o)
		w.check(err)
		if found != nil {
			there++
		}
	}
	return there, len(objects)
}

func (w *world) namespace(name string) {
	w.t.Helper()
	_, err := w.user.Namespaces().Create(w.t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}, metav1.CreateOptions{})
	w.check(err)
}

func (w *world) label(namespace, value string) {
	w.t.Helper()
	_, err := w.user.Namespaces().Patch(w.t.Context(), namespace, types.MergePatchType,
		[]byte(`{"metadata":{"labels":{"`+tenant.Label+`":`+value+`}}}`), metav1.PatchOptions{})
	w.check(err)
}

func (w *world) tenantIs(name, want string) {
	w.t.Helper()
	w.eventually("tenant "+name+" is "+want, func() bool {
		d, err := w.user.FissionTenants().Get(w.t.Context(), name, metav1.GetOptions{})
		w.check(err)
		return brief(d.Status.Conditions, v1.ConditionReady) == want
	})
}

// whole waits until a namespace has all or nothing of a tenant.
func (w *world) whole(namespace string, all bool) {
	w.t.Helper()
	w.eventually("namespace "+namespace+" has all or nothing", func() bool {
		there, wanted := w.tenantObjects(namespace)
		return there == wanted && all || there == 0 && !all
	})
}

func TestTenants_AreMadeByObjectAndByLabelWhileTheControllerRuns(t *testing.T) {
	if testing.Short() {
		t.Skip("starts an API server of its own")
	}
	w := tenantWorld(t)
	d := &v1.FissionTenant{ObjectMeta: metav1.ObjectMeta{Name: "team"}, Spec: v1.FissionTenantSpec{Namespace: "team"}}
	_, err := w.user.FissionTenants().Create(t.Context(), d, metav1.CreateOptions{})
	w.check(err)
	w.tenantIs("team", "False/NamespaceNotFound")
	w.namespace("team")
	w.tenantIs("team", "True/Available")
	w.whole("team", true)

	w.namespace("plain")
	w.label("plain", `"true"`)
	w.whole("plain", true)
	w.label("plain", "null")
	w.whole("plain", false)

	// What somebody else brought stays.
	w.namespace("theirs")
	foreign, err := kube.NewForeign(w.user)
	w.check(err)
	objects, err := tenant.Objects("theirs", "fission", "somebody")
	w.check(err)
	for _, o := range objects {
		w.check(foreign.Apply(t.Context(), o, "somebody"))
	}
	w.label("theirs", `"true"`)
	w.label("theirs", "null")
	w.check(w.user.FissionTenants().Delete(t.Context(), "team", metav1.DeleteOptions{}))
	w.whole("team", false)
	if there, wanted := w.tenantObjects("theirs"); there != wanted {
		t.Errorf("%d of %d objects of somebody are left", there, wanted)
	}
}
