package perf

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
)

// ErrMissed says that a goal was missed.
var ErrMissed = errors.New("goals were missed")

// Run runs the scenarios and writes their rows, as a table to w. With c.Check it returns ErrMissed when a goal is
// missed. Rows measured before a scenario fails are written all the same.
func Run(ctx context.Context, c Config, w io.Writer, log *slog.Logger) error {
	var r Results
	err := measure(ctx, c, &r, log)
	goals, faulty := loadGoals(c.Goals)
	errs := []error{err, faulty, r.WriteTable(w), writeJSON(c.JSON, &r), writeDocs(c.Docs, &r, goals)}
	if c.Check && err == nil {
		errs = append(errs, check(c, &r, goals, w))
	}
	return errors.Join(errs...)
}

func measure(ctx context.Context, c Config, r *Results, log *slog.Logger) (err error) {
	var shared *Session
	defer func() {
		if shared != nil {
			err = errors.Join(err, shared.Close(ctx))
		}
	}()
	for _, name := range c.Scenarios {
		s, _ := scenarioOf(name)
		if !c.Inside {
			log.Info("scenario begins", "scenario", name)
		}
		switch {
		case s.ownNetwork:
			err = isolate(ctx, c, s, r, log)
		case s.alone != nil:
			err = s.alone(ctx, c, r, log)
		case shared == nil:
			if shared, err = Open(ctx, c, log); err != nil {
				return err
			}
			fallthrough
		default:
			err = s.platform(ctx, shared, r)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

func writeJSON(file string, r *Results) error {
	if file == "" {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o750); err != nil {
		return fmt.Errorf("make the folder of the results: %w", err)
	}
	f, err := os.Create(file)
	if err != nil {
		return fmt.Errorf("make the file of the results: %w", err)
	}
	return errors.Join(r.WriteJSON(f), f.Close())
}

func check(c Config, r *Results, goals []Goal, w io.Writer) error {
	fmt.Fprintln(w)
	missed, err := WriteVerdicts(w, Judge(goals, r.Rows), c.Scenarios)
	if err != nil {
		return err
	}
	if missed > 0 {
		return fmt.Errorf("%w: %d", ErrMissed, missed)
	}
	return nil
}

func loadGoals(file string) ([]Goal, error) {
	if file == "" {
		return DefaultGoals()
	}
	raw, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read goals: %w", err)
	}
	return ParseGoals(raw)
}
