package controller

import (
	"context"
	"fmt"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"hotpod.dev/kube"
)

// lookup returns the object "namespace/name", nil when it does not exist. What the informer lacks is asked for live:
// objects that were applied together arrive in any order, and none of them shall be called missing.
func lookup[T any, P interface {
	*T
	kube.Object
}, L runtime.Object](ctx context.Context, cached *kube.Informer[P], client func(string) *kube.Client[P, L], key string) (P, error) {
	namespace, name, _ := strings.Cut(key, "/")
	if name == "" {
		return nil, nil //nolint:nilnil // nothing was named, so nothing is there
	}
	if obj, ok := cached.Get(namespace, name); ok {
		return obj, nil
	}
	obj, err := client(namespace).Get(ctx, name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil, nil //nolint:nilnil // as documented
	}
	if err != nil {
		return nil, fmt.Errorf("look up %s: %w", key, err)
	}
	return obj, nil
}
