package timelines

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"hotpod.dev/wire"
)

const (
	// outboxSize bounds the timelines that wait to be sent: about a megabyte.
	outboxSize = 1024
	// gather is how long a batch is gathered, after which it is sent with what came: a bound of the rate, too.
	gather = 500 * time.Millisecond
	// batchSize bounds a batch.
	batchSize = 256
	// sendTimeout bounds one sending.
	sendTimeout = 5 * time.Second
)

// Config is what an Outbox needs.
type Config struct {
	// URL of the logger, "http://host:port"; empty means that nothing is kept.
	URL string
	// TLS is how the logger is reached by https; nil means as anybody is.
	TLS *tls.Config
	// Part names the metric: "activator" makes hotpod_activator_timelines_total.
	Part       string
	Log        *slog.Logger
	Registerer prometheus.Registerer
}

// Outbox sends timelines to the logger. What does not fit, or is not taken, is dropped and counted. A nil Outbox keeps
// nothing. It is safe for concurrent use.
type Outbox struct {
	url           string
	log           *slog.Logger
	client        *http.Client
	waiting       chan wire.Timeline
	sent, dropped prometheus.Counter
	away          bool // of Run: the last batch was not taken
}

// Check returns what is wrong with the URL of a logger; an empty one is none.
func Check(text string) error {
	if text == "" {
		return nil
	}
	if u, err := url.Parse(text); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return fmt.Errorf("logger %q is not http://host:port", text)
	}
	return nil
}

// NewOutbox returns an outbox that sends while Run runs; nil when there is nobody to send to.
func NewOutbox(c Config) *Outbox {
	if c.URL == "" {
		return nil
	}
	counts := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "hotpod_" + c.Part + "_timelines_total",
		Help: "Timelines of slow, cold, failed or sampled requests by result: sent, or dropped because the logger did not take them.",
	}, []string{"result"})
	c.Registerer.MustRegister(counts)
	return &Outbox{
		url: c.URL + wire.PathTimelines, log: c.Log, waiting: make(chan wire.Timeline, outboxSize),
		client: &http.Client{Timeout: sendTimeout, Transport: &http.Transport{TLSClientConfig: c.TLS, IdleConnTimeout: time.Minute}},
		sent:   counts.WithLabelValues("sent"), dropped: counts.WithLabelValues("dropped"),
	}
}

// Keep sends t soon, or drops it. It never waits.
func (o *Outbox) Keep(t wire.Timeline) {
	if o == nil {
		return
	}
	select {
	case o.waiting <- t:
	default:
		o.dropped.Inc()
	}
}

// Dropped counts timelines that were dropped before they came here.
func (o *Outbox) Dropped(n int) {
	if o != nil && n > 0 {
		o.dropped.Add(float64(n))
	}
}

// Run sends until ctx ends, and then what is left.
func (o *Outbox) Run(ctx context.Context) error {
	if o == nil {
		return nil
	}
	for {
		select {
		case <-ctx.Done():
			o.flush(context.WithoutCancel(ctx))
			return nil
		case t := <-o.waiting:
			pause := time.NewTimer(gather)
			select {
			case <-ctx.Done():
			case <-pause.C:
			}
			pause.Stop()
			o.send(ctx, o.batch(t))
		}
	}
}

// flush sends what is left as far as the logger takes it.
func (o *Outbox) flush(ctx context.Context) {
	for {
		select {
		case t := <-o.waiting:
			if o.send(ctx, o.batch(t)); o.away {
				return
			}
		default:
			return
		}
	}
}

// batch returns t with what waits behind it.
func (o *Outbox) batch(t wire.Timeline) []wire.Timeline {
	batch := []wire.Timeline{t}
	for len(batch) < batchSize {
		select {
		case t := <-o.waiting:
			batch = append(batch, t)
		default:
			return batch
		}
	}
	return batch
}

// send sends a batch once. That the logger went away, or is back, is logged once.
func (o *Outbox) send(ctx context.Context, batch []wire.Timeline) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), sendTimeout)
	defer cancel()
	err := o.post(ctx, batch)
	if err == nil {
		o.sent.Add(float64(len(batch)))
	} else {
		o.dropped.Add(float64(len(batch)))
	}
	switch {
	case err != nil && !o.away:
		o.log.Warn("timelines are dropped: the logger does not take them", "error", err)
	case err == nil && o.away:
		o.log.Info("the logger takes timelines again")
	}
	o.away = err != nil
}

func (o *Outbox) post(ctx context.Context, batch []wire.Timeline) error {
	body, err := json.Marshal(wire.Timelines{Timelines: batch})
	if err != nil {
		return fmt.Errorf("encode timelines: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, o.url, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("send timelines: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := o.client.Do(req)
	if err != nil {
		return fmt.Errorf("send timelines: %w", err)
	}
	_, err = io.Copy(io.Discard, io.LimitReader(resp.Body, 1<<20))
	err = errors.Join(err, resp.Body.Close())
	if resp.StatusCode/100 != 2 {
		err = fmt.Errorf("send timelines: %s", resp.Status)
	}
	return err
}
