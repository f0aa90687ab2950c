package process

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"syscall"
	"time"
)

// Spec is a program to keep running.
type Spec struct {
	// Name is the word for it in logs and status.
	Name string
	// Path and Args are the program and its arguments, without the program's name.
	Path string
	Args []string
	// Env is the whole environment.
	Env []string
	// Dir is the working directory.
	Dir string
	// LogFile receives what the program prints; it is appended to.
	LogFile string
	// Grace is the time between asking the program to end and killing it.
	Grace time.Duration
}

// Status is how a supervised program is now.
type Status struct {
	Name string `json:"name"`
	// Running is false between a death and the next start, and after the end.
	Running  bool     `json:"running"`
	Identity Identity `json:"identity"`
	// Since is when it was last started or died.
	Since time.Time `json:"since"`
	// Restarts counts the starts after the first.
	Restarts int `json:"restarts"`
	// LastExit tells how it died the last time, with the reason when its log tells one; empty when it never did.
	LastExit string `json:"lastExit,omitempty"`
}

// Supervised is one program that is kept running. Its methods are safe for concurrent use.
type Supervised struct {
	spec   Spec
	log    *slog.Logger
	change func(Status)

	mu     sync.Mutex // guards status
	status Status
}

// New returns a supervisor of the program; Run starts it. The function change, if not nil, is called after each
// change of the status, from Run's goroutine.
func New(spec Spec, log *slog.Logger, change func(Status)) *Supervised {
	return &Supervised{spec: spec, log: log, change: change, status: Status{Name: spec.Name}}
}

// Status returns how the program is now.
func (s *Supervised) Status() Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.status
}

// Run keeps the program running until the context ends, then ends it and returns nil. It returns an error only when
// the program cannot be started the first time.
func (s *Supervised) Run(ctx context.Context) error {
	var pause time.Duration
	for first := true; ; first = false {
		started := time.Now()
		exit, err := s.once(ctx, first)
		if ctx.Err() != nil {
			s.set(func(st *Status) { st.Running, st.Identity = false, Identity{} })
			return nil //nolint:nilerr // it was to end, and how does not matter
		}
		if err != nil && first {
			return fmt.Errorf("start %s: %w", s.spec.Name, err)
		}
		if err != nil {
			exit = err.Error()
		}
		pause = backoff(pause, time.Since(started))
		s.set(func(st *Status) { st.Running, st.Identity, st.Since, st.LastExit = false, Identity{}, time.Now(), exit })
		s.log.Error("process died, starting it again", "process", s.spec.Name, "exit", exit, "pause_ms", pause.Milliseconds())
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(pause):
		}
	}
}

// once runs the program to its end and tells how it ended.
func (s *Supervised) once(ctx context.Context, first bool) (exit string, err error) {
	log, err := os.OpenFile(s.spec.LogFile, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return "", err
	}
	defer log.Close()
	from, err := log.Seek(0, 2)
	if err != nil {
		return "", err
	}
	cmd := exec.Command(s.spec.Path, s.spec.Args...) //nolint:noctx // end asks it to end before killing it
	cmd.Env, cmd.Dir, cmd.Stdout, cmd.Stderr = s.spec.Env, s.spec.Dir, log, log
	ended, err := start(cmd)
	if err != nil {
		return "", err
	}
	identity, err := Identify(cmd.Process.Pid)
	if err != nil { // it has ended already
		identity = Identity{PID: cmd.Process.Pid}
	}
	s.set(func(st *Status) {
		st.Running, st.Identity, st.Since = true, identity, time.Now()
		if !first {
			st.Restarts++
		}
	})
	select {
	case err = <-ended:
	case <-ctx.Done():
		err = s.end(cmd, ended)
	}
	return describe(err, s.spec.LogFile, from), nil
}

// start forks on a thread that stays until the process ends, because the kernel kills the child when the thread that
// forked it ends, not only when the parent does. Children so never outlive the supervisor.
func start(cmd *exec.Cmd) (ended <-chan error, err error) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	started, result := make(chan error), make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			result <- cmd.Wait()
		}
	}()
	return result, <-started
}

func (s *Supervised) end(cmd *exec.Cmd, ended <-chan error) error {
	_ = cmd.Process.Signal(syscall.SIGTERM) // it may have ended
	select {
	case err := <-ended:
		return err
	case <-time.After(s.spec.Grace):
	}
	s.log.Warn("process did not end in time, killing it", "process", s.spec.Name, "grace", s.spec.Grace)
	_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // the same
	return <-ended
}

func (s *Supervised) set(edit func(*Status)) {
	s.mu.Lock()
	edit(&s.status)
	now := s.status
	s.mu.Unlock()
	if s.change != nil {
		s.change(now)
	}
}
