package proxy

import "io"

type bodyKind uint8

const (
	bodyNone bodyKind = iota
	bodyLength
	bodyChunked
	bodyUntilClose
)

// body is what follows a head on a connection. Its bytes are handed on raw: chunks stay the chunks they were.
type body struct {
	src    *reader
	kind   bodyKind
	left   int64
	chunks chunks
	// read says whether any byte was taken.
	read bool
}

// start prepares the body that h announces; without length and chunks it is none.
func (b *body) start(src *reader, h *head) {
	name := b.chunks.name
	*b = body{src: src}
	switch {
	case h.chunked:
		b.kind, b.chunks = bodyChunked, chunks{name: name}
	case h.length > 0:
		b.kind, b.left = bodyLength, h.length
	}
}

// done reports whether the last byte was handed out.
func (b *body) done() bool {
	switch b.kind {
	case bodyLength:
		return b.left == 0
	case bodyChunked:
		return b.chunks.state == chunkComplete
	case bodyUntilClose:
		return false
	default:
		return true
	}
}

// ready returns what is already buffered of the body, without reading from the connection.
func (b *body) ready() ([]byte, error) {
	p := b.src.buffered()
	n, err := b.take(p)
	b.src.r += n
	return p[:n], err
}

// next returns the next bytes, and the buffer that they are in, which must be put back; it is nil when they were
// buffered by the reader. It ends with io.EOF only for a body that lasts until the connection closes.
func (b *body) next(pool *buffers) ([]byte, *buffer, error) {
	if len(b.src.buffered()) > 0 {
		p, err := b.ready()
		return p, nil, err
	}
	limit := int64(largeBuffer)
	if b.kind == bodyLength {
		limit = b.left
	}
	buf, n, err := pool.read(b.src.conn, limit)
	if n == 0 {
		if err == io.EOF && b.kind != bodyUntilClose { //nolint:errorlint // net.Conn returns it bare
			err = io.ErrUnexpectedEOF
		}
		if err == nil {
			err = errEndless
		}
		return nil, nil, err
	}
	taken, err := b.take(buf.p[:n])
	if err == nil {
		b.src.unread(buf.p[taken:n])
	}
	return buf.p[:taken], buf, err
}

// take follows the body through p and returns how much of p belongs to it.
func (b *body) take(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	b.read = true
	switch b.kind {
	case bodyLength:
		n := int(min(int64(len(p)), b.left))
		b.left -= int64(n)
		return n, nil
	case bodyChunked:
		return b.chunks.scan(p)
	case bodyUntilClose:
		return len(p), nil
	default:
		return 0, nil
	}
}
