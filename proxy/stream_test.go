package proxy_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"hotpod.dev/internal/testproxy"
	"hotpod.dev/proxy"
)

func TestHTTP2_GoesThroughWithTrailers(t *testing.T) {
	backend := testproxy.Backend(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ProtoMajor != 2 {
			http.Error(w, "HTTP/"+r.Proto, http.StatusHTTPVersionNotSupported)
			return
		}
		w.Header().Set("Trailer", "Grpc-Status")
		w.Header().Set("X-Saw", r.Method+" "+r.RequestURI+" "+r.Host+" "+r.Header.Get("X-Secret")+r.Header.Get("X-Added"))
		_, _ = io.Copy(w, r.Body)
		w.Header().Set("Grpc-Status", "0 "+r.Trailer.Get("Client-Trailer"))
	}))
	address := through(t, backend, &proxy.Options{DropRequest: []string{"x-secret"}, RequestHeader: []byte("X-Added: 1\r\n")})
	client := testproxy.HTTP2(t)
	for range 3 {
		req, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+address+"/pkg.Service/Call?x=%20", strings.NewReader("hello"))
		req.Host = "example.org"
		req.Header.Set("X-Secret", "s")
		req.Trailer = http.Header{"Client-Trailer": {"t"}}
		resp, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil || string(body) != "hello" || resp.Trailer.Get("Grpc-Status") != "0 t" || resp.Header.Get("X-Saw") != "POST /pkg.Service/Call?x=%20 example.org 1" {
			t.Errorf("answer = %d %q %v %v: %v", resp.StatusCode, body, resp.Header, resp.Trailer, err)
		}
	}
}

func TestHTTP2_StreamsBothWays(t *testing.T) {
	backend := testproxy.Backend(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusOK)
		_ = http.NewResponseController(w).Flush()
		buf := make([]byte, 1)
		for {
			if _, err := r.Body.Read(buf); err != nil {
				return
			}
			_, _ = w.Write(bytes.ToUpper(buf))
			_ = http.NewResponseController(w).Flush()
		}
	}))
	address := through(t, backend, &proxy.Options{})
	pr, pw := io.Pipe()
	req, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+address, pr)
	resp, err := testproxy.HTTP2(t).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	one := make([]byte, 1)
	for _, c := range "hello" {
		fmt.Fprintf(pw, "%c", c)
		if _, err := io.ReadFull(resp.Body, one); err != nil || string(one) != strings.ToUpper(string(c)) {
			t.Fatalf("%c came back as %q: %v", c, one, err)
		}
	}
	_ = pw.Close()
	if _, err := resp.Body.Read(one); err != io.EOF {
		t.Errorf("end = %v", err)
	}
}

func TestHTTP2_LetsARefusedRequestBeSentElsewhere(t *testing.T) {
	address, outs := tries(t, 1<<20, refuses(t), closedPort(t), echoBackend(t))
	body := strings.Repeat("x", 100_000)
	req, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+address, io.NopCloser(strings.NewReader(body)))
	resp, err := testproxy.HTTP2(t).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	if err != nil || string(got) != body {
		t.Errorf("%d bytes came back: %v", len(got), err)
	}
	for _, want := range []proxy.Kind{proxy.Refused, proxy.Unreached, proxy.Answered} {
		if out := <-outs; out.Kind != want {
			t.Errorf("outcome = %v, want %v", out, want)
		}
	}
}

func TestHTTP2_EndsTheUpstreamsStreamWithTheClients(t *testing.T) {
	inside, left := make(chan struct{}), make(chan struct{})
	backend := testproxy.Backend(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		close(inside)
		<-r.Context().Done()
		close(left)
	}))
	address, ends := outcomes(t, backend, &proxy.Options{})
	ctx, cancel := context.WithCancel(t.Context())
	req, _ := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address, nil)
	go func() { <-inside; cancel() }()
	if resp, err := testproxy.HTTP2(t).Do(req); !errors.Is(err, context.Canceled) {
		defer resp.Body.Close()
		t.Errorf("Do = %v", err)
	}
	if out := <-ends; out.Kind != proxy.Gone {
		t.Errorf("outcome = %v", out)
	}
	<-left
}

