package pool

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"

	"hotpod.dev/sign"
	"hotpod.dev/wire"
)

const (
	greetTimeout  = 2 * time.Second
	assignTimeout = 5 * time.Second
	// answerTime is what a call may take longer than the pod was told to take.
	answerTime = 5 * time.Second
	agentDial  = time.Second
	maxAnswer  = 64 << 10
	// keepConn is how long the connection to a pod is kept that nobody claims; after that a claim dials.
	keepConn     = 10 * time.Minute
	connsPerPort = 2
)

// ErrUsed is what Greet and Specialize return for a pod whose fetcher was restarted after it had specialized the
// pod: nobody knows its function any more.
var ErrUsed = errors.New("the pod was used before its fetcher restarted")

// HeldError is what Specialize and Assign return when the pod holds another function.
type HeldError struct {
	// Identity that the fetcher answered; the queue-proxy answers none.
	Identity wire.Identity
}

// Error implements error.
func (e *HeldError) Error() string { return "the pod holds another function" }

// LoadError is what Specialize returns when the function could not be loaded, with the fetcher's own words.
type LoadError struct {
	// Failure for the function's owner.
	Failure wire.Failure
	// Theirs says that the function is at fault, so that another pod would fail alike.
	Theirs bool
}

// Error implements error.
func (e *LoadError) Error() string { return e.Failure.Error() }

// Target is a pod as control calls need it.
type Target struct {
	UID, IP string
	// Bare says that the pod has no fetcher; its queue-proxy says what it holds.
	Bare bool
}

// Agent makes control calls to pods. It is safe for concurrent use.
type Agent interface {
	// Greet returns who the pod is, once its fetcher, queue-proxy and runtime are ready.
	Greet(ctx context.Context, t Target) (wire.Identity, error)
	// Specialize puts a function into the pod. Its errors are *HeldError, *LoadError and ErrUsed; any other
	// means that the pod could not be asked.
	Specialize(ctx context.Context, t Target, sealKey []byte, r *wire.SpecializeRequest) (wire.SpecializeResult, error)
	// Assign tells the pod's queue-proxy the function and its bounds. It returns a *HeldError when that was told
	// of another function.
	Assign(ctx context.Context, t Target, a *wire.Assignment) error
	// Drain makes the pod refuse what is new and returns when it has finished what it has, or after deadline.
	Drain(ctx context.Context, t Target, deadline time.Duration) (wire.DrainResult, error)
}

// HTTPAgent is the real Agent. It keeps a connection to each control port of a warm pod, opened by Greet, so that a
// claim does not have to dial, and none to hot pods, of which there are many more.
type HTTPAgent struct {
	signer *sign.Signer
	client *http.Client
	// port maps a port of the contract to that of a pod; tests run many pods on one address.
	port func(t Target, port int) string
}

// NewAgent returns an agent that signs its calls with signer.
func NewAgent(signer *sign.Signer) *HTTPAgent {
	transport := &http.Transport{
		DialContext:         (&net.Dialer{Timeout: agentDial, KeepAlive: 15 * time.Second}).DialContext,
		MaxIdleConnsPerHost: connsPerPort,
		IdleConnTimeout:     keepConn,
		DisableCompression:  true,
	}
	return &HTTPAgent{
		signer: signer,
		client: &http.Client{Transport: transport},
		port:   func(t Target, port int) string { return net.JoinHostPort(t.IP, strconv.Itoa(port)) },
	}
}

// Greet implements Agent.
func (a *HTTPAgent) Greet(ctx context.Context, t Target) (wire.Identity, error) {
	var id wire.Identity
	ctx, cancel := context.WithTimeout(ctx, greetTimeout)
	defer cancel()
	who, port := "fetcher", wire.PortFetcher
	if t.Bare {
		who, port = "queue-proxy", wire.PortQueueControl
	} else if err := a.call(ctx, t, wire.PortFetcher, http.MethodGet, wire.PathReadiness, nil, nil); err != nil {
		return id, fmt.Errorf("ask fetcher for readiness: %w", err)
	}
	if err := a.call(ctx, t, wire.PortQueueControl, http.MethodGet, wire.PathHealth, nil, nil); err != nil {
		return id, fmt.Errorf("ask queue-proxy for its health: %w", err)
	}
	if err := a.call(ctx, t, port, http.MethodGet, wire.PathIdentity, nil, &id); err != nil {
		return id, fmt.Errorf("ask %s who it is: %w", who, err)
	}
	if id.PodUID != t.UID {
		return id, fmt.Errorf("ask %s who it is: it is pod %q", who, id.PodUID)
	}
	return id, nil
}

