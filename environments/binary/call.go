package binary

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"syscall"
	"time"

	"hotpod.dev/environments/generic"
)

const (
	// grace is how long a program whose client went away may take to end.
	grace = 2 * time.Second
	// maxTold bounds what of a program's errors is told in an answer: the last of it.
	maxTold = 8 << 10
)

// handler starts the program for each request.
type handler struct {
	program    program
	showErrors bool
	log        io.Writer
}

// ServeHTTP serves one request.
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	// The program may answer while its client still sends.
	_ = http.NewResponseController(w).EnableFullDuplex()
	c := &call{handler: h, w: w, told: generic.Tail{Limit: maxTold}}
	if err := c.run(r); err != nil {
		c.fail(r, err)
	}
}

// call is one request and its process.
type call struct {
	*handler
	w    http.ResponseWriter
	told generic.Tail
	// lines are what the program writes on standard error, on its way to the log.
	lines *generic.Tagged
	sent  bool
}

func (c *call) run(r *http.Request) error {
	cmd := c.command(r)
	head, headOfChild, err := os.Pipe()
	if err != nil {
		return err
	}
	defer head.Close()
	cmd.ExtraFiles = []*os.File{headOfChild} // The child's file descriptor 3.
	stdin, errIn := cmd.StdinPipe()
	stdout, errOut := cmd.StdoutPipe()
	err = errors.Join(errIn, errOut)
	if err == nil {
		err = cmd.Start()
	}
	headOfChild.Close()
	if err != nil {
		return fmt.Errorf("start the function: %w", err)
	}
	body := &requestBody{from: r.Body, broken: cmd.Cancel}
	go func() {
		_, _ = io.Copy(stdin, body) // Ends with the body, with the program, or with this request.
		stdin.Close()
	}()
	a := &answer{w: c.w, head: head, patient: r.Method == http.MethodHead}
	broken := a.copy(stdout)
	c.sent = a.sent
	if broken != nil {
		stdout.Close()
	}
	err = cmd.Wait()
	c.lines.Finish()
	if r.Context().Err() != nil {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // What is left of the group.
	}
	if fault := body.fault(); fault != nil {
		return fault
	}
	if err != nil && !errors.Is(err, exec.ErrWaitDelay) {
		return err
	}
	if broken == nil {
		a.finish()
	}
	return nil
}

// command prepares the process: a group of its own, which ends when the client goes away or this process dies.
func (c *call) command(r *http.Request) *exec.Cmd {
	cmd := exec.CommandContext(r.Context(), c.program.command[0], c.program.command[1:]...) //nolint:gosec // the function
	cmd.Dir = c.program.dir
	cmd.Env = c.program.environment(r)
	c.lines = generic.NewTagged(c.log, r)
	cmd.Stderr = io.MultiWriter(&c.told, c.lines)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	cmd.WaitDelay = grace
	return cmd
}

// fail answers with an error, or cuts the connection when a part of another answer is sent.
func (c *call) fail(r *http.Request, err error) {
	if r.Context().Err() != nil {
		panic(http.ErrAbortHandler) // Nobody is there.
	}
	fmt.Fprintf(generic.NewTagged(c.log, r), "function error: %v\n", err)
	if c.sent {
		panic(http.ErrAbortHandler)
	}
	status, text := http.StatusInternalServerError, "Internal server error"
	if errors.Is(err, errBody) {
		status, text = http.StatusBadRequest, err.Error()
	} else if c.showErrors {
		text += ": " + err.Error() + "\n" + c.told.String()
	}
	c.w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	c.w.WriteHeader(status)
	_, _ = io.WriteString(c.w, string(bytes.TrimRight([]byte(text), "\n"))+"\n") //nolint:gosec // plain text, for who owns the function
}
