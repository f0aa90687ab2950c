package perf

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"sync/atomic"
	"time"

	"hotpod.dev/environments/contract"
)

// runtimeProcess is a runtime started by itself, without the platform.
type runtimeProcess struct {
	address string
	cmd     *exec.Cmd
	client  *http.Client
}

// nextAddress numbers the loopback addresses of runtimes, which all listen on one port as pods' do.
type nextAddress struct{ n atomic.Int32 }

func (a *nextAddress) take() string {
	n := int(a.n.Add(1))
	return fmt.Sprintf("127.211.%d.%d:8888", n/250%250, n%250+1)
}

// startRuntime starts the runtime of a folder, and waits until it listens. Programs of ours are in the folder programs.
func startRuntime(ctx context.Context, dir, programs, address string) (*runtimeProcess, error) {
	image, err := contract.ReadImage(dir)
	if err != nil {
		return nil, fmt.Errorf("read the runtime's image: %w", err)
	}
	command := image.CommandIn(dir, programs)
	p := &runtimeProcess{address: address, client: &http.Client{Transport: &http.Transport{}}}
	p.cmd = exec.CommandContext(ctx, command[0], command[1:]...)
	p.cmd.Env = append(os.Environ(), "HOTPOD_RUNTIME_ADDRESS="+address)
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start runtime: %w", err)
	}
	err = poll(ctx, "the runtime to listen", func() (bool, error) {
		err := reach(ctx, address)
		return err == nil, err
	})
	if err != nil {
		p.stop()
		return nil, err
	}
	return p, nil
}

// reach connects to an address and hangs up.
func reach(ctx context.Context, address string) error {
	conn, err := (&net.Dialer{Timeout: time.Second}).DialContext(ctx, "tcp", address)
	if err != nil {
		return err
	}
	return conn.Close()
}

// connect opens a connection and leaves it open.
func (p *runtimeProcess) connect(ctx context.Context) error {
	_, _, err := fetch(ctx, p.client, http.MethodGet, "http://"+p.address+"/healthz", nil)
	return err
}

// load has the runtime load a function and returns how long that took.
func (p *runtimeProcess) load(ctx context.Context, file string) (time.Duration, error) {
	body, err := json.Marshal(map[string]any{"filepath": file, "functionName": "", "envVersion": 3})
	if err != nil {
		return 0, err
	}
	began := time.Now()
	status, text, err := fetch(ctx, p.client, http.MethodPost, "http://"+p.address+"/v2/specialize", body)
	took := time.Since(began)
	if err == nil && status >= http.StatusMultipleChoices {
		err = fmt.Errorf("load: status %d: %s", status, text)
	}
	return took, err
}

// stop kills the process and waits for its end.
func (p *runtimeProcess) stop() {
	p.client.CloseIdleConnections()
	_ = p.cmd.Process.Kill()
	_ = p.cmd.Wait()
}

// fetch sends a request and reads the whole answer.
func fetch(ctx context.Context, client *http.Client, method, url string, body []byte) (int, []byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := client.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	return res.StatusCode, text, err
}
