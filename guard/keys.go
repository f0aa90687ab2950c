package guard

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"hotpod.dev/fresh"
	"hotpod.dev/sign"
)

// keyOverlap is how long the key that was replaced is still taken: not all who sign have the new one at once.
const keyOverlap = 10 * time.Minute

// Keys returns what reads the key of calls of the internal listener from a file, again when it changes; a key that was
// replaced is taken for some more minutes. An empty file is no key: calls need no signature.
func Keys(file string, log *slog.Logger) func() ([]sign.SharedKey, error) {
	k := &keys{file: file}
	current := fresh.New("the key of the internal listener", log, k.read)
	return current.Get
}

type keys struct {
	file string

	mu       sync.Mutex
	now      sign.SharedKey
	before   sign.SharedKey
	replaced time.Time
}

func (k *keys) read() ([]sign.SharedKey, error) {
	text, err := os.ReadFile(k.file)
	if err != nil {
		return nil, fmt.Errorf("read the key: %w", err)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if !bytes.Equal(text, k.now) {
		k.before, k.now, k.replaced = k.now, text, time.Now()
	}
	switch {
	case len(k.now) == 0:
		return nil, nil
	case len(k.before) > 0 && time.Since(k.replaced) < keyOverlap:
		return []sign.SharedKey{k.now, k.before}, nil
	default:
		return []sign.SharedKey{k.now}, nil
	}
}
