// Package controlkey waits for the key that control calls to pods are signed with.
package controlkey

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"hotpod.dev/kube"
	"hotpod.dev/sign"
)

// Retry is the pause before the API server is asked again for something that the start depends on.
const Retry = 500 * time.Millisecond

// Signer returns the signer of control calls. The API server may start at the same time: it is asked until it answers or
// ctx ends.
func Signer(ctx context.Context, clients *kube.Clients, namespace string, log *slog.Logger) (*sign.Signer, error) {
	for {
		seed, err := kube.EnsureControlKey(ctx, clients, namespace)
		if err == nil {
			return sign.NewSigner(seed)
		}
		log.Warn("control key cannot be read yet", "error", err)
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("read the control key: %w", errors.Join(ctx.Err(), err))
		case <-time.After(Retry):
		}
	}
}
