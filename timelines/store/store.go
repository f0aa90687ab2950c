package store

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"hotpod.dev/logstore"
	"hotpod.dev/wire"
)

const (
	// pruneEvery is the time between two looks for timelines that are too old or too many.
	pruneEvery = time.Minute
	// window and perWindow bound what one function, or everything without one, may add: one that fails all the time shall not
	// push the others out.
	window, perWindow = 10 * time.Second, 200
	// perRequest bounds what is answered of one ID: clients choose them, and may choose one for all they do.
	perRequest = 64
	// longest bounds a text.
	longest = 2 << 10
)

// Bounds of what is kept; 0 is no bound.
type Bounds struct {
	Age   time.Duration
	Count int64
}

// Store keeps timelines. It is safe for concurrent use.
type Store struct {
	db      *logstore.DB
	bounds  func() Bounds
	log     *slog.Logger
	kept    prometheus.Counter
	dropped prometheus.Counter

	mu    sync.Mutex // guards what follows
	since time.Time
	added map[string]int // by function UID, since then
}

// New returns the store in db, whose tables it makes. The bounds are asked for at each look.
func New(ctx context.Context, db *logstore.DB, bounds func() Bounds, log *slog.Logger, r prometheus.Registerer) (*Store, error) {
	err := db.Migrate(ctx, "timelines", `
		CREATE TABLE timelines (id {key}, request_id {text} NOT NULL, namespace {text} NOT NULL, function {text} NOT NULL,
			started BIGINT NOT NULL, body {text} NOT NULL)`,
		`CREATE INDEX timelines_request ON timelines (request_id, id)`,
		`CREATE INDEX timelines_function ON timelines (namespace, function, id)`,
		`CREATE INDEX timelines_started ON timelines (started)`)
	if err != nil {
		return nil, err
	}
	counts := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "hotpod_logger_timelines_total",
		Help: "Timelines of requests by result: kept, or dropped because a function sent too many or the database did not take them.",
	}, []string{"result"})
	r.MustRegister(counts)
	return &Store{
		db: db, bounds: bounds, log: log, kept: counts.WithLabelValues("kept"), dropped: counts.WithLabelValues("dropped"),
		added: map[string]int{},
	}, nil
}

// Add keeps timelines, but those that a function has too many of.
func (s *Store) Add(ctx context.Context, all []wire.Timeline) error {
	var args []any
	for _, t := range all {
		if t.RequestID == "" || !s.admit(t.Function.UID) {
			s.dropped.Inc()
			continue
		}
		bound(&t)
		body, err := json.Marshal(t)
		if err != nil {
			return fmt.Errorf("encode a timeline: %w", err)
		}
		args = append(args, t.RequestID, t.Function.Namespace, t.Function.Name, t.StartMicros, string(body))
	}
	const columns = 5
	rows := len(args) / columns
	if rows == 0 {
		return nil
	}
	err := s.db.Write(ctx, func(tx *logstore.Tx) error {
		_, err := tx.Exec(ctx, "INSERT INTO timelines (request_id, namespace, function, started, body) VALUES "+logstore.Values(rows, columns), args...)
		return err
	})
	if err != nil {
		s.dropped.Add(float64(rows))
		return fmt.Errorf("keep timelines: %w", err)
	}
	s.kept.Add(float64(rows))
	return nil
}

// admit counts a timeline, and says whether it is within what one function may add.
func (s *Store) admit(uid string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if now := time.Now(); now.Sub(s.since) >= window {
		s.since, s.added = now, map[string]int{}
	}
	s.added[uid]++
	return s.added[uid] <= perWindow
}

// bound cuts what is too long: part of it comes from clients and functions.
func bound(t *wire.Timeline) {
	for _, text := range []*string{&t.RequestID, &t.Message, &t.Path, &t.Reason, &t.Detail, &t.Route, &t.TraceID} {
		*text = (*text)[:min(len(*text), longest)]
	}
	t.Steps = t.Steps[:min(len(t.Steps), 32)]
}

// Request returns what the parts know of a request, the newest first.
func (s *Store) Request(ctx context.Context, id string) ([]wire.Timeline, error) {
	return s.read(ctx, "SELECT body FROM timelines WHERE request_id = ? ORDER BY id DESC LIMIT ?", id, perRequest)
}

// Recent returns the newest timelines, of a namespace or a function if these are named.
func (s *Store) Recent(ctx context.Context, namespace, function string, limit int) ([]wire.Timeline, error) {
	switch {
	case function != "":
		return s.read(ctx, "SELECT body FROM timelines WHERE namespace = ? AND function = ? ORDER BY id DESC LIMIT ?", namespace, function, limit)
	case namespace != "":
		return s.read(ctx, "SELECT body FROM timelines WHERE namespace = ? ORDER BY id DESC LIMIT ?", namespace, limit)
	}
	return s.read(ctx, "SELECT body FROM timelines ORDER BY id DESC LIMIT ?", limit)
}

func (s *Store) read(ctx context.Context, statement string, args ...any) (all []wire.Timeline, err error) {
	rows, err := s.db.Query(ctx, statement, args...)
	if err != nil {
		return nil, fmt.Errorf("read timelines: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var body string
		var t wire.Timeline
		if err := rows.Scan(&body); err != nil {
			return nil, fmt.Errorf("read timelines: %w", err)
		}
		if err := json.Unmarshal([]byte(body), &t); err != nil {
			return nil, fmt.Errorf("read a timeline: %w", err)
		}
		all = append(all, t)
	}
	return all, rows.Err()
}

// Run deletes what is out of bounds until ctx ends.
func (s *Store) Run(ctx context.Context) error {
	tick := time.NewTicker(pruneEvery)
	defer tick.Stop()
	for {
		if err := s.Prune(ctx, time.Now()); err != nil && ctx.Err() == nil {
			s.log.Warn("old timelines cannot be deleted", "error", err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// Prune deletes what is out of bounds.
func (s *Store) Prune(ctx context.Context, now time.Time) error {
	bounds := s.bounds()
	return s.db.Write(ctx, func(tx *logstore.Tx) error {
		if bounds.Age > 0 {
			if _, err := tx.Exec(ctx, "DELETE FROM timelines WHERE started < ?", now.Add(-bounds.Age).UnixMicro()); err != nil {
				return err
			}
		}
		if bounds.Count > 0 {
			_, err := tx.Exec(ctx, "DELETE FROM timelines WHERE id <= (SELECT COALESCE(MAX(id), 0) FROM timelines) - ?", bounds.Count)
			return err
		}
		return nil
	})
}
