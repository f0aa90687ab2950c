package kube

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

const (
	// minAway and maxAway bound the delay between calls to an API server that is away. Informers' own delay grows to a
	// minute, for which nobody would see what was declared; the components of a cluster are too few to be a burden.
	minAway = 100 * time.Millisecond
	maxAway = 2 * time.Second
)

// patient repeats a call while the API server is away, and says so once. Errors that the server answers are returned.
func patient[T any](ctx context.Context, log *slog.Logger, resource string, call func() (T, error)) (T, error) {
	delay, said := minAway, false
	for {
		v, err := call()
		if err == nil || !away(err) || ctx.Err() != nil {
			if said && err == nil {
				log.Info("API server is back", "resource", resource)
			}
			return v, err
		}
		if !said {
			log.Warn("API server is away, will be asked again", "resource", resource, "error", err)
			said = true
		}
		select {
		case <-ctx.Done():
			return v, ctx.Err()
		case <-time.After(delay + rand.N(delay/2)): //nolint:gosec // spreads the calls, nothing more
		}
		delay = min(2*delay, maxAway)
	}
}

// away reports whether nobody answered, or somebody who cannot answer now.
func away(err error) bool {
	var status apierrors.APIStatus
	if !errors.As(err, &status) {
		return true
	}
	return apierrors.IsServiceUnavailable(err) || apierrors.IsTooManyRequests(err) || apierrors.IsServerTimeout(err)
}
