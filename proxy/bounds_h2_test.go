package proxy_test

import (
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"hotpod.dev/internal/testproxy"
	"hotpod.dev/proxy"
	"hotpod.dev/wire"
)

// ticks answers a byte every pause, until its client leaves.
func ticks(pause time.Duration) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			_, _ = io.WriteString(w, ".")
			_ = http.NewResponseController(w).Flush()
			select {
			case <-time.After(pause):
			case <-r.Context().Done():
			}
		}
	})
}

func TestHTTP2_BoundsStreams(t *testing.T) {
	for name, c := range map[string]struct {
		pause  time.Duration
		bounds proxy.Streaming
		least  int
	}{
		"idle":    {time.Hour, proxy.Streaming{Idle: 100 * time.Millisecond}, 1},
		"maximum": {time.Millisecond, proxy.Streaming{Idle: 10 * time.Second, Max: 300 * time.Millisecond}, 10},
	} {
		t.Run(name, func(t *testing.T) {
			address, ends := outcomes(t, testproxy.Backend(t, ticks(c.pause)), &proxy.Options{Timeout: 5 * time.Second, Streaming: &c.bounds})
			begin := time.Now()
			resp := send(t, testproxy.HTTP2(t), post(t, address, nil))
			body, err := io.ReadAll(resp.Body)
			if err == nil || len(body) < c.least {
				t.Errorf("%d bytes came: %v", len(body), err)
			}
			if took := time.Since(begin); took < 100*time.Millisecond || took > 4*time.Second {
				t.Errorf("it lasted %v", took)
			}
			if out := <-ends; out.Kind != proxy.TimedOut || !out.Final {
				t.Errorf("outcome = %v", out)
			}
		})
	}
}

func TestHTTP2_HeadersAreThoseOfTheMessage(t *testing.T) {
	seen := make(chan http.Header, 1)
	backend := testproxy.Backend(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen <- r.Header
		w.Header()["X-Mine"] = []string{"1", "2"}
		w.Header().Set("X-Secret", "1")
		w.Header().Set("Server-Timing", "db;dur=1")
	}))
	answered := make(chan int, 1)
	address := through(t, backend, &proxy.Options{
		DropRequest: []string{"x-hotpod-*"}, DropResponse: []string{"x-secret"}, ResponseHeader: []byte("X-Ours: 1\r\n"),
		AnswerHead: func(dst []byte) []byte { return append(dst, "Server-Timing: queue;dur=2\r\n"...) },
		Answered:   func(status int) { answered <- status },
	})
	req := post(t, address, nil)
	req.Header = http.Header{"Te": {"trailers"}, "X-Hotpod-Forged": {"1"}, "X-Mine": {"a", "b"}, "Cookie": {"a=1; b=2"}}
	resp := send(t, testproxy.HTTP2(t), req)
	if h := resp.Header; !slices.Equal(h["X-Mine"], []string{"1", "2"}) || h.Get("X-Secret") != "" || h.Get("X-Ours") != "1" ||
		!slices.Equal(h["Server-Timing"], []string{"db;dur=1", "queue;dur=2"}) || len(h["Date"]) != 1 {
		t.Errorf("the client saw %v", h)
	}
	h := <-seen
	if h.Get("Te") != "trailers" || h.Get("X-Hotpod-Forged") != "" || !slices.Equal(h["X-Mine"], []string{"a", "b"}) || h.Get("Cookie") != "a=1; b=2" {
		t.Errorf("the function saw %v", h)
	}
	if status := <-answered; status != 200 {
		t.Errorf("answered with %d", status)
	}
}

func TestHTTP2_ErrorsAreInTheClientsWords(t *testing.T) {
	address := serve(t, func(x proxy.Exchange) { x.Fail(wire.ErrCapacity("50% too many\nof them")) })
	for _, c := range []struct {
		contentType string
		client      *http.Client
		grpc        bool
	}{
		{"application/grpc", testproxy.HTTP2(t), true},
		{"application/grpc+proto", testproxy.HTTP2(t), true},
		{"application/grpc-web", testproxy.HTTP2(t), false},
		{"application/json", testproxy.HTTP2(t), false},
		{"application/grpc", &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}, false},
	} {
		req := post(t, address, strings.NewReader("x"))
		req.Header.Set("Content-Type", c.contentType)
		resp := send(t, c.client, req)
		body, _ := io.ReadAll(resp.Body)
		h := resp.Header
		switch {
		case h.Get(wire.HeaderComponent) == "":
			t.Errorf("%s: no component in %v", c.contentType, h)
		case c.grpc && (resp.StatusCode != http.StatusOK || h.Get("Content-Type") != "application/grpc" || h.Get("Grpc-Status") != "8" ||
			!strings.HasSuffix(h.Get("Grpc-Message"), "50%25 too many%0Aof them") || len(body) > 0):
			t.Errorf("%s: %d %v %s", c.contentType, resp.StatusCode, h, body)
		case !c.grpc && (resp.StatusCode != http.StatusTooManyRequests || h.Get("Retry-After") == "" || !strings.HasPrefix(string(body), "{") || h.Get("Grpc-Status") != ""):
			t.Errorf("%s: %d %v %s", c.contentType, resp.StatusCode, h, body)
		}
	}
}
