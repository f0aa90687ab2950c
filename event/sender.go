package event

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"hotpod.dev/sign"
)

// SenderConfig is what a Sender needs.
type SenderConfig struct {
	// Source names who sends, in metrics. It is needed.
	Source string
	// Router is the URL of the router's internal listener. It is needed.
	Router string
	// Key returns what calls are signed with, nil when they are not; a nil Key never signs.
	Key func() sign.SharedKey
	// Sure reports whether this process may act now; nil means always.
	Sure func() bool
	// Timeout of one attempt; 0 means 10 minutes. The function's own time-outs are kept by the platform.
	Timeout time.Duration
	// Attempts of a call until it is given up; 0 means 12, which takes about two minutes.
	Attempts int
	// Concurrency bounds the calls under way of all queues; 0 means 256.
	Concurrency int
	// MinPause and MaxPause bound the pause between attempts; 0 means 100 ms and 30 s.
	MinPause, MaxPause time.Duration
	// Transport makes the requests; nil means one of its own.
	Transport http.RoundTripper
	// Registerer of the metrics. It is needed.
	Registerer prometheus.Registerer
}

// Sender calls functions. Make it with NewSender; it is safe for concurrent use.
type Sender struct {
	config  SenderConfig
	client  *http.Client
	slots   chan struct{}
	metrics *metrics
}

// NewSender returns a sender.
func NewSender(c SenderConfig) *Sender {
	set := func(d *time.Duration, value time.Duration) {
		if *d == 0 {
			*d = value
		}
	}
	set(&c.Timeout, 10*time.Minute)
	set(&c.MinPause, 100*time.Millisecond)
	set(&c.MaxPause, 30*time.Second)
	if c.Attempts == 0 {
		c.Attempts = 12
	}
	if c.Concurrency == 0 {
		c.Concurrency = 256
	}
	if c.Transport == nil {
		c.Transport = &http.Transport{
			MaxIdleConnsPerHost: 32, IdleConnTimeout: 20 * time.Second, DisableCompression: true,
			ResponseHeaderTimeout: c.Timeout, MaxResponseHeaderBytes: 64 << 10,
		}
	}
	c.Router = strings.TrimSuffix(c.Router, "/")
	return &Sender{
		config:  c,
		slots:   make(chan struct{}, c.Concurrency),
		metrics: newMetrics(c.Registerer, c.Source),
		client: &http.Client{
			Transport: c.Transport, Timeout: c.Timeout,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
}

// answer is how an attempt ended.
type answer struct {
	status int // 0 when there was none
	err    error
	final  bool // another attempt would end the same way
	took   time.Duration
}

// errStatus is what a function's answer is that is no success.
var errStatus = errors.New("the function answered")

// try makes one attempt. It waits for a slot, and until this process may act.
func (s *Sender) try(ctx context.Context, c *Call) answer {
	if err := s.admit(ctx); err != nil {
		return answer{err: err}
	}
	defer func() { <-s.slots }()
	start := time.Now()
	a := s.send(ctx, c)
	a.took = time.Since(start)
	if ctx.Err() == nil || a.err == nil {
		s.metrics.attempt(a.status)
	}
	return a
}

func (s *Sender) admit(ctx context.Context) error {
	select {
	case s.slots <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	for s.config.Sure != nil && !s.config.Sure() {
		select {
		case <-ctx.Done():
			<-s.slots
			return ctx.Err()
		case <-time.After(s.config.MinPause):
		}
	}
	return nil
}

func (s *Sender) send(ctx context.Context, c *Call) answer {
	req, err := http.NewRequestWithContext(ctx, c.Method, s.config.Router+c.path(), bytes.NewReader(c.Body))
	if err != nil {
		return answer{err: fmt.Errorf("make the request: %w", err), final: true}
	}
	maps.Copy(req.Header, c.Header)
	req.Header.Set(HeaderID, c.ID)
	req.Header.Set(HeaderRequestID, c.ID)
	if s.config.Key != nil {
		if key := s.config.Key(); key != nil {
			key.Sign(req.Header, req.Method, req.URL.RequestURI(), sha256.Sum256(c.Body), time.Now())
		}
	}
	res, err := s.client.Do(req)
	if err != nil {
		return answer{err: fmt.Errorf("call the router: %w", err)}
	}
	defer res.Body.Close()
	text, _ := io.ReadAll(io.LimitReader(res.Body, 256)) // what came is enough
	_, _ = io.CopyN(io.Discard, res.Body, 64<<10)        // so that the connection can be used again
	return judge(res, string(text))
}

// judge says what an answer means.
func judge(res *http.Response, text string) answer {
	a := answer{status: res.StatusCode}
	if res.StatusCode < http.StatusBadRequest {
		return a
	}
	a.err = fmt.Errorf("%w %s", errStatus, strings.TrimSpace(res.Status+" "+firstLine(text)))
	switch {
	case res.StatusCode == http.StatusUnauthorized && strings.Contains(text, `"reason":"signature_`):
		// The router's own: it learns of a new secret later than others.
	case res.StatusCode == http.StatusNotFound && res.Header.Get("X-Fission-Route-Miss") != "":
		a.err = errors.New("there is no such function, or the router does not know it yet")
	case res.StatusCode >= http.StatusInternalServerError, res.StatusCode == http.StatusRequestTimeout,
		res.StatusCode == http.StatusTooEarly, res.StatusCode == http.StatusTooManyRequests:
	default:
		a.final = true
	}
	return a
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(s), "\n")
	return strings.ToValidUTF8(line, "?")
}
