package logstore

import (
	"context"
	"fmt"
)

// Migrate brings the tables of owner up to date: steps that were not run yet are run in order, each once, in one transaction with
// the note that it was. Steps never change and are only added to. Each is one or several statements.
func (d *DB) Migrate(ctx context.Context, owner string, steps ...string) error {
	err := d.Write(ctx, func(tx *Tx) error {
		if d.Kind() == "postgres" { // two who start at once wait for one another
			if _, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock(4920311)"); err != nil {
				return err
			}
		}
		if _, err := tx.Exec(ctx, "CREATE TABLE IF NOT EXISTS migrations (owner TEXT PRIMARY KEY, step BIGINT NOT NULL)"); err != nil {
			return err
		}
		return d.migrate(ctx, tx, owner, steps)
	})
	if err != nil {
		return fmt.Errorf("bring the tables of %s up to date: %w", owner, err)
	}
	return nil
}

func (d *DB) migrate(ctx context.Context, tx *Tx, owner string, steps []string) error {
	var done int
	err := tx.QueryRow(ctx, "SELECT COALESCE(MAX(step), 0) FROM migrations WHERE owner = ?", owner).Scan(&done)
	if err != nil {
		return err
	}
	if done > len(steps) {
		return fmt.Errorf("the database is of a newer version: it has %d steps, this program knows %d", done, len(steps))
	}
	for i, step := range steps[done:] {
		if _, err := tx.Exec(ctx, d.dialect.types().Replace(step)); err != nil {
			return fmt.Errorf("step %d: %w", done+i+1, err)
		}
	}
	_, err = tx.Exec(ctx, "INSERT INTO migrations (owner, step) VALUES (?, ?) ON CONFLICT (owner) DO UPDATE SET step = excluded.step",
		owner, len(steps))
	return err
}
