package v1_test

import (
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/kube"
)

func TestFissionTenant_NamesOneNamespaceForGood(t *testing.T) {
	clients, err := kube.NewClients(server.Get(t).Config())
	if err != nil {
		t.Fatal(err)
	}
	tenants := clients.FissionTenants()
	for name, c := range map[string]struct {
		spec v1.FissionTenantSpec
		says string
	}{
		"no name":               {v1.FissionTenantSpec{Namespace: "Team"}, "namespace is the name of one"},
		"pods somewhere else":   {v1.FissionTenantSpec{Namespace: "team", FunctionNamespace: "fission-function"}, "run in its own namespace"},
		"builds somewhere else": {v1.FissionTenantSpec{Namespace: "team", BuilderNamespace: "builds"}, "run in its own namespace"},
	} {
		tenant := &v1.FissionTenant{ObjectMeta: metav1.ObjectMeta{Name: "refused"}, Spec: c.spec}
		if _, err := tenants.Create(t.Context(), tenant, metav1.CreateOptions{}); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want a refusal that says %q", name, err, c.says)
		}
		if err := tenant.Validate(); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("Validate, %s: %v, want an error that says %q", name, err, c.says)
		}
	}
	tenant := &v1.FissionTenant{ObjectMeta: metav1.ObjectMeta{Name: "team"}, Spec: v1.FissionTenantSpec{Namespace: "team", FunctionNamespace: "team"}}
	if err := tenant.Validate(); err != nil {
		t.Error(err)
	}
	made, err := tenants.Create(t.Context(), tenant, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	made.Spec = v1.FissionTenantSpec{Namespace: "other"}
	if _, err := tenants.Update(t.Context(), made, metav1.UpdateOptions{}); err == nil || !strings.Contains(err.Error(), "cannot be changed") {
		t.Errorf("another namespace: %v", err)
	}
}
