package proxy_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"runtime"
	"strings"
	"testing"
	"time"

	"hotpod.dev/internal/testproxy"
	"hotpod.dev/proxy"
)

// send sends a request and returns its answer, which is closed when the test ends.
func send(tb testing.TB, client *http.Client, req *http.Request) *http.Response {
	tb.Helper()
	resp, err := client.Do(req)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = resp.Body.Close() })
	return resp
}

func post(tb testing.TB, address string, body io.Reader) *http.Request {
	tb.Helper()
	req, err := http.NewRequestWithContext(tb.Context(), http.MethodPost, "http://"+address, body)
	if err != nil {
		tb.Fatal(err)
	}
	return req
}

func TestHTTP2_AQueuedBodyDoesNotBlockTheOthersOfItsConnection(t *testing.T) {
	wait := make(chan struct{})
	backend := testproxy.Backend(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) }))
	target := proxy.NewTarget(proxy.TargetConfig{Address: backend})
	t.Cleanup(target.Close)
	queued := make(chan struct{}, 10)
	address := serve(t, func(x proxy.Exchange) {
		if x.Header("X-Queued") != "" {
			x.Replayable(64 << 10) // as a full pod does, and an activator
			queued <- struct{}{}
			<-wait
		}
		forward(x, target, &proxy.Options{})
	})
	client := testproxy.HTTP2(t)
	const size = 8 << 20
	done := make(chan int64, 3)
	for range cap(done) {
		req := post(t, address, io.NopCloser(io.LimitReader(zeros{}, size)))
		req.Header.Set("X-Queued", "1")
		go func() {
			resp, err := client.Do(req)
			if err != nil {
				t.Error(err)
				done <- 0
				return
			}
			defer resp.Body.Close()
			n, _ := io.Copy(io.Discard, resp.Body)
			done <- n
		}()
	}
	for range cap(done) {
		<-queued
	}
	resp := send(t, client, post(t, address, io.NopCloser(io.LimitReader(zeros{}, size))))
	defer resp.Body.Close()
	if n, err := io.Copy(io.Discard, resp.Body); n != size || err != nil {
		t.Errorf("%d bytes came back: %v", n, err)
	}
	close(wait)
	for range cap(done) {
		if n := <-done; n != size {
			t.Errorf("%d bytes of a queued one came back", n)
		}
	}
}

func TestHTTP2_StreamsLargeBodiesInConstantMemory(t *testing.T) {
	size := int64(300 << 20)
	if testing.Short() || testproxy.Race {
		size = 32 << 20
	}
	backend := testproxy.Backend(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) }))
	client := testproxy.HTTP2(t)
	client.Timeout = time.Minute
	most := uint64(0)
	stop := sampleHeap(&most)
	resp := send(t, client, post(t, through(t, backend, &proxy.Options{ReplayLimit: 1 << 20}), io.NopCloser(io.LimitReader(zeros{}, size))))
	defer resp.Body.Close()
	n, err := io.Copy(io.Discard, resp.Body)
	stop()
	if n != size || err != nil {
		t.Errorf("%d bytes came back: %v", n, err)
	}
	if most > 24<<20 {
		t.Errorf("the heap grew to %d MiB", most>>20)
	}
}

// sampleHeap notes the most that the heap had until stop.
func sampleHeap(most *uint64) (stop func()) {
	end, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			*most = max(*most, m.HeapInuse)
			select {
			case <-end:
				return
			case <-time.After(20 * time.Millisecond):
			}
		}
	}()
	return func() { close(end); <-ended }
}

func TestHTTP2_ASlowReaderGetsAll(t *testing.T) {
	const size = 4 << 20
	sent := make(chan struct{})
	backend := testproxy.Backend(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.CopyN(w, zeros{}, size)
		close(sent)
	}))
	client := testproxy.HTTP2(t)
	address := through(t, backend, &proxy.Options{})
	resp := send(t, client, post(t, address, nil))
	defer resp.Body.Close()
	buf, got := make([]byte, 100_000), 0
	for {
		n, err := io.ReadFull(resp.Body, buf)
		got += n
		if err != nil {
			break
		}
		time.Sleep(time.Millisecond)
	}
	if got != size {
		t.Errorf("%d bytes came", got)
	}
	<-sent
}

func TestHTTP2_InformationalAnswersDoNotDisturb(t *testing.T) {
	backend := testproxy.Backend(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Link", "</style.css>")
		w.WriteHeader(http.StatusEarlyHints)
		w.WriteHeader(http.StatusProcessing)
		body, _ := io.ReadAll(r.Body)
		w.WriteHeader(http.StatusCreated)
		_, _ = w.Write(body)
	}))
	req := post(t, through(t, backend, &proxy.Options{}), strings.NewReader("hello"))
	req.Header.Set("Expect", "100-continue")
	continued := make(chan struct{}, 10)
	req = req.WithContext(httptrace.WithClientTrace(req.Context(), &httptrace.ClientTrace{Got100Continue: func() { continued <- struct{}{} }}))
	client := testproxy.HTTP2(t)
	client.Transport.(*http.Transport).ExpectContinueTimeout = 5 * time.Second
	resp := send(t, client, req)
	if body, err := io.ReadAll(resp.Body); resp.StatusCode != http.StatusCreated || string(body) != "hello" || err != nil {
		t.Errorf("answer = %d %q: %v", resp.StatusCode, body, err)
	}
	if len(continued) != 1 {
		t.Errorf("%d leaves to send the body", len(continued))
	}
}

func TestHTTP2_LargeHeadsGoThroughUpToTheLimit(t *testing.T) {
	backend := testproxy.Backend(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		size := len(r.Header.Get("X-Large"))
		if r.Header.Get("X-Huge") != "" {
			size = 2 << 20
		}
		w.Header().Set("X-Large", strings.Repeat("y", size))
		for i := range 200 {
			w.Header().Set(fmt.Sprint("X-", i), "v")
		}
	}))
	address := through(t, backend, &proxy.Options{})
	client := testproxy.HTTP2(t)
	req := post(t, address, nil)
	req.Header.Set("X-Large", strings.Repeat("x", 40_000))
	if resp := send(t, client, req); resp.StatusCode != 200 || len(resp.Header.Get("X-Large")) != 40_000 || resp.Header.Get("X-199") != "v" {
		t.Errorf("answer = %d with %d fields", resp.StatusCode, len(resp.Header))
	}
	req = post(t, address, nil)
	req.Header.Set("X-Huge", "1")
	if resp := send(t, client, req); resp.StatusCode != http.StatusBadGateway {
		t.Errorf("a head of 2 MiB came as %d", resp.StatusCode)
	}
	if resp := send(t, client, post(t, address, nil)); resp.StatusCode != 200 {
		t.Errorf("afterwards: %d", resp.StatusCode)
	}
}
