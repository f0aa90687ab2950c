package proxy

import (
	"bytes"
	"errors"
	"io"
	"net"
	"time"
)

// Sizes of buffers.
const (
	readBuffer       = 4 << 10
	copyBuffer       = 32 << 10
	largeBuffer      = 128 << 10
	defaultHeadLimit = 64 << 10
	// readAhead is how long the end of a body of unknown length is waited for, before it counts as far.
	readAhead = 10 * time.Millisecond
)

var (
	errHeadTooLarge = errors.New("head is too large")
	errEndless      = errors.New("connection gave no bytes and no error")
)

// reader buffers one side of a connection. Bytes that it has given out stay as they are until the next readHead.
type reader struct {
	conn net.Conn
	buf  []byte
	r, w int // buf[r:w] is unread
	// slow is called when a head has begun and must be waited for; nil does nothing.
	slow func()
}

func (b *reader) buffered() []byte { return b.buf[b.r:b.w] }

// fill reads once, behind what is unread, and makes room by growing up to limit.
func (b *reader) fill(limit int) error {
	if b.w == len(b.buf) {
		if len(b.buf) >= limit {
			return errHeadTooLarge
		}
		grown := make([]byte, min(max(2*len(b.buf), readBuffer), limit))
		copy(grown, b.buf[:b.w])
		b.buf = grown
	}
	for range 100 {
		n, err := b.conn.Read(b.buf[b.w:])
		b.w += n
		if n > 0 {
			return nil
		}
		if err != nil {
			return err
		}
	}
	return errEndless
}

// rewind moves what is unread to the front. What was given out before is overwritten.
func (b *reader) rewind() {
	if b.r == 0 {
		return
	}
	b.w = copy(b.buf, b.buf[b.r:b.w])
	b.r = 0
}

// readHead returns a head up to and including its blank line, as given out. io.EOF means that not one byte came.
func (b *reader) readHead(limit int) ([]byte, error) {
	b.rewind()
	for from := 0; ; {
		unread := b.buf[b.r:b.w]
		if i := bytes.Index(unread[from:], []byte("\r\n\r\n")); i >= 0 {
			end := from + i + 4
			b.r += end
			return unread[:end:end], nil
		}
		from = max(0, len(unread)-3)
		if len(unread) > 0 && b.slow != nil {
			b.slow()
		}
		if err := b.fill(limit); err != nil {
			if err == io.EOF && len(unread) > 0 { //nolint:errorlint // net.Conn returns it bare
				err = io.ErrUnexpectedEOF
			}
			return nil, err
		}
	}
}

// unread puts bytes back that were read from the connection directly, when nothing else is buffered.
func (b *reader) unread(p []byte) {
	if len(p) == 0 {
		return
	}
	if len(b.buf)-b.r < len(p) {
		grown := make([]byte, len(p))
		b.buf, b.r = grown, 0 // heads given out keep the old array
	}
	b.w = b.r + copy(b.buf[b.r:], p)
}
