package fetcher

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"hotpod.dev/wire"
)

const (
	// maxComplaint bounds what is kept of a runtime's answer to a failed load: enough for a stack trace.
	maxComplaint = 16 << 10
	firstRetry   = 5 * time.Millisecond
	lastRetry    = 100 * time.Millisecond
	probeTimeout = time.Second
)

// runtime is the container that runs the function.
type runtime struct {
	address string
	client  *http.Client
	dialer  net.Dialer
}

func newRuntime(address string) *runtime {
	r := &runtime{address: address}
	r.client = &http.Client{
		// One call in a life: a kept connection would only occupy the function's server.
		Transport:     &http.Transport{DisableKeepAlives: true, DialContext: r.dialer.DialContext},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return r
}

// loadRequest is Fission's FunctionLoadRequest.
type loadRequest struct {
	FilePath         string          `json:"filepath"`
	FunctionName     string          `json:"functionName"`
	URL              string          `json:"url"`
	FunctionMetadata json.RawMessage //nolint:tagliatelle // Fission's field has no tag, so its key is capitalised
	EnvVersion       int             `json:"envVersion"`
	// Env are variables of the function: a key of our own, which Fission's runtimes do not look at.
	Env map[string]string `json:"env,omitempty"`
}

// firstLoadRequest is the body of a load call of version 1, where Fission's runtimes expect and read none.
type firstLoadRequest struct {
	Env map[string]string `json:"env"`
}

// listening returns nil when the runtime accepts connections.
func (r *runtime) listening(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	conn, err := r.dialer.DialContext(ctx, "tcp", r.address)
	if err != nil {
		return err
	}
	return conn.Close()
}

// load tells the runtime to load the code at path. Only connections that could not be made are tried again: the
// runtime may have seen everything else.
func (r *runtime) load(ctx context.Context, req *wire.SpecializeRequest, path string) error {
	for wait := firstRetry; ; wait = min(2*wait, lastRetry) {
		err := r.loadOnce(ctx, req, path)
		var dial *net.OpError
		if err == nil || !errors.As(err, &dial) || dial.Op != "dial" {
			return r.explain(ctx, err)
		}
		select {
		case <-ctx.Done():
			return ours(dial, "the runtime does not listen on %s", r.address)
		case <-time.After(wait):
		}
	}
}

func (r *runtime) loadOnce(ctx context.Context, req *wire.SpecializeRequest, path string) error {
	call, err := r.loadCall(ctx, req, path)
	if err != nil {
		return err
	}
	resp, err := r.client.Do(call)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode < http.StatusMultipleChoices {
		return nil
	}
	complaint, _ := io.ReadAll(io.LimitReader(resp.Body, maxComplaint))
	text := strings.TrimSpace(strings.ToValidUTF8(string(complaint), "?"))
	if strings.Contains(text, "Not a generic container") {
		return ours(nil, "the runtime was loaded before (%d): %s", resp.StatusCode, text)
	}
	return theirs("the runtime could not load the code (%d): %s", resp.StatusCode, text)
}

func (r *runtime) loadCall(ctx context.Context, req *wire.SpecializeRequest, path string) (*http.Request, error) {
	var say any
	url, contentType, body := "/specialize", "text/plain", []byte(nil)
	if req.EnvVersion >= 2 {
		url = "/v2/specialize"
		say = loadRequest{
			FilePath: path, FunctionName: req.EntryPoint, FunctionMetadata: req.Metadata, EnvVersion: req.EnvVersion, Env: req.Env,
		}
	} else if len(req.Env) > 0 {
		say = firstLoadRequest{req.Env}
	}
	if say != nil {
		var err error
		contentType = "application/json"
		if body, err = json.Marshal(say); err != nil {
			return nil, ours(err, "encode the load call")
		}
	}
	call, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+r.address+url, bytes.NewReader(body))
	if err != nil {
		return nil, ours(err, "make the load call")
	}
	call.Header.Set("Content-Type", contentType)
	return call, nil
}

// explain says what an exchange that broke means to the function's owner.
func (r *runtime) explain(ctx context.Context, err error) error {
	var known *fault
	switch {
	case err == nil || errors.As(err, &known):
		return err
	case ctx.Err() != nil:
		return theirs("the code did not finish loading within the time allowed (SpecializationTimeout); " +
			"look for work at the top level of the module that never ends")
	default:
		return theirs("the runtime ended while it loaded the code: %v; "+
			"does the code call exit, or need more memory than the environment allows?", err)
	}
}
