package kube

import (
	"context"
	"crypto/rand"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/sign"
)

// SharedSecret is the Secret that the archive store's clients sign with; its name and key are Fission's.
const SharedSecret = "fission-internal-auth"

const (
	sharedKey = "secret"
	// publicKey is the key of the ConfigMap that has the name of the control key's Secret.
	publicKey = "public"
)

// ArchiveReferences returns what tells which namespaces' packages name each archive of the store; ok is false until
// every package is known. Call it before Cache.Run.
func ArchiveReferences(cache *Cache) func() (refs map[string][]string, ok bool) {
	packages := cache.Packages()
	return func() (map[string][]string, bool) {
		if !cache.Synced() {
			return nil, false
		}
		refs := map[string][]string{}
		for _, p := range packages.List() {
			for _, a := range []*v1.Archive{&p.Spec.Deployment, &p.Spec.Source} {
				if id := sign.ArchiveID(a.URL); id != "" && !slices.Contains(refs[id], p.Namespace) {
					refs[id] = append(refs[id], p.Namespace)
				}
			}
		}
		return refs, true
	}
}

// PublishControlKey writes the public half of the control key where the archive store reads it.
func PublishControlKey(ctx context.Context, clients *Clients, namespace, public string) error {
	maps := clients.ConfigMaps(namespace)
	found, err := maps.Get(ctx, ControlKeySecret, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		_, err = maps.Create(ctx, &corev1.ConfigMap{
			ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: ControlKeySecret},
			Data:       map[string]string{publicKey: public},
		}, metav1.CreateOptions{FieldManager: FieldOwner})
		if apierrors.IsAlreadyExists(err) { // another replica was faster, with the same key
			return nil
		}
	case err == nil && found.Data[publicKey] != public:
		found.Data = map[string]string{publicKey: public}
		_, err = maps.Update(ctx, found, metav1.UpdateOptions{FieldManager: FieldOwner})
	}
	if err != nil {
		return fmt.Errorf("publish the control key: %w", err)
	}
	return nil
}

// PublishedControlKey returns what PublishControlKey wrote, "" when that was nothing yet.
func PublishedControlKey(ctx context.Context, clients *Clients, namespace string) (string, error) {
	found, err := clients.ConfigMaps(namespace).Get(ctx, ControlKeySecret, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("read the public control key: %w", err)
	}
	return found.Data[publicKey], nil
}

// ReadSharedSecret returns the shared secret, nil when there is none. If ensure is set, it is made then.
func ReadSharedSecret(ctx context.Context, clients *Clients, namespace string, ensure bool) ([]byte, error) {
	secrets := clients.Secrets(namespace)
	found, err := secrets.Get(ctx, SharedSecret, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		if !ensure {
			return nil, nil
		}
		found, err = secrets.Create(ctx, &corev1.Secret{
			ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: SharedSecret},
			Data:       map[string][]byte{sharedKey: []byte(rand.Text() + rand.Text())},
		}, metav1.CreateOptions{FieldManager: FieldOwner})
		if apierrors.IsAlreadyExists(err) { // another replica was faster
			found, err = secrets.Get(ctx, SharedSecret, metav1.GetOptions{})
		}
	}
	if err != nil {
		return nil, fmt.Errorf("read the shared secret: %w", err)
	}
	return found.Data[sharedKey], nil
}
