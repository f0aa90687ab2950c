package golang

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"hotpod.dev/environments/generic"
)

const (
	// maxTold bounds what of a program's errors is told to who loads it: the last of it.
	maxTold = 64 << 10
	// listenPoll is how often a program that listens by itself is tried.
	listenPoll = 2 * time.Millisecond
)

// child is the function's process. When it ends, ended is closed.
type child struct {
	cmd   *exec.Cmd
	told  *generic.Tail
	ended chan struct{}
	err   error
}

// startChild starts the program; files are its file descriptors from 3 on, and are closed here. What it leaves in pipes, if there are
// any, is written out when it has ended.
func startChild(program string, env []string, log io.Writer, pipes *pipes, files ...*os.File) (*child, error) {
	c := &child{told: &generic.Tail{Limit: maxTold}, ended: make(chan struct{})}
	c.cmd = exec.Command(program) //nolint:noctx // it outlives the load call
	c.cmd.Env = env
	c.cmd.Stdout, c.cmd.Stderr = os.Stdout, io.MultiWriter(log, c.told)
	c.cmd.ExtraFiles = files
	c.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	err := c.cmd.Start()
	for _, f := range files {
		f.Close()
	}
	if err != nil {
		pipes.close()
		return nil, fmt.Errorf("start the function: %w", err)
	}
	go func() {
		c.err = c.cmd.Wait()
		pipes.empty(c.cmd.Stdout, c.cmd.Stderr)
		close(c.ended)
	}()
	return c, nil
}

// kill ends a child that shall not be served.
func (c *child) kill() {
	_ = c.cmd.Process.Kill()
	<-c.ended
}

// failure says why the child ended before it served, with its own words.
func (c *child) failure() error {
	how := "it ended"
	if c.err != nil {
		how = c.err.Error()
	}
	return fmt.Errorf("the function ended before it served: %s\n%s", how, strings.TrimSpace(c.told.String()))
}

// awaitReady waits until the child says on the pipe that it serves.
func (c *child) awaitReady(ctx context.Context, ready *os.File) error {
	defer ready.Close()
	said := make(chan bool, 1)
	go func() {
		n, _ := ready.Read(make([]byte, 1))
		said <- n == 1
	}()
	select {
	case ok := <-said:
		if ok {
			return nil
		}
		<-c.ended // It closed the pipe: it is ending.
		return c.failure()
	case <-ctx.Done():
		c.kill()
		return fmt.Errorf("load the function: %w", context.Cause(ctx))
	}
}

// awaitListening waits until something listens at the address.
func (c *child) awaitListening(ctx context.Context, address string) error {
	poll := time.NewTicker(listenPoll)
	defer poll.Stop()
	for {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
		if err == nil {
			return conn.Close()
		}
		select {
		case <-c.ended:
			return c.failure()
		case <-ctx.Done():
			c.kill()
			return fmt.Errorf("the program does not listen at HOTPOD_RUNTIME_ADDRESS: %w", context.Cause(ctx))
		case <-poll.C:
		}
	}
}

// EndError is the end of the function's process, which is the runtime's.
type EndError struct{ Code int }

// Error says how the function ended.
func (e EndError) Error() string { return fmt.Sprintf("the function's process ended with %d", e.Code) }

// ExitCode is what the runtime exits with.
func (e EndError) ExitCode() int { return e.Code }

// end returns how the child ended.
func (c *child) end() error {
	var exit *exec.ExitError
	if !errors.As(c.err, &exit) {
		return EndError{Code: 0}
	}
	if status, ok := exit.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return EndError{Code: 128 + int(status.Signal())}
	}
	return EndError{Code: exit.ExitCode()}
}