// Specialize implements Agent.
func (a *HTTPAgent) Specialize(ctx context.Context, t Target, sealKey []byte, r *wire.SpecializeRequest) (result wire.SpecializeResult, err error) {
	plain, err := json.Marshal(r)
	if err != nil {
		return result, fmt.Errorf("encode specialize call: %w", err)
	}
	sealed, err := sign.Seal(sealKey, plain)
	if err != nil {
		return result, err
	}
	ctx, cancel := context.WithTimeout(ctx, time.Duration(r.TimeoutMillis)*time.Millisecond+answerTime)
	defer cancel()
	if err := a.call(ctx, t, wire.PortFetcher, http.MethodPost, wire.PathSpecialize, sealed, &result); err != nil {
		return result, fmt.Errorf("specialize pod: %w", err)
	}
	return result, nil
}

// Assign implements Agent.
func (a *HTTPAgent) Assign(ctx context.Context, t Target, assignment *wire.Assignment) error {
	body, err := json.Marshal(assignment)
	if err != nil {
		return fmt.Errorf("encode assignment: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, assignTimeout)
	defer cancel()
	if err := a.call(ctx, t, wire.PortQueueControl, http.MethodPost, wire.PathAssign, body, nil); err != nil {
		return fmt.Errorf("assign function to queue-proxy: %w", err)
	}
	return nil
}

// Drain implements Agent.
func (a *HTTPAgent) Drain(ctx context.Context, t Target, deadline time.Duration) (result wire.DrainResult, err error) {
	body, err := json.Marshal(wire.DrainRequest{DeadlineMillis: deadline.Milliseconds()})
	if err != nil {
		return result, fmt.Errorf("encode drain call: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, deadline+answerTime)
	defer cancel()
	if err := a.call(ctx, t, wire.PortQueueControl, http.MethodPost, wire.PathDrain, body, &result); err != nil {
		return result, fmt.Errorf("drain queue-proxy: %w", err)
	}
	return result, nil
}

// call makes a signed call and decodes its answer into out, if that is not nil.
func (a *HTTPAgent) call(ctx context.Context, t Target, port int, method, path string, body []byte, out any) error {
	req, err := http.NewRequestWithContext(ctx, method, "http://"+a.port(t, port)+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set(sign.Header, a.signer.Sign(t.UID, method, path, body, time.Now().Add(sign.TTL)))
	// Every control call can be repeated. This says so to the transport, which may then do it when it finds a
	// kept connection closed; an empty list is not sent.
	req.Header["Idempotency-Key"] = []string{}
	req.Close = method == http.MethodPost // after which the pod is hot or on its way out
	resp, err := a.client.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return fmt.Errorf("read answer: %w", err)
	}
	if resp.StatusCode != http.StatusOK {
		return refusal(resp, answer)
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(answer, out); err != nil {
		return fmt.Errorf("decode answer: %w", err)
	}
	return nil
}

// refusal turns an answer other than 200 into an error.
func refusal(resp *http.Response, answer []byte) error {
	var held HeldError
	var load LoadError
	switch {
	case resp.StatusCode == http.StatusGone:
		return ErrUsed
	case resp.StatusCode == http.StatusConflict:
		_ = json.Unmarshal(answer, &held.Identity) // what it holds is of use, that it holds something suffices
		return &held
	case json.Unmarshal(answer, &load.Failure) == nil && load.Failure.Reason != "":
		load.Theirs = resp.StatusCode == http.StatusUnprocessableEntity
		return &load
	default:
		return fmt.Errorf("%s: %s", resp.Status, lastLine(string(answer), "no reason given"))
	}
}
