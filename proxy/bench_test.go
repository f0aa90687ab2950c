package proxy

import (
	"bufio"
	"bytes"
	"testing"

	"github.com/valyala/fasthttp"
)

// envoyRequest is what Envoy sends to a queue-proxy.
var envoyRequest = crlf("GET /hello?x=1 HTTP/1.1\nhost: example.org\nuser-agent: curl/8.5.0\naccept: */*\nx-forwarded-proto: http\n" +
	"x-request-id: 0b6b1f0e-1f0e-4f0e-8f0e-0b6b1f0e1f0e\nx-forwarded-for: 10.0.0.7\nx-envoy-external-address: 10.0.0.7\n" +
	"x-hotpod-function: default/hello/1f0e4f0e-8f0e-0b6b-1f0e-1f0e0b6b1f0e\nx-fission-full-url: /hello?x=1\n" +
	"x-fission-request-id: 0b6b1f0e-1f0e-4f0e-8f0e-0b6b1f0e1f0e\n\n")

func BenchmarkHead(b *testing.B) {
	var h head
	o := &Options{DropRequest: []string{"x-hotpod-*", "x-fission-function-*"}, Forwarded: true, RequestHeader: []byte("X-Fission-Function-Name: hello\r\n")}
	var out []byte
	b.ReportAllocs()
	for b.Loop() {
		if err := h.parseRequest(envoyRequest); err != nil {
			b.Fatal(err)
		}
		out = appendRequest(out[:0], &h, o)
	}
}

// BenchmarkHeadFasthttp does the same with fasthttp's parser.
func BenchmarkHeadFasthttp(b *testing.B) {
	var h fasthttp.RequestHeader
	h.DisableNormalizing()
	h.SetNoDefaultContentType(true)
	src := bytes.NewReader(nil)
	r := bufio.NewReader(nil)
	var out []byte
	b.ReportAllocs()
	for b.Loop() {
		src.Reset(envoyRequest)
		r.Reset(src)
		if err := h.Read(r); err != nil {
			b.Fatal(err)
		}
		host := h.Host()
		h.Del("x-hotpod-function")
		h.Set("X-Fission-Function-Name", "hello")
		h.SetBytesV("X-Forwarded-Host", host)
		h.SetBytesV("Forwarded", host)
		out = h.AppendBytes(out[:0])
	}
}
