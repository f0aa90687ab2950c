package queueproxy

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"time"

	"hotpod.dev/sign"
	"hotpod.dev/wire"
)

const (
	// rehearsalTime bounds a rehearsal.
	rehearsalTime = time.Second
	// rehearsals is how many requests it plays: some code runs only for the second on a connection.
	rehearsals = 2
	// rehearsalAnswer is what its runtime says to each.
	rehearsalAnswer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
)

// Rehearse plays an assignment and some requests, with a queue-proxy, a runtime and keys of its own. The first run of
// code brings its pages into memory, and a function's first request should not wait for that.
func Rehearse(ctx context.Context, cfg Config) error {
	ctx, cancel := context.WithTimeout(ctx, rehearsalTime)
	defer cancel()
	runtime, err := listen(ctx, "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer func() { _ = runtime.Close() }()
	requests, err := listen(ctx, "127.0.0.1:0")
	if err != nil {
		return err
	}
	signer, err := sign.NewSigner(sign.GenerateSeed())
	if err != nil {
		return err
	}
	cfg.ControlKey, cfg.RuntimeAddress = signer.PublicKey(), runtime.Addr().String()
	q, err := New(cfg, slog.New(slog.NewJSONHandler(io.Discard, nil)), nil) //nolint:sloglint // what it writes is rehearsed, too
	if err != nil {
		return err
	}
	served := make(chan error, 1)
	go func() { served <- q.server.Serve(ctx, requests) }()
	go playRuntime(runtime)
	err = q.play(ctx, signer, requests.Addr().String())
	cancel()
	err = errors.Join(err, <-served)
	q.runtime.Close()
	q.watcher.Close()
	return err
}

// play assigns a function and sends requests to it.
func (q *Proxy) play(ctx context.Context, signer *sign.Signer, address string) error {
	id := wire.FunctionID{Namespace: "-", Name: "-", UID: "-"}
	body, err := json.Marshal(wire.Assignment{Held: wire.Held{Function: id, Generation: 1}, Limit: 1})
	if err != nil {
		return fmt.Errorf("encode assignment: %w", err)
	}
	call, err := http.NewRequestWithContext(ctx, http.MethodPost, wire.PathAssign, bytes.NewReader(body))
	if err != nil {
		return err
	}
	call.Header.Set(sign.Header, signer.Sign(q.cfg.PodUID, call.Method, wire.PathAssign, body, time.Now().Add(sign.TTL)))
	answer := &discarded{header: http.Header{}}
	if q.Control().ServeHTTP(answer, call); answer.status != http.StatusOK {
		return fmt.Errorf("assign: status %d", answer.status)
	}
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(rehearsalTime))
	head := make([]byte, 1024)
	for range rehearsals {
		if _, err := fmt.Fprintf(conn, "GET / HTTP/1.1\r\nHost: -\r\n%s: %s\r\n\r\n", wire.HeaderFunction, id); err != nil {
			return fmt.Errorf("send a request: %w", err)
		}
		if _, err := conn.Read(head); err != nil {
			return fmt.Errorf("read its answer: %w", err)
		}
		if !bytes.HasPrefix(head, []byte("HTTP/1.1 200 ")) {
			return fmt.Errorf("read its answer: %.100q", head)
		}
	}
	return nil
}

// playRuntime answers every request on the first connection.
func playRuntime(lis net.Listener) {
	conn, err := lis.Accept()
	if err != nil {
		return
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(rehearsalTime))
	request := make([]byte, 1024)
	for err == nil {
		if _, err = conn.Read(request); err == nil {
			_, err = io.WriteString(conn, rehearsalAnswer)
		}
	}
}

// discarded is a response that nobody reads.
type discarded struct {
	header http.Header
	status int
}

// Header implements http.ResponseWriter.
func (d *discarded) Header() http.Header { return d.header }

// WriteHeader implements http.ResponseWriter.
func (d *discarded) WriteHeader(status int) { d.status = status }

// Write implements http.ResponseWriter.
func (d *discarded) Write(p []byte) (int, error) { return len(p), nil }
