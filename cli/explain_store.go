package cli

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"hotpod.dev/kube"
	"hotpod.dev/sign"
	"hotpod.dev/wire"
)

// asking asks the logger for timelines.
type asking func(ctx context.Context, query url.Values) ([]wire.Timeline, error)

// timelines returns who can be asked: the logger. Call stop when done.
func (a *app) timelines(ctx context.Context) (ask asking, stop func(), err error) {
	base, stop, err := a.logger(ctx)
	if err != nil {
		return nil, nil, err
	}
	secret, err := kube.ReadSharedSecret(ctx, a.clients, a.componentNamespace(), false)
	if err != nil && !apierrors.IsForbidden(err) { // who may not read it may be allowed to ask unsigned
		stop()
		return nil, nil, err
	}
	return func(ctx context.Context, query url.Values) ([]wire.Timeline, error) {
		return askTimelines(ctx, base, secret, query, a)
	}, stop, nil
}

func askTimelines(ctx context.Context, base string, secret []byte, query url.Values, a *app) ([]wire.Timeline, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, base+wire.PathTimelines+"?"+query.Encode(), nil)
	if err != nil {
		return nil, err
	}
	if len(secret) > 0 {
		key, err := sign.NewSharedKey(secret, "logger", "")
		if err != nil {
			return nil, err
		}
		key.Sign(req.Header, req.Method, req.URL.RequestURI(), sha256.Sum256(nil), a.now())
	}
	resp, err := (&http.Client{}).Do(req)
	if err != nil {
		return nil, fmt.Errorf("ask the logger: %w", err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 16<<20))
	switch {
	case err != nil:
		return nil, fmt.Errorf("ask the logger: %w", err)
	case resp.StatusCode == http.StatusUnauthorized:
		return nil, errors.New("the logger answers signed questions only, and you may not read the Secret fission-internal-auth")
	case resp.StatusCode != http.StatusOK:
		return nil, fmt.Errorf("ask the logger: %s: %s", resp.Status, strings.TrimSpace(string(body)))
	}
	var answer wire.Timelines
	if err := json.Unmarshal(body, &answer); err != nil {
		return nil, fmt.Errorf("read the logger's answer: %w", err)
	}
	return answer.Timelines, nil
}
