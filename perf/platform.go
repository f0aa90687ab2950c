package perf

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

const (
	startTimeout = 20 * time.Minute // the first start may have to build the API server
	stopTimeout  = 2 * time.Minute
)

// platform is an embedded platform, driven through its program hotpod-local.
type platform struct {
	program string
	// dir holds the platform's data; empty means the program's default.
	dir string
}

func newPlatform(programs, dir string) (*platform, error) {
	program, err := filepath.Abs(filepath.Join(programs, "hotpod-local"))
	if err != nil {
		return nil, fmt.Errorf("find the platform's program: %w", err)
	}
	if _, err := os.Stat(program); err != nil {
		return nil, fmt.Errorf("find the platform's program (make build): %w", err)
	}
	return &platform{program: program, dir: dir}, nil
}

// up starts the platform in the background and returns when it is ready.
func (p *platform) up(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	_, err := p.run(ctx, "up", "--detach")
	return err
}

// down stops the platform; one that does not run is no error.
func (p *platform) down(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
	defer cancel()
	_, err := p.run(ctx, "down")
	return err
}

// settings returns the variables that a shell is told to export.
func (p *platform) settings(ctx context.Context) (map[string]string, error) {
	out, err := p.run(ctx, "env")
	return exports(string(out)), err
}

// process is one of the platform's processes.
type process struct {
	PID     int    `json:"pid"`
	Command string `json:"command"`
}

// processes returns every process of the platform.
func (p *platform) processes(ctx context.Context) ([]process, error) {
	out, err := p.run(ctx, "status", "-o", "json")
	if err != nil {
		return nil, err
	}
	var status struct {
		Memory []process `json:"memory"`
	}
	if err := json.Unmarshal(out, &status); err != nil {
		return nil, fmt.Errorf("read the platform's status: %w", err)
	}
	if len(status.Memory) == 0 {
		return nil, errors.New("the platform's status names no process")
	}
	return status.Memory, nil
}

func (p *platform) run(ctx context.Context, args ...string) ([]byte, error) {
	if p.dir != "" {
		args = append(args, "--dir", p.dir)
	}
	var out, complaint bytes.Buffer
	cmd := exec.CommandContext(ctx, p.program, args...)
	cmd.Stdout, cmd.Stderr = &out, &complaint
	// A start that is given up must stop what it began.
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("hotpod-local %s: %w\n%s", args[0], err, tail(complaint.String()))
	}
	return out.Bytes(), nil
}

// tail returns the last lines of a text.
func tail(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(lines[max(0, len(lines)-20):], "\n")
}

// exports reads lines of the form `export NAME=value`, the value quoted or not.
func exports(text string) map[string]string {
	found := map[string]string{}
	for line := range strings.Lines(text) {
		name, value, ok := strings.Cut(strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(line), "export ")), "=")
		if ok && name != "" {
			found[name] = strings.Trim(value, `"';`)
		}
	}
	return found
}
