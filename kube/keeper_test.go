package kube

import (
	"bytes"
	"log/slog"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"hotpod.dev/certs"
	"hotpod.dev/sign"
)

func keeper(t *testing.T, clients *Clients, namespace string, life time.Duration) *Keeper {
	t.Helper()
	return &Keeper{
		Clients: clients, Namespace: namespace, Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
		Settings: certs.Settings{Life: life, AuthorityLife: 4 * life},
	}
}

func secret(t *testing.T, clients *Clients, namespace, name string) *corev1.Secret {
	t.Helper()
	s, err := clients.Secrets(namespace).Get(t.Context(), name, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestKeeper_MakesRenewsAndLeavesAloneWhatAnotherKeeps(t *testing.T) {
	clients, namespace := start(t)
	// Two at once, as in an update.
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			k := keeper(t, clients, namespace, time.Hour)
			for deadline := time.Now().Add(time.Minute); ; {
				err := k.Keep(t.Context())
				if err == nil {
					return
				}
				if time.Now().After(deadline) {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	authority := secret(t, clients, namespace, AuthoritySecret)
	for _, part := range certs.Parts() {
		s := secret(t, clients, namespace, CertificateSecret(part))
		if s.Type != corev1.SecretTypeTLS || !bytes.Equal(s.Data["ca.crt"], authority.Data["ca.crt"]) || len(s.Data["tls.crt"]) == 0 {
			t.Errorf("%s: %s, %d bytes", part, s.Type, len(s.Data["tls.crt"]))
		}
	}
	master := secret(t, clients, namespace, SharedSecret).Data["secret"]
	key, err := sign.NewSharedKey(master, sign.ServiceRouter, "")
	if err != nil {
		t.Fatal(err)
	}
	if got := secret(t, clients, namespace, InternalKeySecret).Data["key"]; !bytes.Equal(got, key) {
		t.Error("the internal listener's key is not derived from the shared secret")
	}

	// Another manager takes one over; the rest is renewed when its time has come.
	foreign := secret(t, clients, namespace, CertificateSecret(certs.Router))
	foreign.Annotations = map[string]string{"cert-manager.io/certificate-name": "router"}
	foreign.Data["tls.crt"] = []byte("another's")
	if _, err := clients.Secrets(namespace).Update(t.Context(), foreign, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	before := secret(t, clients, namespace, CertificateSecret(certs.XDS)).ResourceVersion
	k := keeper(t, clients, namespace, time.Hour)
	if err := k.Keep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if secret(t, clients, namespace, CertificateSecret(certs.XDS)).ResourceVersion != before {
		t.Error("a certificate that is good was replaced")
	}
	if f, err := k.Files(certs.Router)(); err != nil || string(f.Cert) != "another's" {
		t.Errorf("the keeper reads %q, %v", f.Cert, err)
	}
	if err := clients.Secrets(namespace).Delete(t.Context(), AuthoritySecret, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := k.Keep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if secret(t, clients, namespace, CertificateSecret(certs.XDS)).ResourceVersion == before {
		t.Error("with a new authority, the certificate of the old one stays")
	}
	if string(secret(t, clients, namespace, CertificateSecret(certs.Router)).Data["tls.crt"]) != "another's" {
		t.Error("what another keeps was changed")
	}
}
