package logstore

import (
	"context"
	"fmt"
	"time"
)

// Retention bounds what is kept; 0 is no bound.
type Retention struct {
	Age time.Duration
	// Bytes is about what lines may take in the database, indexes included.
	Bytes int64
}

// Usage is what the lines take.
type Usage struct {
	// Bytes is about what they take in the database, indexes included.
	Bytes int64
	// Pruned is the time of the newest line that had to go; what is older and not stored is not wanted any more.
	Pruned time.Time
}

// Usage returns what the lines take.
func (l *Lines) Usage(ctx context.Context) (Usage, error) {
	var u Usage
	var pruned int64
	if err := l.db.QueryRow(ctx, "SELECT bytes, pruned FROM log_usage WHERE id = 1").Scan(&u.Bytes, &pruned); err != nil {
		return Usage{}, fmt.Errorf("read usage: %w", err)
	}
	if pruned != 0 {
		u.Pruned = time.Unix(0, pruned).UTC()
	}
	return u, nil
}

// pruneAtOnce are deleted in one transaction, so that lines which come meanwhile do not wait long.
const pruneAtOnce = 4000

// Prune deletes the oldest lines until the rest is within r, and returns how many that were.
func (l *Lines) Prune(ctx context.Context, r Retention, now time.Time) (int, error) {
	pruned := 0
	for {
		n, err := l.pruneSome(ctx, r, now)
		if err != nil {
			return pruned, fmt.Errorf("delete old lines: %w", err)
		}
		pruned += n
		if n == 0 {
			return pruned, l.shrink(ctx, pruned)
		}
	}
}

// pruneSome deletes of the oldest lines those that are out of bounds. Lines are about as old as their ids say.
func (l *Lines) pruneSome(ctx context.Context, r Retention, now time.Time) (int, error) {
	usage, err := l.Usage(ctx)
	if err != nil {
		return 0, err
	}
	surplus := int64(0)
	if r.Bytes > 0 {
		surplus = usage.Bytes - r.Bytes
	}
	cutoff := int64(0)
	if r.Age > 0 {
		cutoff = now.Add(-r.Age).UnixNano()
	}
	n := 0
	err = l.db.Write(ctx, func(tx *Tx) error {
		old, err := oldest(ctx, tx, surplus, cutoff)
		if err != nil || len(old.ids) == 0 {
			return err
		}
		n = len(old.ids)
		if _, err := tx.Exec(ctx, "DELETE FROM log_lines WHERE id IN "+Values(1, n), old.ids...); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, "UPDATE log_usage SET bytes = bytes - ?, pruned = CASE WHEN pruned > ? THEN pruned ELSE ? END WHERE id = 1",
			old.bytes, old.newest, old.newest)
		return err
	})
	return n, err
}

// doomed are lines that will be deleted.
type doomed struct {
	ids    []any
	bytes  int64
	newest int64
}

func oldest(ctx context.Context, tx *Tx, surplus, cutoff int64) (doomed, error) {
	var old doomed
	rows, err := tx.Query(ctx, `SELECT id, time,
		OCTET_LENGTH(body) + 2*OCTET_LENGTH(request_id) + OCTET_LENGTH(trace_id) + COALESCE(OCTET_LENGTH(later), 0)
		FROM log_lines ORDER BY id LIMIT ?`, pruneAtOnce)
	if err != nil {
		return old, err
	}
	defer rows.Close()
	for rows.Next() {
		var id, at, size int64
		if err := rows.Scan(&id, &at, &size); err != nil {
			return old, err
		}
		if at >= cutoff && surplus <= old.bytes {
			continue
		}
		old.ids = append(old.ids, id)
		old.bytes += size + overhead
		old.newest = max(old.newest, at)
	}
	return old, rows.Err()
}

// shrink forgets sources without lines, and gives the file's free pages back. PostgreSQL does the latter itself.
func (l *Lines) shrink(ctx context.Context, pruned int) error {
	if pruned == 0 {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	clear(l.sources)
	err := l.db.Write(ctx, func(tx *Tx) error {
		_, err := tx.Exec(ctx, `DELETE FROM log_sources WHERE NOT EXISTS (SELECT 1 FROM log_lines l WHERE l.owner = log_sources.owner)`)
		return err
	})
	if err != nil {
		return fmt.Errorf("forget old sources: %w", err)
	}
	if l.db.Kind() == "sqlite" {
		if _, err := l.db.writer.ExecContext(ctx, "PRAGMA incremental_vacuum(4096)"); err != nil {
			return fmt.Errorf("shrink the file: %w", err)
		}
	}
	return nil
}
