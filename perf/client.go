package perf

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"time"
)

// callTimeout bounds one request of a load.
const callTimeout = 60 * time.Second

var errTooLong = errors.New("line of the answer too long")

// Client is a Caller with one connection of HTTP/1.1 that costs far less than net/http: the request's bytes are made
// once, and of the answer only status and framing are looked at. After an error it connects anew.
type Client struct {
	address string
	request []byte
	conn    net.Conn
	reader  *bufio.Reader
}

// Dial connects to address for GETs of path.
func Dial(ctx context.Context, address, path string) (*Client, error) {
	return dialRequest(ctx, address, request{path: path})
}

func dialRequest(ctx context.Context, address string, r request) (*Client, error) {
	c := &Client{address: address, request: r.bytes(address)}
	return c, c.connect(ctx)
}

// request is what a Client sends again and again.
type request struct {
	path string
	// header are whole lines without their ends.
	header []string
	// body is the length of a POST's body; 0 makes it a GET.
	body int
}

func (r request) bytes(host string) []byte {
	method := "GET"
	if r.body > 0 {
		method = "POST"
	}
	out := fmt.Appendf(nil, "%s %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: hotpod-perf\r\nAccept: */*\r\n", method, r.path, host)
	for _, line := range r.header {
		out = append(append(out, line...), "\r\n"...)
	}
	if r.body > 0 {
		out = fmt.Appendf(out, "Content-Type: text/plain\r\nContent-Length: %d\r\n", r.body)
	}
	return append(append(out, "\r\n"...), bytes.Repeat([]byte("x"), r.body)...)
}

// Dialer returns a function for Load.New.
func Dialer(address, path string) func(context.Context) (Caller, error) {
	return func(ctx context.Context) (Caller, error) { return Dial(ctx, address, path) }
}

// dialer is Dialer for any request.
func dialer(address string, r request) func(context.Context) (Caller, error) {
	return func(ctx context.Context) (Caller, error) { return dialRequest(ctx, address, r) }
}

func (c *Client) connect(ctx context.Context) error {
	conn, err := (&net.Dialer{Timeout: callTimeout}).DialContext(ctx, "tcp", c.address)
	if err != nil {
		return err
	}
	c.conn = conn
	c.reader = bufio.NewReaderSize(conn, 16<<10)
	return nil
}

// Close closes the connection.
func (c *Client) Close() error {
	if c.conn == nil {
		return nil
	}
	return c.conn.Close()
}

// Call implements Caller.
func (c *Client) Call(ctx context.Context) (int, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	if c.conn == nil {
		if err := c.connect(ctx); err != nil {
			return 0, err
		}
	}
	status, keep, err := c.exchange()
	if err != nil || !keep {
		_ = c.conn.Close()
		c.conn = nil
	}
	return status, err
}

func (c *Client) exchange() (status int, keep bool, err error) {
	if err := c.conn.SetDeadline(time.Now().Add(callTimeout)); err != nil {
		return 0, false, err
	}
	if _, err := c.conn.Write(c.request); err != nil {
		return 0, false, fmt.Errorf("send request: %w", err)
	}
	status, body, err := readHead(c.reader)
	if err != nil {
		return 0, false, fmt.Errorf("read answer: %w", err)
	}
	if _, err := body.consume(c.reader); err != nil {
		return 0, false, fmt.Errorf("read body: %w", err)
	}
	return status, !body.close, nil
}

// framing is how the body of an answer ends.
type framing struct {
	length  int64
	chunked bool
	close   bool
}

func readHead(r *bufio.Reader) (status int, f framing, err error) {
	line, err := readLine(r)
	if err != nil {
		return 0, f, err
	}
	if len(line) < 12 || !bytes.HasPrefix(line, []byte("HTTP/1.")) {
		return 0, f, fmt.Errorf("no HTTP answer: %.40q", line)
	}
	if status, err = strconv.Atoi(string(line[9:12])); err != nil {
		return 0, f, fmt.Errorf("no status: %.40q", line)
	}
	for {
		line, err = readLine(r)
		if err != nil {
			return 0, f, err
		}
		if len(line) == 0 {
			return status, f, nil
		}
		if err := f.header(line); err != nil {
			return 0, f, err
		}
	}
}

// header takes from a header line what tells the body's end.
func (f *framing) header(line []byte) error {
	name, value, _ := bytes.Cut(line, []byte(":"))
	value = bytes.TrimSpace(value)
	switch {
	case len(name) == len("content-length") && bytes.EqualFold(name, []byte("content-length")):
		n, err := strconv.ParseInt(string(value), 10, 64)
		if err != nil || n < 0 {
			return fmt.Errorf("length of the body: %.40q", value)
		}
		f.length = n
	case len(name) == len("transfer-encoding") && bytes.EqualFold(name, []byte("transfer-encoding")):
		f.chunked = bytes.EqualFold(value, []byte("chunked"))
	case len(name) == len("connection") && bytes.EqualFold(name, []byte("connection")):
		f.close = bytes.EqualFold(value, []byte("close"))
	}
	return nil
}

// consume reads the body away and returns its length.
func (f *framing) consume(r *bufio.Reader) (sum int64, err error) {
	if !f.chunked {
		return f.length, skip(r, f.length)
	}
	for {
		line, err := readLine(r)
		if err != nil {
			return sum, err
		}
		size, _, _ := bytes.Cut(line, []byte(";"))
		n, err := strconv.ParseInt(string(bytes.TrimSpace(size)), 16, 64)
		if err != nil || n < 0 {
			return sum, fmt.Errorf("size of a chunk: %.40q", line)
		}
		if n == 0 {
			return sum, skipTrailers(r)
		}
		if err := skip(r, n+2); err != nil {
			return sum, err
		}
		sum += n
	}
}

func skipTrailers(r *bufio.Reader) error {
	for {
		line, err := readLine(r)
		if err != nil || len(line) == 0 {
			return err
		}
	}
}

// skip reads n bytes away.
func skip(r *bufio.Reader, n int64) error {
	for n > 0 {
		step := int(min(n, 1<<30))
		done, err := r.Discard(step)
		n -= int64(done)
		if err != nil {
			return unexpected(err)
		}
	}
	return nil
}

// readLine returns a line without its end, valid until the next read.
func readLine(r *bufio.Reader) ([]byte, error) {
	line, err := r.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		return nil, errTooLong
	}
	if err != nil {
		return nil, unexpected(err)
	}
	return bytes.TrimRight(line, "\r\n"), nil
}

func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