func TestHTTP2_CutsAnswersThatBreakOffOrTakeTooLong(t *testing.T) {
	for name, kind := range map[string]proxy.Kind{"breaks": proxy.Broken, "waits": proxy.TimedOut} {
		t.Run(name, func(t *testing.T) {
			backend := testproxy.Backend(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.WriteString(w, "begun")
				_ = http.NewResponseController(w).Flush()
				if kind == proxy.Broken {
					panic(http.ErrAbortHandler)
				}
				<-r.Context().Done()
			}))
			address, ends := outcomes(t, backend, &proxy.Options{Timeout: 100 * time.Millisecond})
			req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+address, nil)
			resp, err := testproxy.HTTP2(t).Do(req)
			if err == nil {
				defer resp.Body.Close()
				_, err = io.ReadAll(resp.Body)
			}
			if err == nil {
				t.Error("the client takes the answer for whole")
			}
			if out := <-ends; out.Kind != kind || !out.Final {
				t.Errorf("outcome = %v", out)
			}
		})
	}
}

func TestHTTP2_NeverRepeatsWhatTheUpstreamRead(t *testing.T) {
	var mu sync.Mutex
	var conns []net.Conn
	requests := 0
	lis := testproxy.Listen(t)
	srv := &http.Server{Protocols: new(http.Protocols), ReadHeaderTimeout: time.Minute}
	srv.Protocols.SetUnencryptedHTTP2(true)
	srv.ConnState = func(c net.Conn, s http.ConnState) {
		mu.Lock()
		defer mu.Unlock()
		if s == http.StateNew {
			conns = append(conns, c)
		}
	}
	srv.Handler = http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if requests++; requests == 2 {
			for _, c := range conns {
				_ = c.Close()
			}
		}
	})
	go func() { _ = srv.Serve(lis) }()
	t.Cleanup(func() { _ = srv.Close() })
	address := through(t, lis.Addr().String(), &proxy.Options{})
	for i, want := range []int{http.StatusOK, http.StatusBadGateway, http.StatusOK} {
		req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+address, nil)
		resp, err := testproxy.HTTP2(t).Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("request %d: status = %d", i+1, resp.StatusCode)
		}
	}
	if requests != 3 {
		t.Errorf("the upstream saw %d requests", requests)
	}
}

func TestHTTP2_TimesOutBeforeTheAnswer(t *testing.T) {
	backend := testproxy.Backend(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	address, ends := outcomes(t, backend, &proxy.Options{Timeout: 30 * time.Millisecond})
	req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+address, nil)
	resp, err := testproxy.HTTP2(t).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusGatewayTimeout {
		t.Errorf("status = %d", resp.StatusCode)
	}
	if out := <-ends; out.Kind != proxy.TimedOut || out.Final {
		t.Errorf("outcome = %v", out)
	}
}

func TestHTTP2_DropsInterimAnswers(t *testing.T) {
	backend := testproxy.Backend(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for range 3 {
			w.Header().Set("Link", "</a.css>; rel=preload")
			w.WriteHeader(http.StatusEarlyHints)
		}
		_, _ = io.WriteString(w, "page")
	}))
	resp, err := testproxy.HTTP2(t).Get("http://" + through(t, backend, &proxy.Options{}))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, err := io.ReadAll(resp.Body); resp.StatusCode != http.StatusOK || string(body) != "page" || err != nil {
		t.Errorf("answer = %d %q, %v", resp.StatusCode, body, err)
	}
}

func TestHTTP2_RefusesToBeATunnel(t *testing.T) {
	reached := make(chan struct{}, 1)
	backend := testproxy.Backend(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached <- struct{}{} }))
	req, _ := http.NewRequestWithContext(t.Context(), http.MethodConnect, "http://"+through(t, backend, &proxy.Options{}), nil)
	req.URL.Opaque = "elsewhere:22"
	resp, err := testproxy.HTTP2(t).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusBadRequest || len(reached) > 0 {
		t.Errorf("CONNECT = %d", resp.StatusCode)
	}
}
