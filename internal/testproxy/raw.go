package testproxy

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// patience bounds every wait of a test for something that must happen.
const patience = 10 * time.Second

// Listen returns a listener on a free port of the loopback, closed when the test ends.
func Listen(t testing.TB) net.Listener {
	t.Helper()
	lis, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = lis.Close() })
	return lis
}

// Backend serves HTTP/1.1 and HTTP/2 without TLS by net/http on a free port, and returns its address.
func Backend(t testing.TB, h http.Handler) string {
	t.Helper()
	lis := Listen(t)
	srv := &http.Server{Handler: h, Protocols: new(http.Protocols), ReadHeaderTimeout: time.Minute}
	srv.Protocols.SetHTTP1(true)
	srv.Protocols.SetUnencryptedHTTP2(true)
	go func() { _ = srv.Serve(lis) }()
	t.Cleanup(func() { _ = srv.Close() })
	return lis.Addr().String()
}

// Script serves each connection by f, which reads and writes as it likes, and returns the address. The connection
// is closed when f returns.
func Script(t testing.TB, f func(c *Conn)) string {
	t.Helper()
	lis := Listen(t)
	var open sync.WaitGroup
	t.Cleanup(open.Wait)
	t.Cleanup(func() { _ = lis.Close() })
	go func() {
		for {
			conn, err := lis.Accept()
			if err != nil {
				return
			}
			open.Add(1)
			go func() {
				defer open.Done()
				defer conn.Close()
				_ = conn.SetDeadline(time.Now().Add(patience))
				f(&Conn{Conn: conn, R: bufio.NewReader(conn), t: t})
			}()
		}
	}()
	return lis.Addr().String()
}

// Conn is one end of a connection that a test drives by hand.
type Conn struct {
	net.Conn
	// R reads what came.
	R *bufio.Reader
	t testing.TB
}

// Dial connects to an address; the connection is closed when the test ends.
func Dial(t testing.TB, address string) *Conn {
	t.Helper()
	conn, err := (&net.Dialer{}).DialContext(context.Background(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(patience))
	return &Conn{Conn: conn, R: bufio.NewReader(conn), t: t}
}

// Send writes s, in which the test writes line ends as "\n"; they leave as CRLF.
func (c *Conn) Send(s string) {
	_, _ = io.WriteString(c.Conn, strings.ReplaceAll(s, "\n", "\r\n"))
}

// Head reads up to and including a blank line and returns it with line ends as "\n"; what came before the end of
// the connection when there is none.
func (c *Conn) Head() string {
	var b strings.Builder
	for {
		line, err := c.R.ReadString('\n')
		b.WriteString(strings.TrimRight(line, "\r\n"))
		if err != nil {
			return b.String()
		}
		b.WriteByte('\n')
		if line == "\r\n" || line == "\n" {
			return b.String()
		}
	}
}

// Answer reads a whole answer to a request with the method.
func (c *Conn) Answer(method string) (*http.Response, string) {
	c.t.Helper()
	resp, err := http.ReadResponse(c.R, &http.Request{Method: method})
	if err != nil {
		c.t.Fatalf("read answer: %v", err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		c.t.Fatalf("read answer's body after %q: %v", body, err)
	}
	return resp, string(body)
}

// Take reads n bytes.
func (c *Conn) Take(n int) string {
	c.t.Helper()
	b := make([]byte, n)
	if m, err := io.ReadFull(c.R, b); err != nil {
		c.t.Errorf("read %d bytes: got %q: %v", n, b[:m], err)
	}
	return string(b)
}

// Closed reports whether the other side closes the connection before it sends anything more, within d.
func (c *Conn) Closed(d time.Duration) bool {
	_ = c.SetReadDeadline(time.Now().Add(d))
	defer c.SetReadDeadline(time.Now().Add(patience))
	_, err := c.R.ReadByte()
	var timeout net.Error
	return err != nil && (!errors.As(err, &timeout) || !timeout.Timeout())
}

// Eventually waits until ok, and fails the test when that takes too long.
func Eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited in vain: %s", what)
		}
	}
}

// HTTP2 returns a client that speaks HTTP/2 without TLS from the first byte.
func HTTP2(t testing.TB) *http.Client {
	t.Helper()
	tr := &http.Transport{Protocols: new(http.Protocols)}
	tr.Protocols.SetUnencryptedHTTP2(true)
	t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr, Timeout: patience}
}
