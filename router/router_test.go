package router

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hotpod.dev/internal/envoytest"
)

const bootstrap = `
admin: {address: {socket_address: {address: HOST, port_value: 9901}}}
static_resources:
  listeners:
  - address: {socket_address: {address: HOST, port_value: 8888}}
    filter_chains:
    - filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: public
          route_config: {virtual_hosts: [{name: all, domains: ["*"], routes: [{match: {prefix: "/"}, route: {cluster: backend, timeout: 0s}}]}]}
          http_filters: [{name: router, typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}}]
  clusters:
  - name: backend
    load_assignment: {cluster_name: backend, endpoints: [{lb_endpoints: [{endpoint: {address: {socket_address: {address: BACKEND, port_value: PORT}}}}]}]}
`

// Requests that are inside when the order to end comes are answered, those that come meanwhile too, and Envoy ends
// when there are none.
func TestRun_EndsWhenNothingIsInside(t *testing.T) {
	envoy := envoytest.Path(t)
	release := make(chan struct{})
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			<-release
		}
		_, _ = io.WriteString(w, "done")
	}))
	defer backend.Close()
	host := envoytest.Address(t)
	file := filepath.Join(t.TempDir(), "envoy.yaml")
	address, port, _ := strings.Cut(strings.TrimPrefix(backend.URL, "http://"), ":")
	text := strings.NewReplacer("HOST", host, "BACKEND", address, "PORT", port).Replace(bootstrap)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- Run(ctx, Config{
			Command: []string{envoy, "-c", file, "--disable-hot-restart", "-l", "error"}, Admin: host + ":9901",
			Quiet: 100 * time.Millisecond, Grace: time.Minute, Stderr: t.Output(), Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
		})
	}()
	get := func(path string) (*http.Response, error) {
		return (&http.Client{}).Get("http://" + host + ":8888" + path)
	}
	envoytest.Eventually(t, "Envoy serves", func() error { return read(get("/")) })
	slow := make(chan error, 1)
	go func() { slow <- read(get("/slow")) }()
	envoytest.Eventually(t, "the request is inside", func() error {
		l, err := (Config{Admin: host + ":9901"}).load(t.Context())
		if err == nil && l.active == 0 {
			err = fmt.Errorf("%+v", l)
		}
		return err
	})
	stop()
	envoytest.Eventually(t, "clients are sent away", func() error {
		res, err := get("/")
		if err == nil && !res.Close {
			err = fmt.Errorf("the connection stays")
		}
		return read(res, err)
	})
	select {
	case err := <-ended:
		t.Fatalf("Envoy ended with a request inside: %v", err)
	default:
	}
	close(release)
	if err := <-slow; err != nil {
		t.Errorf("the request that was inside: %v", err)
	}
	if err := <-ended; err != nil {
		t.Errorf("the end: %v", err)
	}
}

func read(res *http.Response, err error) error {
	if err != nil {
		return err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err == nil && string(text) != "done" {
		err = fmt.Errorf("%d %s", res.StatusCode, text)
	}
	return err
}

func TestRun_SaysThatEnvoyEndedByItself(t *testing.T) {
	c := Config{Command: []string{"false"}, Admin: "127.0.0.1:1", Log: slog.New(slog.DiscardHandler)}
	if err := Run(t.Context(), c); err == nil || !strings.Contains(err.Error(), "by itself") || !strings.Contains(err.Error(), "exit status 1") {
		t.Error(err)
	}
	c.Command = []string{"/does/not/exist"}
	if err := Run(t.Context(), c); err == nil || !strings.Contains(err.Error(), "start") {
		t.Error(err)
	}
}

// An Envoy that does not answer, or does not get empty, is stopped all the same.
func TestRun_StopsWhatDoesNotAnswer(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	stop()
	c := Config{Command: []string{"sleep", "60"}, Admin: "127.0.0.1:1", Grace: time.Second, Log: slog.New(slog.DiscardHandler)}
	if err := Run(ctx, c); err != nil {
		t.Error(err)
	}
}

func TestConfig_NamesEveryFault(t *testing.T) {
	err := Config{Quiet: -1}.Validate()
	for _, want := range []string{"command", "admin", "negative"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in %v", want, err)
		}
	}
}

func TestParse_AddsTheListeners(t *testing.T) {
	got := parse("http.internal.downstream_rq_active: 2\nhttp.internal.downstream_rq_total: 10\nhttp.public.downstream_rq_active: 1\nhttp.public.downstream_rq_total: 5\nnoise\n")
	if want := (load{active: 3, total: 15}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}
