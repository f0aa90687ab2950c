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
func Listen(tb testing.TB) net.Listener {
	tb.Helper()
	lis, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = lis.Close() })
	return lis
}

// Backend serves HTTP/1.1 and HTTP/2 without TLS by net/http on a free port, and returns its address.
func Backend(tb testing.TB, h http.Handler) string {
	tb.Helper()
	lis := Listen(tb)
	srv := &http.Server{Handler: h, Protocols: new(http.Protocols), ReadHeaderTimeout: time.Minute}
	srv.Protocols.SetHTTP1(true)
	srv.Protocols.SetUnencryptedHTTP2(true)
	go func() { _ = srv.Serve(lis) }()
	tb.Cleanup(func() { _ = srv.Close() })
	return lis.Addr().String()
}

// Script serves each connection by f, which reads and writes as it likes, and returns the address. The connection
// is closed when f returns.
func Script(tb testing.TB, f func(c *Conn)) string {
	tb.Helper()
	lis := Listen(tb)
	var open sync.WaitGroup
	tb.Cleanup(open.Wait)
	tb.Cleanup(func() { _ = lis.Close() })
	open.Go(func() {
		for {
			conn, err := lis.Accept()
			if err != nil {
				return
			}
			open.Go(func() {
				defer conn.Close()
				_ = conn.SetDeadline(time.Now().Add(patience))
				f(&Conn{Conn: conn, R: bufio.NewReader(conn), t: tb})
			})
		}
	})
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
func Dial(tb testing.TB, address string) *Conn {
	tb.Helper()
	conn, err := (&net.Dialer{}).DialContext(context.Background(), "tcp", address)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(patience))
	return &Conn{Conn: conn, R: bufio.NewReader(conn), t: tb}
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

// Answer is the head of an answer.
type Answer struct {
	Status int
	Proto  string
	Header http.Header
	// Close says that the connection ends with it, Chunked how its body came.
	Close, Chunked bool
}

// Answer reads a whole answer to a request with the method.
func (c *Conn) Answer(method string) (a Answer, body string) {
	c.t.Helper()
	resp, err := http.ReadResponse(c.R, &http.Request{Method: method})
	if err != nil {
		c.t.Fatalf("read answer: %v", err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		c.t.Fatalf("read answer's body after %q: %v", b, err)
	}
	return Answer{
		Status: resp.StatusCode, Proto: resp.Proto, Header: resp.Header, Close: resp.Close,
		Chunked: len(resp.TransferEncoding) > 0,
	}, string(b)
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
	_, err := c.R.ReadByte()
	_ = c.SetReadDeadline(time.Now().Add(patience))
	var timeout net.Error
	return err != nil && (!errors.As(err, &timeout) || !timeout.Timeout())
}

// Eventually waits until ok, and fails the test when that takes too long.
func Eventually(tb testing.TB, what string, ok func() bool) {
	tb.Helper()
	for end := time.Now().Add(patience); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			tb.Fatalf("waited in vain: %s", what)
		}
	}
}

// HTTP2 returns a client that speaks HTTP/2 without TLS from the first byte.
func HTTP2(tb testing.TB) *http.Client {
	tb.Helper()
	tr := &http.Transport{Protocols: new(http.Protocols)}
	tr.Protocols.SetUnencryptedHTTP2(true)
	tb.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr, Timeout: patience}
}
