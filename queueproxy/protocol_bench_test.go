package queueproxy_test

import (
	"io"
	"net/http"
	"syscall"
	"testing"

	"hotpod.dev/internal/testproxy"
	"hotpod.dev/wire"
)

// BenchmarkProtocols shows what the hop costs in either protocol: the difference between "through" and "direct", client and
// runtime being net/http in both. cpu-us is all the process used.
func BenchmarkProtocols(b *testing.B) {
	runtime := testproxy.Backend(b, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello\n") }))
	p := start(b, runtime, nil)
	p.assign(wire.Assignment{Limit: 10, RunTimeoutMillis: 60_000})
	for protocol, client := range map[string]*http.Client{"HTTP/1.1": http1(b), "HTTP/2": testproxy.HTTP2(b)} {
		for way, address := range map[string]string{"direct": runtime, "through": p.requests} {
			b.Run(protocol+"/"+way, func(b *testing.B) {
				b.ReportAllocs()
				before := used()
				for b.Loop() {
					req, _ := http.NewRequestWithContext(b.Context(), http.MethodGet, "http://"+address+"/x", nil)
					req.Header.Set(wire.HeaderFunction, hello.String())
					resp, err := client.Do(req)
					if err != nil {
						b.Fatal(err)
					}
					_, _ = io.Copy(io.Discard, resp.Body)
					_ = resp.Body.Close()
				}
				b.ReportMetric(float64(used()-before)/float64(b.N), "cpu-us/op")
			})
		}
	}
}

// used is the process's CPU time in microseconds.
func used() int64 {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return (u.Utime.Sec+u.Stime.Sec)*1e6 + u.Utime.Usec + u.Stime.Usec
}
