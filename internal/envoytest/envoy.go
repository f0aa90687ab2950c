package envoytest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// patience bounds whatever a test waits for; the machine may be busy.
const patience = 60 * time.Second

// Validate fails the test unless Envoy accepts the bootstrap.
func Validate(tb testing.TB, bootstrap []byte) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, Path(tb), "--mode", "validate", "-l", "error", "-c", write(tb, bootstrap))
	if out, err := cmd.CombinedOutput(); err != nil {
		tb.Errorf("Envoy refuses the configuration: %v\n%s", err, out)
	}
}

func write(tb testing.TB, bootstrap []byte) string {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "envoy.json")
	if err := os.WriteFile(path, bootstrap, 0o600); err != nil {
		tb.Fatal(err)
	}
	return path
}

// Address returns a loopback address of the test's own, so that every part can have its usual port.
func Address(tb testing.TB) string {
	tb.Helper()
	for range 100 {
		host := fmt.Sprintf("127.%d.%d.%d", 128+rand.IntN(100), rand.IntN(256), 2+rand.IntN(250))
		lis, err := (&net.ListenConfig{}).Listen(tb.Context(), "tcp", net.JoinHostPort(host, "9901"))
		if err == nil {
			_ = lis.Close()
			return host
		}
	}
	tb.Fatal("no free loopback address")
	return ""
}

// Envoy is a running Envoy.
type Envoy struct {
	// Admin is the address of its admin interface.
	Admin string

	cmd  *exec.Cmd
	out  output
	done chan struct{}
}

// Start runs Envoy with a bootstrap whose admin interface is at admin, until the test ends, and waits until that
// answers; it may still wait for its listeners.
func Start(tb testing.TB, admin string, bootstrap []byte, args ...string) *Envoy {
	tb.Helper()
	e := &Envoy{Admin: admin, done: make(chan struct{})}
	args = append([]string{"-c", write(tb, bootstrap), "--disable-hot-restart", "--concurrency", "2", "-l", "warn"}, args...)
	e.cmd = exec.Command(Path(tb), args...)
	e.cmd.Stdout, e.cmd.Stderr = &e.out, &e.out
	e.cmd.SysProcAttr = attributes()
	if err := e.cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	go func() { _ = e.cmd.Wait(); close(e.done) }()
	tb.Cleanup(func() {
		e.Stop()
		if tb.Failed() {
			tb.Logf("Envoy's log:\n%s", e.Log())
		}
	})
	Eventually(tb, "Envoy's admin interface answers", func() error {
		_, err := e.Get(tb.Context(), "/server_info")
		return err
	})
	return e
}

// Stop kills Envoy.
func (e *Envoy) Stop() {
	_ = e.cmd.Process.Kill()
	<-e.done
}

// PID is the process's.
func (e *Envoy) PID() int { return e.cmd.Process.Pid }

// Log is what Envoy has written so far.
func (e *Envoy) Log() string { return e.out.String() }

// Get reads a path of the admin interface.
func (e *Envoy) Get(ctx context.Context, path string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+e.Admin+path, nil)
	if err != nil {
		return "", err
	}
	res, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(req)
	if err != nil {
		return "", err
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("status %d: %s", res.StatusCode, body)
	}
	return string(body), err
}

// Eventually calls check until it returns nil, and fails the test when it never does.
func Eventually(tb testing.TB, what string, check func() error) {
	tb.Helper()
	deadline := time.Now().Add(patience)
	for {
		err := check()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			tb.Fatalf("waited %v until %s: %v", patience, what, err)
		}
		time.Sleep(2 * time.Millisecond)
	}
}

// output keeps what a process writes.
type output struct {
	mu  sync.Mutex // guards buf
	buf bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.String()
}
