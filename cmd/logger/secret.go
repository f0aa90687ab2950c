package main

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"hotpod.dev/kube"
)

// Pauses between two looks at the secret: while it is not known, and later, when it changes by hand only.
const (
	secretSoon  = 500 * time.Millisecond
	secretLater = time.Minute
)

// secret keeps what questions are signed with as the API server has it.
type secret struct {
	clients   *kube.Clients
	namespace string
	required  bool
	log       *slog.Logger
	known     atomic.Pointer[[]byte]
}

// now returns the secret; nil when there is none.
func (s *secret) now() []byte {
	if known := s.known.Load(); known != nil {
		return *known
	}
	return nil
}

// ready returns why questions cannot be judged yet.
func (s *secret) ready() error {
	if s.required && len(s.now()) == 0 {
		return errors.New("the secret that questions are signed with is not known yet")
	}
	return nil
}

// run keeps the secret until ctx ends, if one is asked for.
func (s *secret) run(ctx context.Context) error {
	for s.required {
		pause := secretSoon
		found, err := kube.ReadSharedSecret(ctx, s.clients, s.namespace, true)
		switch {
		case err == nil:
			s.known.Store(&found)
			pause = secretLater
		case ctx.Err() == nil:
			s.log.Warn("the shared secret cannot be read", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(pause):
		}
	}
	return nil
}
