package logstore

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"time"

	"hotpod.dev/logline"
)

// Find calls each for the lines that q chooses, the newest first, until it returns an error, which Find returns then.
func (l *Lines) Find(ctx context.Context, q Query, each func(*Line) error) error {
	statement, args := statement(&q)
	rows, err := l.db.Query(ctx, statement, args...)
	if err != nil {
		return fmt.Errorf("read lines: %w", err)
	}
	defer rows.Close()
	for found := 0; rows.Next() && (q.Limit == 0 || found < q.Limit); {
		line, err := scan(rows)
		if err != nil {
			return fmt.Errorf("read lines: %w", err)
		}
		if q.Match != nil && !q.Match.MatchString(line.Text) {
			continue
		}
		found++
		if err := each(line); err != nil {
			return err
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("read lines: %w", err)
	}
	return nil
}

// All returns the lines that q chooses, the oldest first.
func (l *Lines) All(ctx context.Context, q Query) ([]Line, error) {
	var lines []Line
	err := l.Find(ctx, q, func(line *Line) error {
		lines = append(lines, *line)
		return nil
	})
	slices.Reverse(lines)
	return lines, err
}

// selectLines is what scan reads.
const selectLines = `SELECT l.id, l.time, l.level, l.request_id, l.trace_id, l.body, l.later, o.namespace, o.function, s.function_uid,
	s.generation, s.environment, s.pod_namespace, s.pod, s.pod_uid, s.container
	FROM log_lines l JOIN log_sources s ON s.id = l.source JOIN log_owners o ON o.id = l.owner`

func statement(q *Query) (string, []any) {
	var (
		where []string
		args  []any
	)
	and := func(condition string, values ...any) { where, args = append(where, condition), append(args, values...) }
	owner(q, and)
	source(q, and)
	if !q.Since.IsZero() {
		and("l.time >= ?", q.Since.UnixNano())
	}
	if !q.Until.IsZero() {
		and("l.time < ?", q.Until.UnixNano())
	}
	if q.RequestID != "" {
		and("l.request_id = ?", q.RequestID)
	}
	if q.TraceID != "" {
		and("l.trace_id = ?", q.TraceID)
	}
	if q.Level > logline.Info {
		and("l.level >= ?", q.Level)
	} else if q.Level > 0 {
		and("(l.level >= ? OR l.level = 0)", q.Level)
	}
	s := selectLines
	if len(where) > 0 {
		s += " WHERE " + strings.Join(where, " AND ")
	}
	s += " ORDER BY l.time DESC, l.id DESC"
	if q.Limit > 0 && q.Match == nil {
		s += " LIMIT ?"
		args = append(args, q.Limit)
	}
	return s, args
}

// owner bounds the owners. One function's is written as an equation, so that the index gives the order.
func owner(q *Query, and func(string, ...any)) {
	switch {
	case q.Function != "":
		and("l.owner = (SELECT id FROM log_owners WHERE namespace = ? AND function = ? AND environment = '')", q.Namespace, q.Function)
	case q.Environment != "":
		and("l.owner = (SELECT id FROM log_owners WHERE namespace = ? AND function = '' AND environment = ?)", q.Namespace, q.Environment)
	case q.PodUID != "":
		and("l.owner IN (SELECT owner FROM log_sources WHERE pod_uid = ?)", q.PodUID)
	case q.Namespace != "":
		and("l.owner IN (SELECT id FROM log_owners WHERE namespace = ?)", q.Namespace)
	}
}

func source(q *Query, and func(string, ...any)) {
	if q.PodUID != "" {
		and("s.pod_uid = ?", q.PodUID)
	}
	if q.Pod != "" {
		and("s.pod = ?", q.Pod)
	}
	if q.Container != "" {
		and("s.container = ?", q.Container)
	}
}

func scan(rows *sql.Rows) (*Line, error) {
	var (
		line  Line
		nanos int64
		later []byte
	)
	err := rows.Scan(&line.ID, &nanos, &line.Level, &line.RequestID, &line.TraceID, &line.Text, &later, &line.Namespace, &line.Function,
		&line.FunctionUID, &line.Generation, &line.Environment, &line.PodNamespace, &line.Pod, &line.PodUID, &line.Container)
	line.Time, line.Later = time.Unix(0, nanos).UTC(), decodeLater(later)
	return &line, err
}
