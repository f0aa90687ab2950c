package proxy

import (
	"net"
	"sync"
	"sync/atomic"
)

// maxLarge is how many large buffers a server lends at a time.
const maxLarge = 32

// buffers lends memory for copying: some large buffers, which spare large bodies system calls, and beyond these any
// number of small ones. A connection that waits for its peer has none of them.
type buffers struct {
	large, small sync.Pool
	lent         atomic.Int32 // large ones
}

// buffer is lent memory.
type buffer struct{ p []byte }

func (b *buffers) get() *buffer {
	if b.lent.Add(1) > maxLarge {
		b.lent.Add(-1)
		return take(&b.small, copyBuffer)
	}
	return take(&b.large, largeBuffer)
}

func take(pool *sync.Pool, size int) *buffer {
	if l, ok := pool.Get().(*buffer); ok {
		return l
	}
	return &buffer{p: make([]byte, size)}
}

// put takes a buffer back; nil is none.
func (b *buffers) put(l *buffer) {
	switch {
	case l == nil:
	case len(l.p) == largeBuffer:
		b.lent.Add(-1)
		b.large.Put(l)
	default:
		b.small.Put(l)
	}
}

// lender is a connection that reads up to limit bytes into a buffer of pool, and holds none while it waits. The buffer is
// nil when nothing was read.
type lender interface {
	lend(pool *buffers, limit int64) (*buffer, int, error)
}

// read reads up to limit bytes. The buffer is nil when nothing was read; else it must be put back.
func (b *buffers) read(conn net.Conn, limit int64) (*buffer, int, error) {
	if c, ok := conn.(lender); ok {
		return c.lend(b, limit)
	}
	l := b.get()
	n, err := conn.Read(l.p[:min(limit, int64(len(l.p)))])
	if n == 0 {
		b.put(l)
		l = nil
	}
	return l, n, err
}
