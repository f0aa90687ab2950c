// Package logstore is the database of what happened: the lines that functions wrote, and, in tables of their owners, what other
// packages keep beside them. It is SQLite in a file, or PostgreSQL; both behave the same.
//
//	db, err := logstore.Open(ctx, "sqlite:/var/lib/hotpod/logs/logs.db")  // or "postgres://user@host/name"
//	lines, err := logstore.NewLines(ctx, db)                              // makes its tables
//
// A package with tables of its own hands Migrate its steps, and uses Write and Query. Statements are written once, with "?" for
// arguments; the words {key}, {blob} and {text} in migrations stand for what the two databases spell differently.
package logstore
