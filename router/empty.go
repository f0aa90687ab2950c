package router

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// look is how often Envoy is asked what it has inside.
const look = 50 * time.Millisecond

// empty has Envoy send its clients away, and returns when nothing is inside and nobody asked for anything for a while.
func (c Config) empty(ctx context.Context, ended <-chan error) error {
	begin := time.Now()
	ctx, cancel := context.WithTimeout(ctx, c.Grace)
	defer cancel()
	// From now on its answers say "Connection: close".
	if _, err := c.ask(ctx, http.MethodPost, "/healthcheck/fail"); err != nil {
		return err
	}
	tick := time.NewTicker(look)
	defer tick.Stop()
	var last load
	quiet := time.Now()
	for {
		now, err := c.load(ctx)
		if err != nil {
			return err
		}
		if now.active > 0 || now.total != last.total {
			quiet = time.Now()
		}
		if last = now; time.Since(quiet) >= c.Quiet {
			c.Log.Info("envoy is empty", "after_ms", time.Since(begin).Milliseconds())
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("%d requests after %s", now.active, c.Grace)
		case err := <-ended:
			return errors.Join(errors.New("envoy ended meanwhile"), err)
		}
	}
}

// load is what Envoy has had of requests.
type load struct{ active, total int }

// load asks for the requests of both listeners.
func (c Config) load(ctx context.Context) (load, error) {
	text, err := c.ask(ctx, http.MethodGet, "/stats?filter=^http\\.(public|internal)\\.downstream_rq_(active|total)$")
	if err != nil {
		return load{}, err
	}
	return parse(text), nil
}

// parse reads lines of the form "http.public.downstream_rq_active: 3".
func parse(text string) (l load) {
	lines := bufio.NewScanner(strings.NewReader(text))
	for lines.Scan() {
		name, value, _ := strings.Cut(lines.Text(), ":")
		n, err := strconv.Atoi(strings.TrimSpace(value))
		switch {
		case err != nil:
		case strings.HasSuffix(name, "_active"):
			l.active += n
		case strings.HasSuffix(name, "_total"):
			l.total += n
		}
	}
	return l
}

func (c Config) ask(ctx context.Context, method, path string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, method, "http://"+c.Admin+path, http.NoBody)
	if err != nil {
		return "", fmt.Errorf("ask envoy: %w", err)
	}
	res, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(req)
	if err != nil {
		return "", fmt.Errorf("ask envoy: %w", err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("status %d", res.StatusCode)
	}
	if err != nil {
		return "", fmt.Errorf("ask envoy %s: %w", path, err)
	}
	return string(text), nil
}
