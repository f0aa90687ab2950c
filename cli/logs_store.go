package cli

import (
	"context"
	"slices"
	"time"

	loggerclient "hotpod.dev/logger/client"
	"hotpod.dev/logline"
	"hotpod.dev/wire"
)

// loggerLabel is on the logger's pods.
const loggerLabel = wire.LabelComponent + "=logger"

// loggerPatience bounds how long the logger is waited for.
const loggerPatience = 30 * time.Second

// logger returns a URL at which this process can ask the logger: HOTPOD_LOGGER_URL, or a port forwarded to its pod. Call stop when
// done.
func (a *app) logger(ctx context.Context) (base string, stop func(), err error) {
	if _, err := a.cluster(); err != nil {
		return "", nil, err
	}
	return a.reach(ctx, a.Getenv("HOTPOD_LOGGER_URL"), "logger", loggerLabel, wire.PortLogger)
}

// storedLines returns what the logger keeps, the oldest first, and whether there is a logger that answers. Without one, a note says
// that pods that are gone are missing.
func (a *app) storedLines(ctx context.Context, q logline.Query) (lines []logline.Record, kept bool) {
	ctx, cancel := context.WithTimeout(ctx, loggerPatience)
	defer cancel()
	lines, err := a.askLogger(ctx, q)
	if err != nil {
		a.progress("note: only pods that run are read: %v", err)
		return nil, false
	}
	slices.Reverse(lines)
	return lines, true
}

func (a *app) askLogger(ctx context.Context, q logline.Query) ([]logline.Record, error) {
	base, stop, err := a.logger(ctx)
	if err != nil {
		return nil, err
	}
	defer stop()
	secret, err := a.sharedSecret(ctx)
	if err != nil {
		return nil, err
	}
	c := loggerclient.Client{URL: base, Secret: secret}
	return c.Lines(ctx, q)
}
