package cli

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"hotpod.dev/kube"
	"hotpod.dev/sign"
)

// sharedSecret returns what calls of parts are signed with: what FISSION_INTERNAL_AUTH_SECRET says, or the Secret of the
// platform; nothing for who may not read it, since they need not be signed everywhere.
func (a *app) sharedSecret(ctx context.Context) ([]byte, error) {
	if given := a.Getenv("FISSION_INTERNAL_AUTH_SECRET"); given != "" {
		return []byte(given), nil
	}
	secret, err := kube.ReadSharedSecret(ctx, a.clients, a.componentNamespace(), false)
	if apierrors.IsForbidden(err) {
		return nil, nil
	}
	return secret, err
}

// signCall signs a call of a function through the internal listener. Its body is read whole then.
func (a *app) signCall(ctx context.Context, req *http.Request) error {
	secret, err := a.sharedSecret(ctx)
	if err != nil || len(secret) == 0 {
		return err
	}
	key, err := sign.NewSharedKey(secret, sign.ServiceRouter, "")
	if err != nil {
		return err
	}
	var body []byte
	if req.Body != nil {
		if body, err = io.ReadAll(req.Body); err != nil {
			return fmt.Errorf("read the body: %w", err)
		}
		req.Body, req.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	}
	key.Sign(req.Header, req.Method, req.URL.RequestURI(), sha256.Sum256(body), a.now())
	return nil
}
