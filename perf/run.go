package perf

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
)

// ErrMissed says that a goal was missed.
var ErrMissed = errors.New("goals were missed")

// Run runs the scenarios and writes their rows, as a table to w. With c.Check it returns ErrMissed when a goal is
// missed. Rows measured before a scenario fails are written all the same.
func Run(ctx context.Context, c Config, w io.Writer, log *slog.Logger) error {
	var r Results
	err := measure(ctx, c, &r, log)
	errs := []error{err, r.WriteTable(w), writeJSON(c.JSON, &r)}
	if c.Check && err == nil {
		errs = append(errs, check(c, &r, w))
	}
	return errors.Join(errs...)
}

func measure(ctx context.Context, c Config, r *Results, log *slog.Logger) (err error) {
	scenarios := c.Scenarios
	if slices.Contains(scenarios, "up") {
		log.Info("scenario begins", "scenario", "up")
		if err := Up(ctx, c, r, log); err != nil {
			return fmt.Errorf("up: %w", err)
		}
		scenarios = slices.DeleteFunc(slices.Clone(scenarios), func(name string) bool { return name == "up" })
	}
	if len(scenarios) == 0 {
		return nil
	}
	s, err := Open(ctx, c, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close(ctx)) }()
	run := map[string]func(context.Context, *Session, *Results) error{"memory": Memory, "cold": Cold, "warm": Warm}
	for _, name := range scenarios {
		log.Info("scenario begins", "scenario", name)
		if err := run[name](ctx, s, r); err != nil {
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

func check(c Config, r *Results, w io.Writer) error {
	goals, err := loadGoals(c.Goals)
	if err != nil {
		return err
	}
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
