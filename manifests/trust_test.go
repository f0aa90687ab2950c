package manifests

import (
	"log/slog"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"hotpod.dev/certs"
	"hotpod.dev/kube"
)

// The controller keeps all Secrets that parts mount, with the rights that it has, and nobody else reads them.
func TestController_MayKeepTheSecretsOfTrust(t *testing.T) {
	install(t)
	keeper := func(life time.Duration) *kube.Keeper {
		return &kube.Keeper{
			Clients: as(t, "controller"), Namespace: "fission", Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
			Settings: certs.Settings{Life: life, AuthorityLife: 4 * life},
		}
	}
	// Made, renewed because they have ended, and then good.
	for _, life := range []time.Duration{time.Nanosecond, time.Hour, time.Hour} {
		if err := keeper(life).Keep(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	made, err := as(t, "controller").Secrets("fission").Get(t.Context(), kube.AuthoritySecret, metav1.GetOptions{})
	if err != nil || len(made.Data) == 0 {
		t.Fatal(err)
	}
	for _, component := range []string{"activator", "autoscaler", "logger", "router", "storagesvc", "timer", "kubewatcher", "xds"} {
		for _, name := range []string{kube.AuthoritySecret, kube.CertificateSecret(certs.XDS), kube.InternalKeySecret} {
			if _, err := as(t, component).Secrets("fission").Get(t.Context(), name, metav1.GetOptions{}); !apierrors.IsForbidden(err) {
				t.Errorf("%s reads %s: %v", component, name, err)
			}
		}
	}
}

// Every part that has a certificate mounts its own, in clusters; and cert-manager can make the same.
func TestDeployments_MountTheirOwnCertificateAndNoOther(t *testing.T) {
	text, err := os.ReadFile("certmanager/certificates.yaml")
	if err != nil {
		t.Fatal(err)
	}
	made := map[string][]string{}
	for doc := range strings.SplitSeq(string(text), "\n---\n") {
		var c struct {
			Spec struct {
				SecretName string
				URIs       []string `json:"uris"`
			}
		}
		if err := yaml.Unmarshal([]byte(doc), &c); err != nil {
			t.Fatal(err)
		}
		made[c.Spec.SecretName] = c.Spec.URIs
	}
	for _, part := range certs.Parts() {
		if got := made[kube.CertificateSecret(part)]; !slices.Equal(got, []string{certs.Identity(part)}) {
			t.Errorf("cert-manager names %s %v", part, got)
		}
	}
	for overlay, objects := range overlays(t) {
		for _, d := range deployments(t, objects) {
			var mounted, want []string
			for _, v := range d.Spec.Template.Spec.Volumes {
				if v.Secret != nil {
					mounted = append(mounted, v.Secret.SecretName)
				}
			}
			if overlay != "embedded" && d.Name != certs.Controller && slices.Contains(certs.Parts(), d.Name) {
				want = append(want, kube.CertificateSecret(d.Name))
			}
			if overlay != "embedded" && d.Name == certs.Router {
				want = append(want, kube.InternalKeySecret)
			}
			if !slices.Equal(mounted, want) {
				t.Errorf("%s: %s mounts %v, want %v", overlay, d.Name, mounted, want)
			}
		}
	}
}
