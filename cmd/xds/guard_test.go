package main

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"hotpod.dev/guard"
	"hotpod.dev/internal/envoytest"
	"hotpod.dev/sign"
	"hotpod.dev/wire"
)

// What a real Envoy lets in at the internal listener is what the guard says, whose answer the caller reads; the function does
// not see the signature, and the public listener asks nobody.
func TestEnvoy_AsksTheGuardAboutCallsOfTheInternalListener(t *testing.T) {
	envoytest.Path(t)
	host := envoytest.Address(t)
	seen := make(chan http.Header, 100)
	function := serveAt(t, "127.0.0.1:0", func(w http.ResponseWriter, r *http.Request) {
		seen <- r.Header
		n, _ := io.Copy(io.Discard, r.Body)
		_, _ = fmt.Fprint(w, r.URL.RequestURI(), " ", n)
	})
	key, err := sign.NewSharedKey([]byte("master"), sign.ServiceRouter, "")
	if err != nil {
		t.Fatal(err)
	}
	judge := httptest.NewServer(guard.New(slog.New(slog.NewTextHandler(t.Output(), nil)), func() ([]sign.SharedKey, error) { return []sign.SharedKey{key}, nil }))
	defer judge.Close()
	discoverGuarded(t, host, startPod(t, function), envoytest.Address(t), strings.TrimPrefix(judge.URL, "http://"))
	const path = "/fission-function/default/f/sub?q=1"
	call := func(base, path, body string, at time.Time, headers ...string) (int, string, http.Header) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, base+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		if !at.IsZero() {
			key.Sign(req.Header, req.Method, path, sha256.Sum256([]byte(body)), at)
		}
		for _, name := range headers {
			req.Header.Del(name)
		}
		res, err := (&http.Client{Timeout: 30 * time.Second}).Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = res.Body.Close() }()
		text, _ := io.ReadAll(res.Body)
		return res.StatusCode, string(text), res.Header
	}
	internal := "http://" + host + ":8889"
	for len(seen) > 0 { // those that found out whether Envoy is ready
		<-seen
	}
	large := strings.Repeat("x", 5<<20)
	for _, body := range []string{"", "small", large} {
		if status, text, _ := call(internal, path, body, time.Now()); status != 200 || text != fmt.Sprintf("/sub?q=1 %d", len(body)) {
			t.Errorf("a signed call of %d bytes: %d %.200s", len(body), status, text)
		}
		for name := range <-seen {
			if strings.HasPrefix(name, "X-Fission-Auth") {
				t.Errorf("the function sees %s", name)
			}
		}
	}
	for what, c := range map[string]struct {
		at   time.Time
		drop string
		want string
	}{
		"unsigned": {want: "signature_missing"}, "late": {at: time.Now().Add(-5 * time.Minute), want: "signature_expired"},
		"halved": {at: time.Now(), drop: sign.HeaderSharedTime, want: "signature_wrong"},
	} {
		status, text, header := call(internal, path, large, c.at, c.drop)
		if status != 401 || !strings.Contains(text, c.want) || header.Get(wire.HeaderComponent) != "router" || header.Get(wire.HeaderRequestID) == "" {
			t.Errorf("%s: %d %q %v", what, status, text, header)
		}
	}
	if status, _, _ := call("http://"+host+":8888", "/f", "", time.Time{}); status != 200 {
		t.Errorf("the public listener answers %d", status)
	}
	judge.Close()
	if status, _, _ := call(internal, path, "", time.Now()); status != 503 {
		t.Errorf("without the guard: %d", status)
	}
	if text, err := stat(t.Context(), host); err != nil || !strings.Contains(text, "http.internal.ext_authz.denied: 3") {
		t.Errorf("Envoy's statistics: %q, %v", text, err)
	}
}

func stat(ctx context.Context, host string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+host+":9901/stats?filter=ext_authz", nil)
	if err != nil {
		return "", err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	return string(text), err
}
