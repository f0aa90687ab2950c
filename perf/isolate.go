package perf

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
)

// isolate runs a scenario in a process with a network of its own, where only the loopback is: some contestants have
// ports that cannot be chosen, which others on the machine, or a running platform, may hold. Where the system
// forbids that, the scenario runs on the machine's own network.
func isolate(ctx context.Context, c Config, s scenario, r *Results, log *slog.Logger) error {
	if s.peers && !c.Contest.Only {
		p, err := findPeers(ctx, c, log)
		if err != nil {
			return err
		}
		c.Peers = p.dir
	}
	attributes, ok := ownNetwork()
	if c.Self == "" || c.Inside || !ok {
		if c.Inside {
			if err := raiseLoopback(); err != nil {
				return err
			}
		}
		return s.alone(ctx, c, r, log)
	}
	tmp, err := os.MkdirTemp("", "hotpod-perf-")
	if err != nil {
		return fmt.Errorf("make a folder for the rows: %w", err)
	}
	defer os.RemoveAll(tmp)
	file := filepath.Join(tmp, "rows.json")
	cmd := exec.CommandContext(ctx, c.Self, append(append([]string{s.name}, c.arguments...), "--inside", "--check=false", "--docs=", "--peers="+c.Peers, "--json="+file)...)
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = attributes
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	err = cmd.Run()
	if errors.Is(err, os.ErrPermission) {
		log.Warn("no network of its own for the scenario: its ports may be taken", "scenario", s.name, "error", err)
		return s.alone(ctx, c, r, log)
	}
	return errors.Join(err, addRows(file, r))
}

// addRows appends the rows of a file; there is none when the scenario failed early.
func addRows(file string, r *Results) error {
	text, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read rows: %w", err)
	}
	var rows []Row
	if err := json.Unmarshal(text, &rows); err != nil {
		return fmt.Errorf("read rows: %w", err)
	}
	r.Rows = append(r.Rows, rows...)
	return nil
}
