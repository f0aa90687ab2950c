package router

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os/exec"
	"syscall"
	"time"
)

// Config says which Envoy to run and how to end it.
type Config struct {
	// Command is Envoy with its arguments.
	Command []string
	// Admin is the address of Envoy's admin interface, "host:port".
	Admin string
	// Quiet is how long nobody must have asked for anything before Envoy is stopped.
	Quiet time.Duration
	// Grace bounds the time from the order to end until Envoy is stopped.
	Grace time.Duration
	// Stdout and Stderr are Envoy's.
	Stdout, Stderr io.Writer
	// Log receives what happens; it must not be nil.
	Log *slog.Logger
}

// Validate returns every fault of the configuration.
func (c Config) Validate() error {
	var errs []error
	if len(c.Command) == 0 {
		errs = append(errs, errors.New("no command to run: name it after --"))
	}
	if c.Admin == "" {
		errs = append(errs, errors.New("no address of the admin interface"))
	}
	if c.Quiet < 0 || c.Grace < 0 {
		errs = append(errs, errors.New("quiet and grace must not be negative"))
	}
	return errors.Join(errs...)
}

// stopTime is what Envoy gets to exit once nothing is inside.
const stopTime = 5 * time.Second

// Run starts Envoy and returns when it has ended: after ctx ends and everything inside was answered, or by itself,
// which is an error.
func Run(ctx context.Context, c Config) error {
	if err := c.Validate(); err != nil {
		return err
	}
	cmd := exec.Command(c.Command[0], c.Command[1:]...) //nolint:noctx // it ends in its own way
	cmd.Stdout, cmd.Stderr = c.Stdout, c.Stderr
	cmd.SysProcAttr = withParent()
	ended := make(chan error, 1)
	started := make(chan error, 1)
	go run(cmd, started, ended)
	if err := <-started; err != nil {
		return fmt.Errorf("start %s: %w", c.Command[0], err)
	}
	select {
	case err := <-ended:
		return errors.Join(errors.New("envoy ended by itself"), err)
	case <-ctx.Done():
	}
	if err := c.empty(context.WithoutCancel(ctx), ended); err != nil {
		c.Log.Warn("envoy is stopped with requests inside", "error", err)
	}
	return stop(cmd, ended)
}

// stop ends Envoy, which has nothing to do any more.
func stop(cmd *exec.Cmd, ended <-chan error) error {
	_ = cmd.Process.Signal(syscall.SIGTERM) // it may have ended
	select {
	case <-ended: //nolint:errcheck // how it ends at SIGTERM says nothing
		return nil
	case <-time.After(stopTime):
		_ = cmd.Process.Kill()
		<-ended //nolint:errcheck // it was killed
		return errors.New("envoy had to be killed")
	}
}
