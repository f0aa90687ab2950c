package proxy_test

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"hotpod.dev/internal/testproxy"
	"hotpod.dev/proxy"
)

// FuzzServer sends bytes at random through a server to a strict upstream: whatever comes, the upstream sees only
// well-formed requests, and the client only well-formed answers.
func FuzzServer(f *testing.F) {
	for _, s := range []string{
		"GET / HTTP/1.1\r\nHost: h\r\n\r\n", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabcGET /2 HTTP/1.1\r\nHost: h\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n", "POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n",
	} {
		f.Add([]byte(s))
	}
	bad := make(chan string, 100)
	upstream := testproxy.Script(f, func(c *testproxy.Conn) {
		_ = c.SetDeadline(time.Time{})
		for {
			if _, err := c.R.Peek(1); err != nil {
				return
			}
			r, err := http.ReadRequest(c.R)
			if err != nil {
				// Its own ideas of URLs and hosts are not what is tested.
				if !strings.Contains(err.Error(), "parse ") && !strings.Contains(err.Error(), "malformed Host") {
					bad <- err.Error()
				}
				return
			}
			_, err = io.Copy(io.Discard, r.Body)
			if err != nil { // the client left inside its body
				return
			}
			c.Send(emptyAnswer)
		}
	})
	address := through(f, upstream, &proxy.Options{Timeout: time.Second, Forwarded: true})
	f.Fuzz(func(t *testing.T, raw []byte) {
		c := testproxy.Dial(t, address)
		_, _ = c.Write(raw)
		if cw, ok := c.Conn.(interface{ CloseWrite() error }); ok {
			_ = cw.CloseWrite()
		}
		got, _ := io.ReadAll(c.R)
		if bytes.HasPrefix(raw, []byte("PRI ")) {
			return
		}
		for r := bufio.NewReader(bytes.NewReader(got)); ; {
			if _, err := r.Peek(1); err != nil {
				break
			}
			resp, err := http.ReadResponse(r, nil)
			if err != nil {
				t.Fatalf("%q was answered with %q: %v", raw, got, err)
			}
			_, _ = io.Copy(io.Discard, resp.Body)
			_ = resp.Body.Close()
		}
		select {
		case what := <-bad:
			t.Fatalf("%q: the upstream got a malformed request: %s", raw, what)
		default:
		}
	})
}
