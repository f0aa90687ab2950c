package trigger

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"hotpod.dev/cmd/internal/follow"
	"hotpod.dev/kube"
	"hotpod.dev/sign"
)

// keysLater is the pause between two looks at the secret.
const keysLater = 30 * time.Second

// keys keeps what calls are signed with as the API server has it.
type keys struct {
	clients   *kube.Clients
	namespace string
	log       *slog.Logger
	known     atomic.Pointer[sign.SharedKey]
}

// key returns the key, nil when there is no secret: then calls are not signed.
func (k *keys) key() sign.SharedKey {
	if known := k.known.Load(); known != nil {
		return *known
	}
	return nil
}

// ready returns why calls cannot be made yet.
func (k *keys) ready() error {
	if k.known.Load() == nil {
		return errors.New("the API server has not told yet what calls are signed with")
	}
	return nil
}

// run keeps the key until ctx ends.
func (k *keys) run(ctx context.Context) error {
	return follow.Secret(ctx, k.log, keysLater, func(ctx context.Context) (bool, error) {
		return true, k.read(ctx)
	})
}

func (k *keys) read(ctx context.Context) error {
	secret, err := kube.ReadSharedSecret(ctx, k.clients, k.namespace, false)
	if err != nil {
		return err
	}
	var key sign.SharedKey
	if len(secret) > 0 {
		if key, err = sign.NewSharedKey(secret, sign.ServiceRouter, ""); err != nil {
			return err
		}
	}
	k.known.Store(&key)
	return nil
}
