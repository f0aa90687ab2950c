package kube

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"hotpod.dev/certs"
	"hotpod.dev/sign"
)

// Secrets that a Keeper keeps.
const (
	// InternalKeySecret has the key of calls of the internal listener, which is derived from SharedSecret.
	InternalKeySecret = "hotpod-internal-key"
	// AuthoritySecret has the authorities with their keys. No pod mounts it.
	AuthoritySecret = "hotpod-tls-authority" //nolint:gosec // the same
	// certificateSecret, with the part's name after it, has a part's certificate.
	certificateSecret = "hotpod-tls-" //nolint:gosec // the same

	internalKey = "key"
	// managedElsewhere is on Secrets that cert-manager keeps.
	managedElsewhere = "cert-manager.io/certificate-name"
)

// CertificateSecret is the name of the Secret with a part's certificate.
func CertificateSecret(part string) string { return certificateSecret + part }

// Keeper keeps the Secrets by which the parts know one another and their callers: it makes them, and renews them in time.
// Several may run at once: each change is to a version that was read.
type Keeper struct {
	Clients   *Clients
	Namespace string
	Settings  certs.Settings
	Log       *slog.Logger

	mu    sync.Mutex // guards all below
	known map[string]certs.Files
}

// Keep looks at all Secrets once and mends what needs it. Those that cert-manager keeps are left alone.
func (k *Keeper) Keep(ctx context.Context) error {
	if err := k.keepInternalKey(ctx); err != nil {
		return err
	}
	found, err := k.certificates(ctx)
	if err != nil {
		return err
	}
	ours := 0
	for part, s := range found {
		if s != nil && s.Annotations[managedElsewhere] != "" {
			k.learn(part, s)
			continue
		}
		ours++
	}
	if ours == 0 {
		return nil
	}
	a, err := k.authorities(ctx)
	if err != nil {
		return err
	}
	var errs []error
	for part, s := range found {
		if s == nil || s.Annotations[managedElsewhere] == "" {
			errs = append(errs, k.keepCertificate(ctx, a, part, s))
		}
	}
	return errors.Join(errs...)
}

// Files returns what reads a part's certificate as it was when Keep looked last.
func (k *Keeper) Files(part string) func() (certs.Files, error) {
	return func() (certs.Files, error) {
		k.mu.Lock()
		defer k.mu.Unlock()
		if f, ok := k.known[part]; ok {
			return f, nil
		}
		return certs.Files{}, errors.New("there is no certificate yet")
	}
}

// Interval is how often Keep should be called.
func (k *Keeper) Interval() time.Duration {
	return max(time.Second/2, min(time.Minute, k.Settings.Life/60))
}

func (k *Keeper) learn(part string, s *corev1.Secret) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.known == nil {
		k.known = map[string]certs.Files{}
	}
	k.known[part] = certs.Files{
		Pair: certs.Pair{Cert: s.Data[certs.KeyCert], Key: s.Data[certs.KeyKey]}, Authorities: s.Data[certs.KeyBundle],
	}
}

// certificates returns the Secret of each part, nil where there is none.
func (k *Keeper) certificates(ctx context.Context) (map[string]*corev1.Secret, error) {
	found := map[string]*corev1.Secret{}
	for _, part := range certs.Parts() {
		s, err := k.read(ctx, CertificateSecret(part))
		if err != nil {
			return nil, err
		}
		found[part] = s
	}
	return found, nil
}

// authorities returns those that are, after what time demands.
func (k *Keeper) authorities(ctx context.Context) (certs.Authorities, error) {
	s, err := k.read(ctx, AuthoritySecret)
	if err != nil {
		return certs.Authorities{}, err
	}
	var data map[string][]byte
	if s != nil {
		data = s.Data
	}
	a, err := certs.DecodeAuthorities(data)
	if err != nil {
		return a, fmt.Errorf("read Secret %s, which may be deleted to get new authorities: %w", AuthoritySecret, err)
	}
	a, why, err := a.Step(k.Settings, time.Now())
	if err != nil || why == "" {
		return a, err
	}
	if err := k.write(ctx, s, AuthoritySecret, corev1.SecretTypeOpaque, a.Encode()); err != nil {
		return a, err
	}
	k.Log.Info("the authorities of the parts' certificates changed", "reason", why)
	return a, nil
}

func (k *Keeper) keepCertificate(ctx context.Context, a certs.Authorities, part string, s *corev1.Secret) error {
	var f certs.Files
	if s != nil {
		f = certs.Files{Pair: certs.Pair{Cert: s.Data[certs.KeyCert], Key: s.Data[certs.KeyKey]}, Authorities: s.Data[certs.KeyBundle]}
	}
	why := a.Signing().Due(f.Cert, part, time.Now())
	if why != "" {
		pair, err := a.Signing().Issue(part, k.names(part), time.Now(), k.Settings.Life)
		if err != nil {
			return err
		}
		f.Pair = pair
	}
	if why == "" && bytes.Equal(f.Authorities, a.Bundle()) {
		k.learn(part, s)
		return nil
	}
	data := map[string][]byte{certs.KeyCert: f.Cert, certs.KeyKey: f.Key, certs.KeyBundle: a.Bundle()}
	if err := k.write(ctx, s, CertificateSecret(part), corev1.SecretTypeTLS, data); err != nil {
		return err
	}
	k.learn(part, &corev1.Secret{Data: data})
	k.Log.Info("a part's certificate changed", "part", part, "reason", why)
	return nil
}

func (k *Keeper) names(part string) []string {
	return []string{part, part + "." + k.Namespace, part + "." + k.Namespace + ".svc", part + "." + k.Namespace + ".svc.cluster.local"}
}

// keepInternalKey derives the key of calls of the internal listener, so that who guards it needs no more than that.
func (k *Keeper) keepInternalKey(ctx context.Context) error {
	master, err := ReadSharedSecret(ctx, k.Clients, k.Namespace, true)
	if err != nil {
		return err
	}
	key, err := sign.NewSharedKey(master, sign.ServiceRouter, "")
	if err != nil {
		return err
	}
	s, err := k.read(ctx, InternalKeySecret)
	if err != nil || s != nil && bytes.Equal(s.Data[internalKey], key) {
		return err
	}
	return k.write(ctx, s, InternalKeySecret, corev1.SecretTypeOpaque, map[string][]byte{internalKey: key})
}

// read returns a Secret, nil when there is none.
func (k *Keeper) read(ctx context.Context, name string) (*corev1.Secret, error) {
	s, err := k.Clients.Secrets(k.Namespace).Get(ctx, name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil, nil //nolint:nilnil // the absence is the answer
	}
	if err != nil {
		return nil, fmt.Errorf("read Secret %s: %w", name, err)
	}
	return s, nil
}

// write makes the Secret, or changes the version that was read.
func (k *Keeper) write(ctx context.Context, old *corev1.Secret, name string, kind corev1.SecretType, data map[string][]byte) (err error) {
	secrets := k.Clients.Secrets(k.Namespace)
	if old == nil {
		_, err = secrets.Create(ctx, &corev1.Secret{
			ObjectMeta: metav1.ObjectMeta{Namespace: k.Namespace, Name: name}, Type: kind, Data: data,
		}, metav1.CreateOptions{FieldManager: FieldOwner})
	} else {
		s := old.DeepCopy()
		s.Data = data
		_, err = secrets.Update(ctx, s, metav1.UpdateOptions{FieldManager: FieldOwner})
	}
	if err != nil {
		return fmt.Errorf("write Secret %s: %w", name, err)
	}
	return nil
}
