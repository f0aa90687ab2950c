package queueproxy_test

import (
	"net"
	"testing"

	"hotpod.dev/internal/testproxy"
	"hotpod.dev/wire"
)

// echo answers each request, which must arrive in one piece, with the same bytes and without an allocation.
func echo(tb testing.TB) string {
	tb.Helper()
	return testproxy.Script(tb, func(c *testproxy.Conn) {
		_ = c.SetDeadline(never)
		buf := make([]byte, 4096)
		answer := []byte("HTTP/1.1 200 OK\r\nContent-Length: 6\r\nContent-Type: text/plain\r\nDate: Mon, 01 Jan 2024 00:00:00 GMT\r\n\r\nhello\n")
		for {
			if n, err := c.Read(buf); err != nil || n == 0 {
				return
			}
			if _, err := c.Write(answer); err != nil {
				return
			}
		}
	})
}

// warm returns a function that sends one request over a kept connection and reads its answer.
func warm(tb testing.TB) func() {
	tb.Helper()
	p := start(tb, echo(tb), nil)
	p.assign(wire.Assignment{Limit: 10, RunTimeoutMillis: 60_000, QueueTimeoutMillis: 1000})
	conn, err := net.Dial("tcp", p.requests)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = conn.Close() })
	request := []byte("GET /hello?x=1 HTTP/1.1\r\nHost: example.org\r\nUser-Agent: curl/8.5.0\r\nAccept: */*\r\n" +
		"x-forwarded-proto: http\r\nx-request-id: 0b6b1f0e-1f0e-4f0e-8f0e-0b6b1f0e1f0e\r\nx-hotpod-function: " + hello.String() +
		"\r\nX-Fission-Full-Url: /hello?x=1\r\nX-Hotpod-Template: /{name}\r\nX-Fission-Request-ID: 0b6b1f0e-1f0e\r\n\r\n")
	answer := make([]byte, 4096)
	return func() {
		if _, err := conn.Write(request); err != nil {
			tb.Fatal(err)
		}
		if _, err := conn.Read(answer); err != nil {
			tb.Fatal(err)
		}
	}
}

func TestServe_AllocatesNothingForARequest(t *testing.T) {
	if testproxy.Race {
		t.Skip("the race detector makes pools forget, which shows as allocations; run without -race")
	}
	one := warm(t)
	for range 100 { // buffers and pools fill
		one()
	}
	if n := testing.AllocsPerRun(1000, one); n >= 1 {
		t.Errorf("%v allocations for a request", n)
	}
}

func BenchmarkServe(b *testing.B) {
	one := warm(b)
	one()
	b.ReportAllocs()
	for b.Loop() {
		one()
	}
}
