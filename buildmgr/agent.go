package buildmgr

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"hotpod.dev/builder"
	"hotpod.dev/sign"
	"hotpod.dev/wire"
)

const (
	greetTimeout = 2 * time.Second
	// moveTimeout bounds fetching a source, packing and uploading a result.
	moveTimeout = 10 * time.Minute
	// maxAnswer bounds an answer, and each line of a stream of them; one holds an archive inline, another a build log.
	maxAnswer = 4 << 20
)

// target is a builder pod as calls need it.
type target struct {
	name, uid, ip string
	// sealKey is what is said to its fetcher sealed to.
	sealKey []byte
}

// agent makes the calls to builder pods. It is safe for concurrent use.
type agent struct {
	signer *sign.Signer
	client *http.Client
	// address is where a port of a pod is; tests run many pods on one address.
	address func(t target, port int) string
}

func newAgent(signer *sign.Signer) *agent {
	return &agent{
		signer: signer,
		client: &http.Client{Transport: &http.Transport{
			DialContext: (&net.Dialer{Timeout: greetTimeout, KeepAlive: 15 * time.Second}).DialContext, DisableCompression: true,
			DisableKeepAlives: true, // calls are rare and pods go away
		}},
		address: func(t target, port int) string { return net.JoinHostPort(t.ip, strconv.Itoa(port)) },
	}
}

// greet completes t when its fetcher and its builder are ready.
func (a *agent) greet(ctx context.Context, t target) (target, error) {
	ctx, cancel := context.WithTimeout(ctx, greetTimeout)
	defer cancel()
	if _, err := a.call(ctx, t, wire.PortFetcher, http.MethodGet, wire.PathReadiness, nil); err != nil {
		return t, err
	}
	answer, err := a.call(ctx, t, wire.PortFetcher, http.MethodGet, wire.PathIdentity, nil)
	if err != nil {
		return t, err
	}
	var id wire.Identity
	if err := json.Unmarshal(answer, &id); err != nil {
		return t, fmt.Errorf("decode the fetcher's answer: %w", err)
	}
	if id.PodUID != t.uid {
		return t, fmt.Errorf("the fetcher says that it is pod %q", id.PodUID)
	}
	t.sealKey = id.SealKey
	return t, nil
}

// tell makes a sealed call to the fetcher.
func (a *agent) tell(ctx context.Context, t target, path string, req, result any) error {
	ctx, cancel := context.WithTimeout(ctx, moveTimeout+5*time.Second)
	defer cancel()
	plain, err := json.Marshal(req)
	if err != nil {
		return fmt.Errorf("encode the call: %w", err)
	}
	body, err := sign.Seal(t.sealKey, plain)
	if err != nil {
		return err
	}
	answer, err := a.call(ctx, t, wire.PortFetcher, http.MethodPost, path, body)
	if err != nil || result == nil {
		return err
	}
	if err := json.Unmarshal(answer, result); err != nil {
		return fmt.Errorf("decode the fetcher's answer: %w", err)
	}
	return nil
}

func (a *agent) fetch(ctx context.Context, t target, name string, code wire.Code) error {
	return a.tell(ctx, t, wire.PathFetch, wire.FetchRequest{Name: name, Code: code, TimeoutMillis: moveTimeout.Milliseconds()}, nil)
}

func (a *agent) pack(ctx context.Context, t target, name string, inline int64) (result wire.PackResult, err error) {
	err = a.tell(ctx, t, wire.PathPack, wire.PackRequest{Name: name, Inline: inline, TimeoutMillis: moveTimeout.Milliseconds()}, &result)
	return result, err
}

func (a *agent) upload(ctx context.Context, t target, name string, to Upload) error {
	return a.tell(ctx, t, wire.PathUpload, wire.UploadRequest{Name: name, Method: to.Method, URL: to.URL, TimeoutMillis: moveTimeout.Milliseconds()}, nil)
}

// clean removes a build's files.
func (a *agent) clean(ctx context.Context, t target, name string) error {
	_, err := a.call(ctx, t, wire.PortBuilder, http.MethodDelete, "/clean?name="+url.QueryEscape(name), nil)
	return err
}

// build runs the command, calling line for each line that it prints, if the builder tells them one by one.
func (a *agent) build(ctx context.Context, t target, req builder.Request, line func(string)) (builder.Result, error) {
	body, err := json.Marshal(req)
	if err != nil {
		return builder.Result{}, fmt.Errorf("encode the call: %w", err)
	}
	resp, err := a.send(ctx, t, wire.PortBuilder, http.MethodPost, "/", body)
	if err != nil {
		return builder.Result{}, err
	}
	defer func() { _ = resp.Body.Close() }()
	if strings.HasPrefix(resp.Header.Get("Content-Type"), builder.TypeEvents) {
		return follow(resp.Body, line)
	}
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return builder.Result{}, fmt.Errorf("read the builder's answer: %w", err)
	}
	var result builder.Result
	if json.Unmarshal(answer, &result) != nil || resp.StatusCode != http.StatusOK && resp.StatusCode != http.StatusInternalServerError {
		return result, &fault{theirs: resp.StatusCode == http.StatusBadRequest, message: "the builder refuses: " + strings.TrimSpace(string(answer))}
	}
	if resp.StatusCode != http.StatusOK && result.Error == "" { // Fission's builder does not say why
		result.Error = "the build command failed"
	}
	for l := range strings.Lines(result.Logs) {
		line(strings.TrimRight(l, "\r\n"))
	}
	return result, nil
}

// follow reads the events of a build.
func follow(stream io.Reader, line func(string)) (builder.Result, error) {
	events := json.NewDecoder(stream)
	for {
		var e builder.Event
		if err := events.Decode(&e); err != nil {
			return builder.Result{}, fmt.Errorf("the builder went away: %w", err)
		}
		if e.Result != nil {
			return *e.Result, nil
		}
		line(e.Line)
	}
}

// call makes a signed call and returns its answer.
func (a *agent) call(ctx context.Context, t target, port int, method, path string, body []byte) ([]byte, error) {
	resp, err := a.send(ctx, t, port, method, path, body)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return nil, fmt.Errorf("read the answer to %s: %w", path, err)
	}
	if resp.StatusCode == http.StatusOK {
		return answer, nil
	}
	var failure wire.Failure
	if json.Unmarshal(answer, &failure) == nil && failure.Message != "" {
		return nil, &fault{theirs: resp.StatusCode == http.StatusUnprocessableEntity, message: failure.Message}
	}
	return nil, fmt.Errorf("%s %s: %s: %.300s", method, path, resp.Status, answer)
}

func (a *agent) send(ctx context.Context, t target, port int, method, path string, body []byte) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, "http://"+a.address(t, port)+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set(sign.Header, a.signer.Sign(t.uid, method, path, body, time.Now().Add(sign.TTL)))
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", builder.TypeEvents+", application/json")
	return a.client.Do(req)
}

// fault is why a build failed.
type fault struct {
	// theirs says that it is the package's or the environment's: again it would end alike.
	theirs bool
	// reason of the condition; empty means BuildFailed.
	reason, message string
}

// Error implements error.
func (f *fault) Error() string { return f.message }
