package kube

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"hotpod.dev/sign"
)

// ControlKeySecret is the Secret with the seed of the key that signs control calls, in the components' namespace.
const ControlKeySecret = "hotpod-control-key" //nolint:gosec // a name, not a credential

const seedKey = "seed"

// EnsureControlKey returns the seed of the key that signs control calls, made at the first call in a cluster. All
// replicas get the same.
func EnsureControlKey(ctx context.Context, clients *Clients, namespace string) ([]byte, error) {
	secrets := clients.Secrets(namespace)
	found, err := secrets.Get(ctx, ControlKeySecret, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		found, err = secrets.Create(ctx, &corev1.Secret{
			ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: ControlKeySecret},
			Data:       map[string][]byte{seedKey: sign.GenerateSeed()},
		}, metav1.CreateOptions{FieldManager: FieldOwner})
	}
	if apierrors.IsAlreadyExists(err) { // another replica was faster
		found, err = secrets.Get(ctx, ControlKeySecret, metav1.GetOptions{})
	}
	if err != nil {
		return nil, fmt.Errorf("read the control key: %w", err)
	}
	seed := found.Data[seedKey]
	if _, err := sign.NewSigner(seed); err != nil {
		return nil, fmt.Errorf("read the control key from Secret %s/%s, which may be deleted to get a new one: %w", namespace, ControlKeySecret, err)
	}
	return seed, nil
}
