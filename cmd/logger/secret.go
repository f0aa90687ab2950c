package main

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"hotpod.dev/cmd/internal/follow"
	"hotpod.dev/kube"
)

// secretLater is the pause between two looks at the secret.
const secretLater = time.Minute

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
	if !s.required {
		return nil
	}
	return follow.Secret(ctx, s.log, secretLater, func(ctx context.Context) (bool, error) {
		found, err := kube.ReadSharedSecret(ctx, s.clients, s.namespace, true)
		if err == nil {
			s.known.Store(&found)
		}
		return true, err
	})
}
