package kubetest

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"time"
)

// stopTimeout is how long a process may take to end by itself.
const stopTimeout = 10 * time.Second

// process is one running program.
type process struct {
	name  string
	cmd   *exec.Cmd
	log   string
	ended chan struct{} // closed after the process was waited for
	quit  chan struct{} // closed to let the parent thread go
}

// run starts the binary in the server's folder, with its output in a file named after it.
func (s *Server) run(name string, args ...string) error {
	file := filepath.Join(s.dir, name+".log")
	log, err := os.OpenFile(file, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := exec.Command(s.binary, args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = s.dir, log, log
	cmd.Env = append(os.Environ(), "GOGC=50")
	cmd.SysProcAttr = dieWithParent()
	p := &process{name: name, cmd: cmd, log: file, ended: make(chan struct{}), quit: make(chan struct{})}
	if err := p.start(); err != nil {
		return fmt.Errorf("start %s: %w", name, err)
	}
	s.processes = append(s.processes, p)
	return nil
}

// start forks on a thread that lives as long as the process: the kernel ends the child when the forking thread ends.
func (p *process) start() error {
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := p.cmd.Start()
		started <- err
		if err == nil {
			<-p.quit
		}
	}()
	if err := <-started; err != nil {
		return err
	}
	go func() {
		_ = p.cmd.Wait() // how it ended shows in its log
		close(p.quit)
		close(p.ended)
	}()
	return nil
}

// logged reports whether the process has printed the text.
func (p *process) logged(text string) bool {
	log, err := os.ReadFile(p.log)
	return err == nil && bytes.Contains(log, []byte(text))
}

func (p *process) stop() error {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); errors.Is(err, os.ErrProcessDone) {
		return nil
	}
	select {
	case <-p.ended:
		return nil
	case <-time.After(stopTimeout):
	}
	_ = p.cmd.Process.Kill()
	<-p.ended
	return fmt.Errorf("%s did not end within %s and was killed", p.name, stopTimeout)
}
