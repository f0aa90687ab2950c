package perf

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func serverAddress(t *testing.T, handler http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(handler)
	t.Cleanup(s.Close)
	return strings.TrimPrefix(s.URL, "http://")
}

func dial(t *testing.T, address, path string) *Client {
	t.Helper()
	c, err := Dial(t.Context(), address, path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func TestClient_ReadsEveryFramingOnOneConnection(t *testing.T) {
	answers := map[string]http.HandlerFunc{
		"a length":  func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, strings.Repeat("x", 100)) },
		"no body":   func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) },
		"an error":  func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusServiceUnavailable) },
		"large":     func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, 3<<20)) },
		"in pieces": pieces,
	}
	for name, answer := range answers {
		t.Run(name, func(t *testing.T) {
			peers := map[string]bool{}
			c := dial(t, serverAddress(t, func(w http.ResponseWriter, r *http.Request) {
				peers[r.RemoteAddr] = true
				answer(w, r)
			}), "/path?q")
			for range 3 {
				if _, err := c.Call(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			if len(peers) != 1 {
				t.Errorf("%d connections", len(peers))
			}
		})
	}
}

func pieces(w http.ResponseWriter, _ *http.Request) {
	for range 3 {
		_, _ = io.WriteString(w, "a piece")
		_ = http.NewResponseController(w).Flush()
	}
}

func TestClient_TellsTheStatusAndAsksForThePath(t *testing.T) {
	c := dial(t, serverAddress(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.RequestURI() != "/path?q=1" || r.Host == "" {
			t.Errorf("asked for %s of %q", r.URL, r.Host)
		}
		w.WriteHeader(http.StatusTeapot)
	}), "/path?q=1")
	if status, err := c.Call(t.Context()); status != http.StatusTeapot || err != nil {
		t.Error(status, err)
	}
}

func TestClient_ConnectsAnewAfterTheServerClosed(t *testing.T) {
	c := dial(t, serverAddress(t, func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Connection", "close") }), "/")
	for range 3 {
		if _, err := c.Call(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

func TestClient_CutAnswersAreErrors(t *testing.T) {
	for name, answer := range map[string]string{
		"nothing":         "",
		"not HTTP":        "hello there, this is no HTTP\r\n\r\n",
		"half a head":     "HTTP/1.1 200 OK\r\nContent-Le",
		"half a body":     "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf",
		"negative length": "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
		"bad chunk":       "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
		"cut chunk":       "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
		"endless line":    "HTTP/1.1 200 OK\r\nX: " + strings.Repeat("a", 1<<20),
	} {
		t.Run(name, func(t *testing.T) {
			c := dial(t, rawServer(t, answer), "/")
			if status, err := c.Call(t.Context()); err == nil {
				t.Errorf("status %d", status)
			}
		})
	}
}

// rawServer answers every connection with the text and closes it.
func rawServer(t *testing.T, answer string) string {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			_, _ = http.ReadRequest(bufio.NewReader(conn))
			_, _ = io.WriteString(conn, answer)
			conn.Close()
		}
	}()
	return listener.Addr().String()
}

func TestClient_UnderLoadCountsWhatTheServerSaw(t *testing.T) {
	served := make(chan struct{}, 1<<20)
	address := serverAddress(t, func(http.ResponseWriter, *http.Request) { served <- struct{}{} })
	m := run(t, Load{New: Dialer(address, "/"), Connections: 4, Rate: 400, Duration: 250 * time.Millisecond})
	if m.Failures != 0 || m.Requests != 100 || len(served) != 100 {
		t.Errorf("%d requests, %d failures, %d served: %v", m.Requests, m.Failures, len(served), m.FirstError)
	}
}

func FuzzReadHead(f *testing.F) {
	f.Add("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc")
	f.Add("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n")
	f.Fuzz(func(t *testing.T, answer string) {
		r := bufio.NewReader(strings.NewReader(answer))
		status, body, err := readHead(r)
		if err == nil {
			_, err = body.consume(r)
		}
		if err == nil && (status < -99 || status > 999) {
			t.Errorf("status %d", status)
		}
	})
}
