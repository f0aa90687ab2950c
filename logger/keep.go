package logger

import (
	"context"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"hotpod.dev/logstore"
)

// Keeper keeps the lines within bounds.
type Keeper struct {
	Lines *logstore.Lines
	// Bounds are asked for at each look.
	Bounds     func() logstore.Retention
	Interval   time.Duration
	Log        *slog.Logger
	Registerer prometheus.Registerer
}

// Run deletes what is out of bounds until ctx ends.
func (k *Keeper) Run(ctx context.Context) error {
	stored := prometheus.NewGauge(prometheus.GaugeOpts{
		Namespace: "hotpod", Subsystem: "logger", Name: "stored_bytes", Help: "About what the lines take in the database, indexes included.",
	})
	pruned := prometheus.NewCounter(prometheus.CounterOpts{
		Namespace: "hotpod", Subsystem: "logger", Name: "pruned_lines_total", Help: "Lines and groups of lines that were deleted for age or lack of room.",
	})
	if k.Registerer != nil {
		k.Registerer.MustRegister(stored, pruned)
	}
	tick := time.NewTicker(k.Interval)
	defer tick.Stop()
	for {
		n, err := k.Lines.Prune(ctx, k.Bounds(), time.Now())
		pruned.Add(float64(n))
		if err != nil && ctx.Err() == nil {
			k.Log.Warn("old lines cannot be deleted", "error", err)
		}
		if usage, err := k.Lines.Usage(ctx); err == nil {
			stored.Set(float64(usage.Bytes))
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}
