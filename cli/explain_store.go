package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	loggerclient "hotpod.dev/logger/client"
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
	secret, err := a.sharedSecret(ctx)
	if err != nil {
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
	if err := loggerclient.Sign(req, secret, a.now()); err != nil {
		return nil, err
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
