package perf

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

const (
	startTimeout = 10 * time.Minute // the first start may have to build the API server
	stopTimeout  = 2 * time.Minute
	pollInterval = 20 * time.Millisecond
)

// platform is an embedded platform with its data in one folder, driven through its program hotpod-local.
type platform struct {
	program, dir string
	log          *slog.Logger
	cmd          *exec.Cmd
	output       bytes.Buffer
	ended        chan struct{}
	err          error
}

func newPlatform(programs, dir string, log *slog.Logger) (*platform, error) {
	program, err := filepath.Abs(filepath.Join(programs, "hotpod-local"))
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(program); err != nil {
		return nil, fmt.Errorf("find the platform's program (make build): %w", err)
	}
	return &platform{program: program, dir: dir, log: log}, nil
}

// up starts the platform and waits until it says that it is ready.
func (p *platform) up(ctx context.Context) error {
	p.output.Reset()
	p.ended = make(chan struct{})
	p.cmd = exec.CommandContext(context.WithoutCancel(ctx), p.program, "up", "--dir", p.dir)
	p.cmd.Stdout, p.cmd.Stderr = &p.output, &p.output
	if err := p.cmd.Start(); err != nil {
		return fmt.Errorf("start the platform: %w", err)
	}
	go func() {
		p.err = p.cmd.Wait()
		close(p.ended)
	}()
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	return p.await(ctx)
}

func (p *platform) await(ctx context.Context) error {
	for {
		if exec.CommandContext(ctx, p.program, "status", "--quiet", "--dir", p.dir).Run() == nil {
			return nil
		}
		select {
		case <-p.ended:
			return fmt.Errorf("the platform ended: %w\n%s", errors.Join(p.err, errEnded), p.tail())
		case <-ctx.Done():
			return fmt.Errorf("the platform is not ready: %w\n%s", ctx.Err(), p.tail())
		case <-time.After(pollInterval):
		}
	}
}

var errEnded = errors.New("before it was ready")

// tail is the end of what the platform printed; it is complete only after the platform ended.
func (p *platform) tail() string {
	select {
	case <-p.ended:
	case <-time.After(time.Second):
		return ""
	}
	lines := strings.Split(strings.TrimSpace(p.output.String()), "\n")
	return strings.Join(lines[max(0, len(lines)-20):], "\n")
}

// down stops the platform and waits for its end.
func (p *platform) down() error {
	if p.cmd == nil {
		return nil
	}
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("stop the platform: %w", err)
	}
	select {
	case <-p.ended:
		return nil
	case <-time.After(stopTimeout):
		return errors.Join(errors.New("the platform did not stop in time"), p.cmd.Process.Kill())
	}
}

// settings returns the variables that `hotpod-local env` tells a shell to export.
func (p *platform) settings(ctx context.Context) (map[string]string, error) {
	out, err := exec.CommandContext(ctx, p.program, "env", "--dir", p.dir).Output()
	if err != nil {
		return nil, fmt.Errorf("ask the platform for its settings: %w", err)
	}
	return exports(string(out)), nil
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
