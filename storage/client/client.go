// Package client speaks with the archive store, for those who are not pods: the command line and the platform's parts.
//
// Uploads go in pieces and continue where a broken connection left them, also in another process: the store knows how
// much of an archive it has by the archive's digest. What it has already is not sent. Downloads continue too, and are
// checked against the digest.
package client

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"time"

	"hotpod.dev/sign"
	"hotpod.dev/wire"
)

// Client calls one store. It is safe for concurrent use; fill it before its first use.
type Client struct {
	// URL of the store: scheme and host.
	URL string
	// Secret is the secret that calls are signed with; empty signs nothing.
	Secret []byte
	// Namespace that uploads are for; empty says nothing.
	Namespace string
	// HTTP makes the calls; nil means one without bounds of time.
	HTTP *http.Client
	// Pause before a call is made again; 0 means half a second.
	Pause time.Duration
}

// StatusError is what the store answered instead of doing what it was asked.
type StatusError struct {
	Status  int
	Message string
	offset  string
}

// Error implements error.
func (e *StatusError) Error() string {
	if e.Status == http.StatusUnauthorized {
		return "the archive store refuses the call: it is not signed, or not with the store's secret"
	}
	return e.Message
}

// NotFound reports whether an archive is not there.
func NotFound(err error) bool {
	e, ok := errors.AsType[*StatusError](err)
	return ok && e.Status == http.StatusNotFound
}

// List returns the identities of all archives.
func (c *Client) List(ctx context.Context) (ids []string, err error) {
	err = c.call(ctx, http.MethodGet, sign.ArchivePath, nil, nil, &ids)
	return ids, err
}

// Delete deletes an archive.
func (c *Client) Delete(ctx context.Context, id string) error {
	return c.call(ctx, http.MethodDelete, archivePath(id), nil, nil, nil)
}

// Stat returns the size of an archive.
func (c *Client) Stat(ctx context.Context, id string) (int64, error) {
	resp, err := c.do(ctx, http.MethodHead, archivePath(id), nil, nil)
	if err != nil {
		return 0, err
	}
	_ = resp.Body.Close()
	return resp.ContentLength, nil
}

func archivePath(id string) string {
	return sign.ArchivePath + "?" + url.Values{"id": {id}}.Encode()
}

// call makes a call and decodes its answer into out, if that is not nil.
func (c *Client) call(ctx context.Context, method, path string, header http.Header, body []byte, out any) error {
	resp, err := c.do(ctx, method, path, header, body)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	if out == nil {
		return nil
	}
	if err := json.NewDecoder(resp.Body).Decode(out); err != nil {
		return fmt.Errorf("read the archive store's answer: %w", err)
	}
	return nil
}

// do makes a call; every answer that is no success is a *StatusError.
func (c *Client) do(ctx context.Context, method, path string, header http.Header, body []byte) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, c.URL+path, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("call the archive store: %w", err)
	}
	maps.Copy(req.Header, header)
	if len(c.Secret) > 0 {
		key, err := sign.NewSharedKey(c.Secret, "storagesvc", "")
		if err != nil {
			return nil, err
		}
		key.Sign(req.Header, method, req.URL.RequestURI(), sha256.Sum256(body), time.Now())
	}
	web := c.HTTP
	if web == nil {
		web = &http.Client{Transport: &http.Transport{DisableCompression: true}}
		defer web.CloseIdleConnections()
	}
	resp, err := web.Do(req)
	if err != nil {
		return nil, fmt.Errorf("call the archive store: %w", err)
	}
	if resp.StatusCode < http.StatusMultipleChoices {
		return resp, nil
	}
	defer func() { _ = resp.Body.Close() }()
	text, _ := io.ReadAll(io.LimitReader(resp.Body, 4<<10))
	message := strings.TrimSpace(string(text))
	if message == "" {
		message = "the archive store answers " + resp.Status
	}
	return nil, &StatusError{Status: resp.StatusCode, Message: message, offset: resp.Header.Get("Upload-Offset")}
}

// Image has the store take code out of an image. It is for parts of the platform, which sign as for a pod.
func (c *Client) Image(ctx context.Context, signer *sign.Signer, code *wire.ImageCode) (archive wire.ImageArchive, err error) {
	body, err := json.Marshal(code)
	if err != nil {
		return archive, fmt.Errorf("ask for an image: %w", err)
	}
	signature := signer.Sign(wire.ControlStorage, http.MethodPost, wire.PathImages, body, time.Now().Add(sign.TTL))
	err = c.call(ctx, http.MethodPost, wire.PathImages, http.Header{sign.Header: {signature}}, body, &archive)
	return archive, err
}

// again reports whether a call may succeed when it is made again, and waits before that.
func (c *Client) again(ctx context.Context, err error) bool {
	if e, ok := errors.AsType[*StatusError](err); ok {
		switch e.Status {
		case http.StatusLocked, http.StatusInternalServerError, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout, http.StatusTooManyRequests:
		default:
			return false
		}
	}
	pause := c.Pause
	if pause == 0 {
		pause = time.Second / 2
	}
	select {
	case <-ctx.Done():
		return false
	case <-time.After(pause):
		return true
	}
}
