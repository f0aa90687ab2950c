// Package follow keeps up with what the API server holds in Secrets.
package follow

import (
	"context"
	"log/slog"
	"time"
)

// soon is the pause before the next look while the last one was not enough.
const soon = 500 * time.Millisecond

// Secret reads again and again until ctx ends, and then returns nil: after a moment while read fails or says that something is
// missing, and else after later, since Secrets change by hand only. What fails is logged.
func Secret(ctx context.Context, log *slog.Logger, later time.Duration, read func(context.Context) (complete bool, err error)) error {
	for {
		complete, err := read(ctx)
		if err != nil && ctx.Err() == nil {
			log.Warn("a secret cannot be read", "error", err)
		}
		pause := later
		if err != nil || !complete {
			pause = soon
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(pause):
		}
	}
}
