// Package client asks the logger for lines.
package client

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"hotpod.dev/logline"
	"hotpod.dev/sign"
)

// PathLogs answers with lines.
const PathLogs = "/v1/logs"

// Service is what the shared key of questions is derived for.
const Service = "logger"

// Client asks one logger.
type Client struct {
	// URL is where it is.
	URL string
	// Secret signs questions; empty signs none.
	Secret []byte
}

// Lines returns the entries that q chooses, the newest first.
func (c *Client) Lines(ctx context.Context, q logline.Query) ([]logline.Record, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.URL+PathLogs+"?"+Values(q).Encode(), nil)
	if err != nil {
		return nil, fmt.Errorf("ask the logger: %w", err)
	}
	if err := Sign(req, c.Secret, time.Now()); err != nil {
		return nil, err
	}
	res, err := new(http.Client).Do(req)
	if err != nil {
		return nil, fmt.Errorf("ask the logger: %w", err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(res.Body, 1<<10))
		return nil, fmt.Errorf("the logger answered %s: %s", res.Status, text)
	}
	return decode(res.Body)
}

func decode(body io.Reader) ([]logline.Record, error) {
	var lines []logline.Record
	for in := json.NewDecoder(body); ; {
		var answer struct {
			logline.Record
			Error string `json:"error"`
		}
		err := in.Decode(&answer)
		switch {
		case errors.Is(err, io.EOF):
			return lines, nil
		case err != nil:
			return nil, fmt.Errorf("read the logger's answer: %w", err)
		case answer.Error != "":
			return nil, fmt.Errorf("the logger could not answer: %s", answer.Error)
		}
		lines = append(lines, answer.Record)
	}
}

// Sign signs a question without a body. Nothing is signed without a secret.
func Sign(r *http.Request, secret []byte, now time.Time) error {
	if len(secret) == 0 {
		return nil
	}
	key, err := sign.NewSharedKey(secret, Service, "")
	if err != nil {
		return fmt.Errorf("derive the key: %w", err)
	}
	key.Sign(r.Header, r.Method, r.URL.RequestURI(), sha256.Sum256(nil), now)
	return nil
}

// Values are the parameters that choose what q chooses.
func Values(q logline.Query) url.Values {
	v := url.Values{}
	set := func(name, value string) {
		if value != "" {
			v.Set(name, value)
		}
	}
	set("namespace", q.Namespace)
	set("function", q.Function)
	set("environment", q.Environment)
	set("pod", q.Pod)
	set("container", q.Container)
	set("requestId", q.RequestID)
	set("traceId", q.TraceID)
	set("level", logline.LevelName(q.Level))
	if !q.Since.IsZero() {
		v.Set("since", q.Since.Format(time.RFC3339Nano))
	}
	if !q.Until.IsZero() {
		v.Set("until", q.Until.Format(time.RFC3339Nano))
	}
	if q.Match != nil {
		v.Set("grep", q.Match.String())
	}
	if q.Limit > 0 {
		v.Set("limit", strconv.Itoa(q.Limit))
	}
	return v
}
