package platform

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// Detach runs the program in the background, in a session of its own, and returns when the platform in the folder is
// ready. Until then it copies what the program prints to the writer. A program that ends before is an error.
func Detach(ctx context.Context, dir, program string, args []string, out io.Writer) error {
	l := Layout(dir)
	if err := os.MkdirAll(l.Logs(), 0o700); err != nil {
		return err
	}
	// The log of a platform that runs must stay; the program would find out too late.
	free, err := acquire(l)
	if err != nil {
		return err
	}
	free.release()
	log, err := os.OpenFile(l.Log("up"), os.O_CREATE|os.O_TRUNC|os.O_RDWR|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := exec.Command(program, args...) //nolint:noctx // it outlives its caller
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start in the background: %w", err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	follow := &follower{file: l.Log("up"), out: out}
	for {
		follow.copy()
		state, err := ReadState(l)
		if err == nil && state.Phase == Ready && state.Supervisor.PID == cmd.Process.Pid {
			return nil
		}
		select {
		case err := <-ended:
			follow.copy()
			return errors.Join(errors.New("the platform did not start"), err)
		case <-ctx.Done():
			_ = cmd.Process.Signal(syscall.SIGTERM) // it may have ended
			return errors.Join(ctx.Err(), <-ended)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// follower copies a growing file.
type follower struct {
	file string
	at   int64
	out  io.Writer
}

func (f *follower) copy() {
	text, err := os.ReadFile(f.file)
	if err != nil || int64(len(text)) <= f.at {
		return
	}
	_, _ = io.Copy(f.out, strings.NewReader(string(text[f.at:]))) // the reader may have gone
	f.at = int64(len(text))
}
