package logstore

import (
	"context"
	"fmt"
)

// NotExported returns the first lines that were not marked by Exported, in the order in which they were stored.
func (l *Lines) NotExported(ctx context.Context, limit int) ([]Line, error) {
	rows, err := l.db.Query(ctx, selectLines+" WHERE l.id > (SELECT line FROM log_exports WHERE id = 1) ORDER BY l.id LIMIT ?", limit)
	if err != nil {
		return nil, fmt.Errorf("read lines to export: %w", err)
	}
	defer rows.Close()
	var lines []Line
	for rows.Next() {
		line, err := scan(rows)
		if err != nil {
			return nil, fmt.Errorf("read lines to export: %w", err)
		}
		lines = append(lines, *line)
	}
	return lines, rows.Err()
}

// Exported marks the lines up to that ID.
func (l *Lines) Exported(ctx context.Context, id int64) error {
	err := l.db.Write(ctx, func(tx *Tx) error {
		_, err := tx.Exec(ctx, "UPDATE log_exports SET line = ? WHERE id = 1", id)
		return err
	})
	if err != nil {
		return fmt.Errorf("mark exported lines: %w", err)
	}
	return nil
}
