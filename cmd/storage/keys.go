package main

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"hotpod.dev/cmd/internal/follow"
	"hotpod.dev/kube"
	"hotpod.dev/sign"
	"hotpod.dev/storage"
	"hotpod.dev/wire"
)

// keysLater is the pause between two looks at keys that are all there.
const keysLater = 30 * time.Second

// keys keeps what calls may be signed with as the API server has it.
type keys struct {
	clients   *kube.Clients
	namespace string
	ensure    bool
	log       *slog.Logger
	known     atomic.Pointer[storage.Keys]
}

// now returns the keys as last seen; none are known before the first time, and then calls are refused.
func (k *keys) now() storage.Keys {
	if known := k.known.Load(); known != nil {
		return *known
	}
	return storage.Keys{Masters: [][]byte{nil}} // signs nothing
}

// ready returns why calls cannot be judged yet.
func (k *keys) ready() error {
	if k.known.Load() == nil {
		return errors.New("the keys that calls are signed with are not known yet")
	}
	return nil
}

// run keeps the keys until ctx ends.
func (k *keys) run(ctx context.Context) error {
	return follow.Secret(ctx, k.log, keysLater, k.read)
}

// read takes the keys over; complete says that pods' URLs can be checked.
func (k *keys) read(ctx context.Context) (complete bool, err error) {
	var found storage.Keys
	secret, err := kube.ReadSharedSecret(ctx, k.clients, k.namespace, k.ensure)
	if err != nil {
		return false, err
	}
	if len(secret) > 0 {
		found.Masters = [][]byte{secret}
	}
	public, err := kube.PublishedControlKey(ctx, k.clients, k.namespace)
	if err != nil {
		return false, err
	}
	if public != "" {
		if found.URLs, err = sign.NewArchiveVerifier(public); err != nil {
			return false, err
		}
		if found.Control, err = sign.NewVerifier(wire.ControlStorage, public); err != nil {
			return false, err
		}
	}
	k.known.Store(&found)
	return found.URLs != nil, nil
}
