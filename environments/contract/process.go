package contract

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

// runtime is a running runtime process.
type runtime struct {
	t      T
	url    string
	addr   string
	cmd    *exec.Cmd
	client *http.Client
	stdout *log
	stderr *log
	ended  chan struct{}
	err    error
}

// lingers is how long processes that a runtime started may outlive it.
const lingers = 10 * time.Second

// start starts a generic runtime and waits until it listens.
func start(t T, l Language, env ...string) *runtime {
	t.Helper()
	r := launch(t, l, freeAddress(), env...)
	r.await("listening", r.listens)
	return r
}

// launch starts a runtime process as its image says.
func launch(t T, l Language, addr string, env ...string) *runtime {
	t.Helper()
	command := l.Image.CommandIn(l.Dir, l.Programs)
	r := &runtime{t: t, addr: addr, url: "http://" + addr, stdout: &log{}, stderr: &log{}, ended: make(chan struct{})}
	r.client = &http.Client{Transport: &http.Transport{DisableCompression: true}, Timeout: patience}
	r.cmd = exec.CommandContext(context.Background(), command[0], command[1:]...)
	r.cmd.Dir = filepath.Join(l.Dir, l.Image.WorkDir)
	r.cmd.Env = append(os.Environ(), "HOTPOD_RUNTIME_ADDRESS="+addr, "CONTRACT_SCRATCH="+t.TempDir())
	for name, value := range l.Image.Env {
		r.cmd.Env = append(r.cmd.Env, name+"="+value)
	}
	r.cmd.Env = append(r.cmd.Env, env...)
	r.cmd.Stdout, r.cmd.Stderr = r.stdout, r.stderr
	r.cmd.WaitDelay = lingers
	if err := r.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		r.err = r.cmd.Wait()
		close(r.ended)
	}()
	t.Cleanup(r.stop)
	return r
}

// serve starts a runtime and loads a test function.
func serve(t T, l Language, function string, env ...string) *runtime {
	t.Helper()
	path := l.place(t, function)
	r := start(t, l, env...)
	r.mustLoad(path, "")
	return r
}

// freeAddress returns an address that no other check uses, on a loopback address of its own as pods have.
func freeAddress() string {
	n := rand.Uint32() //nolint:gosec // chance is enough among 16 million addresses
	return fmt.Sprintf("127.%d.%d.%d:8888", 64+n>>24%128, n>>8&0xff, n%250+1)
}

func (r *runtime) stop() {
	r.client.CloseIdleConnections()
	killed := time.Now()
	_ = r.cmd.Process.Kill()
	<-r.ended
	if time.Since(killed) >= lingers {
		r.t.Errorf("%s after the runtime was killed, processes of its own still run", lingers)
	}
	if r.t.Failed() {
		r.t.Logf("stdout:\n%s\nstderr:\n%s", r.stdout, r.stderr)
	}
}

// listens reports whether the process accepts connections.
func (r *runtime) listens() bool {
	conn, err := (&net.Dialer{}).DialContext(context.Background(), "tcp", r.addr)
	if err == nil {
		conn.Close()
	}
	return err == nil
}

// await polls a condition until it holds, the process ends or patience does.
func (r *runtime) await(what string, holds func() bool) {
	r.t.Helper()
	deadline := time.After(patience)
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-r.ended:
			r.t.Fatalf("process ended before %s: %v\n%s", what, r.err, r.stderr)
		case <-deadline:
			r.t.Fatalf("not %s in time", what)
		case <-tick.C:
		}
	}
}

// exit waits for the end of the process and returns its exit code.
func (r *runtime) exit() int {
	r.t.Helper()
	select {
	case <-r.ended:
		return r.cmd.ProcessState.ExitCode()
	case <-time.After(patience):
		r.t.Fatal("process did not end in time")
		return -1
	}
}

// terminate asks the process to end, as the platform does.
func (r *runtime) terminate() {
	r.t.Helper()
	if err := r.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		r.t.Fatal(err)
	}
}

// load sends the load call of version 2, as a fetcher does.
func (r *runtime) load(path, entry string) answer {
	r.t.Helper()
	return r.post("/v2/specialize", map[string]any{
		"filepath": path, "functionName": entry, "url": "", "envVersion": 2,
		"FunctionMetadata": map[string]any{"name": "f", "namespace": "default", "uid": "u"},
	})
}

func (r *runtime) mustLoad(path, entry string) {
	r.t.Helper()
	wantLoaded(r.t, r.load(path, entry))
}

// post sends a value as JSON.
func (r *runtime) post(path string, value any) answer {
	r.t.Helper()
	body, err := json.Marshal(value)
	if err != nil {
		r.t.Fatal(err)
	}
	return r.do(http.MethodPost, path, body, "Content-Type", "application/json")
}

// answer is what came back for a request.
type answer struct {
	status int
	header http.Header
	body   []byte
}

func (a answer) text() string { return string(a.body) }

func (r *runtime) get(path string) answer {
	r.t.Helper()
	return r.do(http.MethodGet, path, nil)
}

// do sends a request, with headers given as names and values in turn, and reads the whole answer.
func (r *runtime) do(method, path string, body []byte, headers ...string) answer {
	r.t.Helper()
	a, err := r.try(method, path, body, headers...)
	if err != nil {
		r.t.Fatalf("%s %s: %v\n%s", method, path, err, r.stderr)
	}
	return a
}

func (r *runtime) try(method, path string, body []byte, headers ...string) (answer, error) {
	req, err := http.NewRequestWithContext(context.Background(), method, r.url+path, bytes.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	if body == nil {
		req.Body = http.NoBody
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := r.client.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer res.Body.Close()
	got, err := io.ReadAll(res.Body)
	return answer{status: res.StatusCode, header: res.Header, body: got}, err
}

// goGet sends a GET in the background; its answer comes on the channel.
func (r *runtime) goGet(path string) <-chan result {
	done := make(chan result, 1)
	go func() {
		a, err := r.try(http.MethodGet, path, nil)
		done <- result{a, err}
	}()
	return done
}

type result struct {
	answer
	err error
}

// log collects what a process prints.
type log struct {
	mu  sync.Mutex // guards buf
	buf bytes.Buffer
}

func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

func wantStatus(t T, a answer, status int) {
	t.Helper()
	if a.status != status {
		t.Fatalf("status %d, want %d; body: %.300s", a.status, status, a.body)
	}
}

func wantText(t T, a answer, status int, text string) {
	t.Helper()
	wantStatus(t, a, status)
	if !strings.Contains(a.text(), text) {
		t.Fatalf("body %.300q lacks %q", a.text(), text)
	}
}

func wantLoaded(t T, a answer) {
	t.Helper()
	if a.status >= 300 {
		t.Fatalf("load: %d %s", a.status, a.body)
	}
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func mustEqual[V comparable](t T, what string, got, want V) {
	t.Helper()
	if got != want {
		t.Fatalf("%s: got %v, want %v", what, fmt.Sprint(got), fmt.Sprint(want))
	}
}
