package perf

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"sync"
	"time"
)

// child is a program that a scenario started. Stop it.
type child struct {
	cmd   *exec.Cmd
	began time.Time
	said  lastWords
	ended chan struct{}
}

// startChild starts a program with an environment of its own.
func startChild(ctx context.Context, env []string, program string, args ...string) (*child, error) {
	c := &child{cmd: exec.CommandContext(ctx, program, args...), ended: make(chan struct{})}
	c.cmd.Env = append([]string{}, env...) // nothing of ours, which could change how it runs
	c.cmd.Stdout, c.cmd.Stderr = &c.said, &c.said
	c.began = time.Now()
	if err := c.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", program, err)
	}
	go func() {
		_ = c.cmd.Wait()
		close(c.ended)
	}()
	return c, nil
}

// awaitListening waits until the child accepts connections and returns how long after its start that was.
func (c *child) awaitListening(ctx context.Context, address string) (time.Duration, error) {
	const (
		look     = 200 * time.Microsecond
		atLatest = 30 * time.Second
	)
	for time.Since(c.began) < atLatest {
		if err := reach(ctx, address); err == nil {
			return time.Since(c.began), nil
		}
		select {
		case <-ctx.Done():
			return 0, ctx.Err()
		case <-c.ended:
			return 0, fmt.Errorf("%s ended before it listened: %s", c.cmd.Path, c.said.String())
		case <-time.After(look):
		}
	}
	return 0, fmt.Errorf("%s does not listen on %s: %s", c.cmd.Path, address, c.said.String())
}

func (c *child) pid() int { return c.cmd.Process.Pid }

// stop kills the child and waits for its end. None drains: nothing is on its way when a scenario stops it.
func (c *child) stop() {
	_ = c.cmd.Process.Kill()
	<-c.ended
}

// lastWords keeps the end of what a program writes. It is safe for concurrent use.
type lastWords struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write implements io.Writer.
func (l *lastWords) Write(p []byte) (int, error) {
	const enough = 16 << 10
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.text.Len()+len(p) > enough {
		l.text.Reset()
	}
	return l.text.Write(p)
}

// String returns the last lines.
func (l *lastWords) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return tail(l.text.String())
}
