package logstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
	_ "modernc.org/sqlite"             // the driver "sqlite"
)

// DB is an open database. It is safe for concurrent use; writes wait for one another.
type DB struct {
	dialect dialect
	writer  *sql.DB
	reader  *sql.DB // the same as writer in PostgreSQL
}

// connections bounds those that read, and in PostgreSQL all.
const connections = 4

// Open opens the database that dsn names, "sqlite:PATH", a path, or "postgres://…", and makes the file if there is none.
func Open(ctx context.Context, dsn string) (*DB, error) {
	if isPostgres(dsn) {
		return openPostgres(ctx, dsn)
	}
	return openSQLite(ctx, strings.TrimPrefix(dsn, "sqlite:"))
}

// Check returns what is wrong with the form of dsn.
func Check(dsn string) error {
	if isPostgres(dsn) {
		_, err := url.Parse(dsn)
		if err != nil {
			return errors.New("it is not a URL") // the error would tell the password
		}
		return nil
	}
	if path := strings.TrimPrefix(dsn, "sqlite:"); path == "" || strings.Contains(path, "://") {
		return errors.New(`it is neither "sqlite:PATH" nor "postgres://…"`)
	}
	return nil
}

func isPostgres(dsn string) bool {
	return strings.HasPrefix(dsn, "postgres://") || strings.HasPrefix(dsn, "postgresql://")
}

func openPostgres(ctx context.Context, dsn string) (*DB, error) {
	pool, err := sql.Open("pgx", dsn)
	if err != nil {
		return nil, errors.New("open PostgreSQL: the DSN cannot be read") // the error may tell the password
	}
	pool.SetMaxOpenConns(connections)
	db := &DB{dialect: postgres{}, writer: pool, reader: pool}
	if err := pool.PingContext(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("connect to PostgreSQL: %w", err), db.Close())
	}
	return db, nil
}

func openSQLite(ctx context.Context, path string) (*DB, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return nil, fmt.Errorf("make the database's folder: %w", err)
	}
	// Readers see the last commit while one writes. A commit survives the process; after a loss of power the last ones may be
	// missing, none in part, and what they held is read again.
	pragmas := url.Values{"_pragma": {
		"busy_timeout(10000)", "auto_vacuum(incremental)", "journal_mode(wal)", "synchronous(normal)", "journal_size_limit(16777216)",
	}}
	write := url.Values{"_txlock": {"immediate"}, "_pragma": append(pragmas["_pragma"], "cache_size(-4096)")}
	read := url.Values{"_pragma": append(pragmas["_pragma"], "query_only(1)", "cache_size(-2048)")}
	writer, err := sql.Open("sqlite", "file:"+path+"?"+write.Encode())
	if err != nil {
		return nil, fmt.Errorf("open SQLite: %w", err)
	}
	writer.SetMaxOpenConns(1)
	reader, err := sql.Open("sqlite", "file:"+path+"?"+read.Encode())
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open SQLite: %w", err), writer.Close())
	}
	reader.SetMaxOpenConns(connections)
	reader.SetMaxIdleConns(1)
	db := &DB{dialect: sqlite{}, writer: writer, reader: reader}
	if err := writer.PingContext(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("open SQLite file %s: %w", path, err), db.Close())
	}
	return db, nil
}

// Close ends the connections.
func (d *DB) Close() error {
	err := d.writer.Close()
	if d.reader != d.writer {
		err = errors.Join(err, d.reader.Close())
	}
	return err
}

// Kind is "sqlite" or "postgres".
func (d *DB) Kind() string { return d.dialect.name() }

// Ping returns why the database cannot be used.
func (d *DB) Ping(ctx context.Context) error { return d.writer.PingContext(ctx) }

// Write runs do in a transaction that is committed when do returns nil.
func (d *DB) Write(ctx context.Context, do func(*Tx) error) error {
	tx, err := d.writer.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	if err := do(&Tx{tx: tx, dialect: d.dialect}); err != nil {
		return errors.Join(err, ignoreDone(tx.Rollback()))
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return nil
}

func ignoreDone(err error) error {
	if errors.Is(err, sql.ErrTxDone) {
		return nil
	}
	return err
}

// Query reads rows. The caller closes them and looks at their Err.
func (d *DB) Query(ctx context.Context, statement string, args ...any) (*sql.Rows, error) {
	return d.reader.QueryContext(ctx, d.dialect.arguments(statement), args...)
}

// QueryRow reads one row.
func (d *DB) QueryRow(ctx context.Context, statement string, args ...any) *sql.Row {
	return d.reader.QueryRowContext(ctx, d.dialect.arguments(statement), args...)
}

// Tx is a transaction that writes.
type Tx struct {
	tx      *sql.Tx
	dialect dialect
}

// Exec runs a statement.
func (t *Tx) Exec(ctx context.Context, statement string, args ...any) (sql.Result, error) {
	return t.tx.ExecContext(ctx, t.dialect.arguments(statement), args...)
}

// Query reads rows, as of the transaction.
func (t *Tx) Query(ctx context.Context, statement string, args ...any) (*sql.Rows, error) {
	return t.tx.QueryContext(ctx, t.dialect.arguments(statement), args...)
}

// QueryRow reads one row, as of the transaction.
func (t *Tx) QueryRow(ctx context.Context, statement string, args ...any) *sql.Row {
	return t.tx.QueryRowContext(ctx, t.dialect.arguments(statement), args...)
}

// Values returns "(?,?),(?,?)" for rows of so many columns.
func Values(rows, columns int) string {
	row := "(" + strings.TrimSuffix(strings.Repeat("?,", columns), ",") + ")"
	return strings.TrimSuffix(strings.Repeat(row+",", rows), ",")
}

// dialect is what the two databases spell differently.
type dialect interface {
	name() string
	arguments(statement string) string
	types() *strings.Replacer
}

type sqlite struct{}

func (sqlite) name() string                      { return "sqlite" }
func (sqlite) arguments(statement string) string { return statement }
func (sqlite) types() *strings.Replacer {
	return strings.NewReplacer("{key}", "INTEGER PRIMARY KEY AUTOINCREMENT", "{blob}", "BLOB", "{text}", "TEXT")
}

type postgres struct{}

func (postgres) name() string { return "postgres" }
func (postgres) types() *strings.Replacer {
	return strings.NewReplacer("{key}", "BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY", "{blob}", "BYTEA", "{text}", `TEXT COLLATE "C"`)
}

// arguments numbers them. Statements hold no question mark but those of arguments.
func (postgres) arguments(statement string) string {
	var out strings.Builder
	n := 0
	for {
		before, after, found := strings.Cut(statement, "?")
		out.WriteString(before)
		if !found {
			return out.String()
		}
		n++
		out.WriteString("$" + strconv.Itoa(n))
		statement = after
	}
}
