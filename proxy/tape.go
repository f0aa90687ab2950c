package proxy

import (
	"errors"
	"io"
	"sync"
	"time"
)

var errTapeLost = errors.New("body was taken by an earlier attempt")

// tape is the body of a stream that can be sent again from its beginning, as long as it stays within a limit. Each
// attempt reads it by a reader of its own; the transport may still sit in the one of an attempt that is over.
type tape struct {
	mu      sync.Mutex // guards what follows
	more    sync.Cond  // on mu: kept, err, busy or current changed
	src     io.Reader
	limit   int64
	kept    []byte
	lost    bool  // more than limit came: kept is not the whole beginning
	err     error // how the source ended
	busy    bool  // a reader is in the source
	current *tapeReader
}

// reader returns the reader of a new attempt, and retires the one before.
func (t *tape) reader(src io.Reader, limit int64) io.ReadCloser {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.open(src, limit)
	return t.next()
}

func (t *tape) open(src io.Reader, limit int64) {
	if t.src == nil {
		t.src, t.more.L = src, &t.mu
	}
	t.limit = max(t.limit, limit) // what was read ahead must stay
}

func (t *tape) next() *tapeReader {
	t.current = &tapeReader{tape: t}
	t.more.Broadcast()
	return t.current
}

// whole reads ahead, without losing anything, and reports whether the source ended within limit and wait.
func (t *tape) whole(src io.Reader, limit int64, wait time.Duration) bool {
	t.mu.Lock()
	t.open(src, limit)
	r := t.next()
	t.mu.Unlock()
	ended := make(chan bool, 1)
	go func() { ended <- r.ahead() }()
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case whole := <-ended:
		return whole
	case <-timer.C:
		return false
	}
}

// ahead puts what comes on the tape, up to its limit, and reports whether the source ended.
func (r *tapeReader) ahead() bool {
	t := r.tape
	buf := make([]byte, readBuffer) // most bodies are small
	t.mu.Lock()
	defer t.mu.Unlock()
	for t.current == r && t.err == nil && int64(len(t.kept)) < t.limit {
		if t.busy {
			t.more.Wait()
			continue
		}
		r.at = len(t.kept)
		r.pull(buf[:min(t.limit-int64(len(t.kept)), int64(len(buf)))])
	}
	return t.current == r && t.err == io.EOF //nolint:errorlint // readers return it bare
}

// intact reports whether the body can be sent again.
func (t *tape) intact() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return !t.lost
}

type tapeReader struct {
	tape *tape
	at   int
}

// Close implements io.Closer. The source stays open for a further attempt.
func (r *tapeReader) Close() error { return nil }

// Read implements io.Reader.
func (r *tapeReader) Read(p []byte) (int, error) {
	t := r.tape
	t.mu.Lock()
	defer t.mu.Unlock()
	for {
		switch {
		case t.current != r:
			return 0, errTapeLost
		case r.at < len(t.kept):
			n := copy(p, t.kept[r.at:])
			r.at += n
			if r.at == len(t.kept) {
				return n, t.err // known after reading ahead: the end leaves with the last bytes
			}
			return n, nil
		case t.err != nil:
			return 0, t.err
		case t.busy:
			t.more.Wait()
		default:
			if n := r.pull(p); n > 0 {
				return n, nil
			}
		}
	}
}

// pull reads from the source, without the lock meanwhile. It returns how much of p the caller may have.
func (r *tapeReader) pull(p []byte) int {
	t := r.tape
	t.busy = true
	t.mu.Unlock()
	n, err := t.src.Read(p)
	t.mu.Lock()
	t.busy = false
	t.more.Broadcast()
	if err != nil {
		t.err = err
	}
	if n > 0 && (t.lost || int64(len(t.kept)+n) > t.limit) {
		t.lost = true
		if t.current != r { // the attempt that could have it is over
			t.err = errTapeLost
			return 0
		}
		r.at, t.kept = 0, nil
		return n
	}
	t.kept = append(t.kept, p[:n]...)
	return 0
}
