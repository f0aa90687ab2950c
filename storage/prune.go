package storage

import (
	"context"
	"errors"
	"time"
)

// prune deletes what nobody needs, again and again until ctx ends.
func (s *Server) prune(ctx context.Context) error {
	if s.config.PruneInterval == 0 {
		return nil
	}
	idle := map[string]time.Time{}
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(s.config.PruneInterval):
		}
		s.spool.sweep(time.Now().Add(-s.config.Grace))
		if err := s.pruneOnce(ctx, idle); err != nil && ctx.Err() == nil {
			s.log.Error("archives cannot be pruned", "error", err)
		}
	}
}

// pruneOnce deletes archives that no package has named for the whole grace, and that were not uploaded in it. idle
// holds since when each has been seen so.
func (s *Server) pruneOnce(ctx context.Context, idle map[string]time.Time) error {
	refs, ok := map[string][]string(nil), false
	if s.config.References != nil {
		refs, ok = s.config.References()
	}
	if !ok {
		return nil // nobody knows what is needed
	}
	now := time.Now()
	var due []string
	seen := map[string]bool{}
	err := s.config.Backend.List(ctx, func(a Archive) {
		if len(refs[a.ID]) > 0 {
			return
		}
		seen[a.ID] = true
		if idle[a.ID].IsZero() {
			idle[a.ID] = now
		}
		if now.Sub(idle[a.ID]) >= s.config.Grace && now.Sub(a.Modified) >= s.config.Grace {
			due = append(due, a.ID)
		}
	})
	if err != nil {
		return err
	}
	for id := range idle {
		if !seen[id] {
			delete(idle, id)
		}
	}
	for _, id := range due {
		if err := s.config.Backend.Delete(ctx, id, now.Add(-s.config.Grace)); err != nil && !errors.Is(err, ErrNotFound) {
			return err
		}
		s.metrics.pruned.Inc()
		s.log.Info("archive pruned: no package names it", "id", id)
	}
	return s.usage.count(ctx)
}
