package proxy

import (
	"bytes"
	"io"
	"sync"
)

// tape is the body of a stream that can be sent again from its beginning, as long as it stays within a limit.
type tape struct {
	mu     sync.Mutex // guards what follows; the transport reads in a goroutine of its own
	src    io.Reader
	limit  int64
	kept   []byte
	replay bytes.Reader
	lost   bool
}

func (t *tape) start(src io.Reader, limit int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.src == nil {
		t.src, t.limit = src, limit
	}
	t.replay.Reset(t.kept)
}

// Read implements io.Reader.
func (t *tape) Read(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.replay.Len() > 0 {
		return t.replay.Read(p)
	}
	n, err := t.src.Read(p)
	if n > 0 {
		if t.lost = t.lost || int64(len(t.kept)+n) > t.limit; t.lost {
			t.kept = nil
		} else {
			t.kept = append(t.kept, p[:n]...)
		}
	}
	return n, err
}

// Close implements io.Closer. The source stays open for a further attempt.
func (t *tape) Close() error { return nil }

// rewind reports whether the body can be sent again.
func (t *tape) rewind() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return !t.lost
}
