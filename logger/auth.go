package logger

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"hotpod.dev/logger/client"
	"hotpod.dev/sign"
)

// Authorized lets questions pass that are signed with the secret; all when that is not required.
func Authorized(next http.Handler, secret func() []byte, required bool) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if required && !signed(r, secret()) {
			http.Error(w, "unauthorized", http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func signed(r *http.Request, secret []byte) bool {
	if len(secret) == 0 {
		return false
	}
	key, err := sign.NewSharedKey(secret, client.Service, "")
	return err == nil && key.Check(r.Header, r.Method, r.URL.RequestURI(), sha256.Sum256(nil), time.Now()) == nil
}

// Serve answers at the address until ctx ends.
func Serve(ctx context.Context, address string, handler http.Handler) error {
	lis, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return fmt.Errorf("listen for questions: %w", err)
	}
	return ServeAt(ctx, lis, handler)
}

// ServeAt answers what comes to the listener until ctx ends.
func ServeAt(ctx context.Context, lis net.Listener, handler http.Handler) error {
	srv := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	stop := context.AfterFunc(ctx, func() { _ = srv.Close() })
	defer stop()
	if err := srv.Serve(lis); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("answer questions: %w", err)
	}
	return nil
}
