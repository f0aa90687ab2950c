package logstore

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"
)

// steps make the tables of lines. An owner is a function or an environment by name; a source is one version of it in one container.
func steps() []string {
	return []string{`
CREATE TABLE log_owners (
	id {key},
	namespace {text} NOT NULL,
	function {text} NOT NULL,
	environment {text} NOT NULL,
	UNIQUE (namespace, function, environment)
);
CREATE TABLE log_sources (
	id {key},
	owner BIGINT NOT NULL,
	function_uid {text} NOT NULL,
	generation BIGINT NOT NULL,
	environment {text} NOT NULL,
	pod_namespace {text} NOT NULL,
	pod {text} NOT NULL,
	pod_uid {text} NOT NULL,
	container {text} NOT NULL,
	UNIQUE (pod_uid, container, owner, function_uid, generation)
);
CREATE INDEX log_sources_owner ON log_sources (owner);
CREATE TABLE log_lines (
	id {key},
	owner BIGINT NOT NULL,
	source BIGINT NOT NULL,
	time BIGINT NOT NULL,
	level BIGINT NOT NULL,
	request_id {text} NOT NULL,
	trace_id {text} NOT NULL,
	body {text} NOT NULL,
	later {blob}
);
CREATE INDEX log_lines_owner ON log_lines (owner, time, id);
CREATE INDEX log_lines_request ON log_lines (request_id) WHERE request_id <> '';
CREATE TABLE log_streams (
	pod_uid {text} NOT NULL,
	container {text} NOT NULL,
	restart BIGINT NOT NULL,
	until BIGINT NOT NULL,
	ended BIGINT NOT NULL,
	PRIMARY KEY (pod_uid, container)
);
CREATE TABLE log_usage (id BIGINT PRIMARY KEY, bytes BIGINT NOT NULL, pruned BIGINT NOT NULL);
INSERT INTO log_usage (id, bytes, pruned) VALUES (1, 0, 0);
CREATE TABLE log_exports (id BIGINT PRIMARY KEY, line BIGINT NOT NULL);
INSERT INTO log_exports (id, line) VALUES (1, 0)`}
}

// Lines are the log lines in a database. They are safe for concurrent use.
type Lines struct {
	db *DB

	mu      sync.Mutex // guards sources, and is held while lines are written
	sources map[Source]ids
}

// ids are those of a source and its owner.
type ids struct{ owner, source int64 }

// NewLines makes the tables of lines if they are missing.
func NewLines(ctx context.Context, db *DB) (*Lines, error) {
	if err := db.Migrate(ctx, "logs", steps()...); err != nil {
		return nil, err
	}
	return &Lines{db: db, sources: map[Source]ids{}}, nil
}

// Stream is how far a container's log has been stored.
type Stream struct {
	PodUID, Container string
	// Restart is the container's restart count when it was read.
	Restart int64
	// Until is the latest time of its lines; zero if it has none.
	Until time.Time
	// Ended says that it was read to its end, which will not grow.
	Ended bool
}

// Batch is what is stored together, all or nothing: lines, and how far their streams are with them.
type Batch struct {
	Lines   []Line
	Streams []Stream
}

// knownSources bounds what is remembered of sources.
const knownSources = 20000

// Append stores a batch.
func (l *Lines) Append(ctx context.Context, b Batch) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.sources) > knownSources {
		clear(l.sources)
	}
	err := l.db.Write(ctx, func(tx *Tx) error {
		if err := l.insert(ctx, tx, b.Lines); err != nil {
			return err
		}
		return putStreams(ctx, tx, b.Streams)
	})
	if err != nil {
		clear(l.sources) // some may be of the transaction that failed
		return fmt.Errorf("store %d lines: %w", len(b.Lines), err)
	}
	return nil
}

// rowsAtOnce are inserted by one statement, and columns is how many each has.
const (
	rowsAtOnce = 64
	columns    = 8
)

func (l *Lines) insert(ctx context.Context, tx *Tx, lines []Line) error {
	var bytes int64
	args := make([]any, 0, rowsAtOnce*columns)
	for i := range lines {
		line := &lines[i]
		id, err := l.source(ctx, tx, line.Source)
		if err != nil {
			return err
		}
		later := encodeLater(line.Later)
		bytes += size(line, later)
		args = append(args, id.owner, id.source, line.Time.UnixNano(), line.Level, line.RequestID, line.TraceID, line.Text, later)
		if len(args) == cap(args) || i == len(lines)-1 {
			_, err := tx.Exec(ctx, "INSERT INTO log_lines (owner, source, time, level, request_id, trace_id, body, later) VALUES "+
				Values(len(args)/columns, columns), args...)
			if err != nil {
				return err
			}
			args = args[:0]
		}
	}
	if bytes == 0 {
		return nil
	}
	_, err := tx.Exec(ctx, "UPDATE log_usage SET bytes = bytes + ? WHERE id = 1", bytes)
	return err
}

// source returns the ids of a source, made now if it is new. Call it with mu held.
func (l *Lines) source(ctx context.Context, tx *Tx, s Source) (ids, error) {
	if known, ok := l.sources[s]; ok {
		return known, nil
	}
	environment := s.Environment
	if s.Function != "" {
		environment = "" // a function is the same in another environment
	}
	var id ids
	err := insertOnce(ctx, tx, &id.owner, "log_owners", []string{"namespace", "function", "environment"}, s.Namespace, s.Function, environment)
	if err != nil {
		return ids{}, err
	}
	err = insertOnce(ctx, tx, &id.source, "log_sources",
		[]string{"pod_uid", "container", "owner", "function_uid", "generation", "environment", "pod_namespace", "pod"},
		s.PodUID, s.Container, id.owner, s.FunctionUID, s.Generation, s.Environment, s.PodNamespace, s.Pod)
	if err != nil {
		return ids{}, err
	}
	l.sources[s] = id
	return id, nil
}

// insertOnce inserts a row unless there is one, and reads its id.
func insertOnce(ctx context.Context, tx *Tx, id *int64, table string, names []string, values ...any) error {
	_, err := tx.Exec(ctx, "INSERT INTO "+table+" ("+strings.Join(names, ", ")+") VALUES "+Values(1, len(names))+" ON CONFLICT DO NOTHING", values...)
	if err != nil {
		return err
	}
	where := strings.Join(names, " = ? AND ") + " = ?"
	return tx.QueryRow(ctx, "SELECT id FROM "+table+" WHERE "+where, values...).Scan(id)
}
