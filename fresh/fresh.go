package fresh

import (
	"log/slog"
	"sync"
	"time"
)

// every is the least time between two looks.
const every = 2 * time.Second

// Value is what load returned last. Make it with New; it is safe for concurrent use.
type Value[T any] struct {
	what string
	load func() (T, error)
	log  *slog.Logger

	mu     sync.Mutex // guards all below
	at     time.Time
	known  bool
	value  T
	err    error // of the first look that failed, while nothing is known
	failed string
}

// New returns a value that load reads; what names it in the log.
func New[T any](what string, log *slog.Logger, load func() (T, error)) *Value[T] {
	return &Value[T]{what: what, load: load, log: log}
}

// Get returns the newest value that could be read. It fails only while none could ever be: a file that is half written, or
// gone, leaves the value as it was.
func (v *Value[T]) Get() (T, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if now := time.Now(); !v.known || now.Sub(v.at) >= every {
		v.at = now
		v.look()
	}
	if !v.known {
		return v.value, v.err
	}
	return v.value, nil
}

// look is called with the lock. The same failure is logged once.
func (v *Value[T]) look() {
	read, err := v.load()
	if err != nil {
		v.err = err
		if text := err.Error(); text != v.failed {
			v.failed = text
			v.log.Warn("a file cannot be read", "of", v.what, "error", err, "kept", v.known)
		}
		return
	}
	v.value, v.known, v.failed = read, true, ""
}
