package logstore

import (
	"context"
	"fmt"
	"time"
)

func putStreams(ctx context.Context, tx *Tx, streams []Stream) error {
	for _, s := range streams {
		ended, until := 0, int64(0)
		if s.Ended {
			ended = 1
		}
		if !s.Until.IsZero() {
			until = s.Until.UnixNano()
		}
		_, err := tx.Exec(ctx, `INSERT INTO log_streams (pod_uid, container, restart, until, ended) VALUES (?, ?, ?, ?, ?)
			ON CONFLICT (pod_uid, container) DO UPDATE SET restart = excluded.restart, until = excluded.until, ended = excluded.ended`,
			s.PodUID, s.Container, s.Restart, until, ended)
		if err != nil {
			return err
		}
	}
	return nil
}

// Streams returns how far every container's log is, by pod.
func (l *Lines) Streams(ctx context.Context) (map[string][]Stream, error) {
	rows, err := l.db.Query(ctx, "SELECT pod_uid, container, restart, until, ended FROM log_streams")
	if err != nil {
		return nil, fmt.Errorf("read streams: %w", err)
	}
	defer rows.Close()
	streams := map[string][]Stream{}
	for rows.Next() {
		var (
			s            Stream
			until, ended int64
		)
		if err := rows.Scan(&s.PodUID, &s.Container, &s.Restart, &until, &ended); err != nil {
			return nil, fmt.Errorf("read streams: %w", err)
		}
		s.Ended = ended != 0
		if until != 0 {
			s.Until = time.Unix(0, until).UTC()
		}
		streams[s.PodUID] = append(streams[s.PodUID], s)
	}
	return streams, rows.Err()
}

// Forget drops how far the logs of pods are that are gone. Their lines stay.
func (l *Lines) Forget(ctx context.Context, podUIDs ...string) error {
	err := l.db.Write(ctx, func(tx *Tx) error {
		for _, uid := range podUIDs {
			if _, err := tx.Exec(ctx, "DELETE FROM log_streams WHERE pod_uid = ?", uid); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("forget pods: %w", err)
	}
	return nil
}

// Claimed gives a pod's lines since then, that were taken for its environment's, to the function of to.
func (l *Lines) Claimed(ctx context.Context, to Source, since time.Time) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	err := l.db.Write(ctx, func(tx *Tx) error {
		id, err := l.source(ctx, tx, to)
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `UPDATE log_lines SET owner = ?, source = ? WHERE time >= ?
			AND owner IN (SELECT id FROM log_owners WHERE function = '' AND environment = ?)
			AND source IN (SELECT s.id FROM log_sources s JOIN log_owners o ON o.id = s.owner
				WHERE s.pod_uid = ? AND s.container = ? AND o.function = '')`,
			id.owner, id.source, since.UnixNano(), to.Environment, to.PodUID, to.Container)
		return err
	})
	if err != nil {
		clear(l.sources)
		return fmt.Errorf("give lines to function %s/%s: %w", to.Namespace, to.Function, err)
	}
	return nil
}
