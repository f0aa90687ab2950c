//go:build unix

package proxy_test

import (
	"io"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"syscall"
	"testing"
	"time"

	"hotpod.dev/internal/testproxy"
	"hotpod.dev/proxy"
)

// BenchmarkHop sends small requests to a backend, directly and through one hop. CPU is that of client, hop and backend
// together: the hop's own is the difference to the direct way.
func BenchmarkHop(b *testing.B) {
	http1 := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 100}}
	b.Cleanup(http1.CloseIdleConnections)
	backend := testproxy.Backend(b, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "application/grpc")
		_, _ = io.WriteString(w, "a small answer")
		w.Header().Set(http.TrailerPrefix+"Grpc-Status", "0")
	}))
	options := &proxy.Options{DropRequest: []string{"x-hotpod-*"}, DropResponse: []string{"x-hotpod-*"}, Timeout: time.Minute}
	ours, bare := through(b, backend, options), bareHTTP2(b, backend)
	target := proxy.NewTarget(proxy.TargetConfig{Address: backend})
	b.Cleanup(target.Close)
	ahead := serve(b, func(x proxy.Exchange) { // as an activator does
		x.Replayable(1 << 20)
		forward(x, target, options)
	})
	for _, way := range []struct {
		name, address string
		client        *http.Client
	}{
		{"HTTP1/direct", backend, http1},
		{"HTTP1/ours", ours, http1},
		{"HTTP2/direct", backend, testproxy.HTTP2(b)},
		{"HTTP2/ours", ours, testproxy.HTTP2(b)},
		{"HTTP2/ours, read ahead", ahead, testproxy.HTTP2(b)},
		{"HTTP2/bare", bare, testproxy.HTTP2(b)},
	} {
		b.Run(way.name, func(b *testing.B) { hop(b, way.address, way.client) })
	}
}

// hop calls an address as a gRPC client does: 16 calls at a time, each with a body of unknown length.
func hop(b *testing.B, address string, client *http.Client) {
	b.Helper()
	b.ReportAllocs()
	b.SetParallelism(8)
	before := cpu()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			resp, err := client.Do(post(b, address, io.NopCloser(strings.NewReader("a small request"))))
			if err != nil {
				b.Error(err)
				return
			}
			_, _ = io.Copy(io.Discard, resp.Body)
			_ = resp.Body.Close()
		}
	})
	b.ReportMetric(float64((cpu()-before).Microseconds())/float64(b.N), "µs-cpu/op")
}

// bareHTTP2 is the least that net/http makes of a proxy.
func bareHTTP2(tb testing.TB, backend string) string {
	tb.Helper()
	p := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: backend})
	p.Transport, p.FlushInterval = testproxy.HTTP2(tb).Transport, -1
	return testproxy.Backend(tb, p)
}

// cpu is what the process has used.
func cpu() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
