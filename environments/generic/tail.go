package generic

import "sync"

// Tail keeps the end of what is written to it. It may be used concurrently.
type Tail struct {
	// Limit is how many bytes are kept.
	Limit int

	mu   sync.Mutex // guards kept
	kept []byte
}

// Write keeps the end of p and of what came before it.
func (t *Tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.kept = append(t.kept, p...)
	if over := len(t.kept) - t.Limit; over > 0 {
		t.kept = t.kept[over:]
	}
	return len(p), nil
}

// String returns what is kept.
func (t *Tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.kept)
}
