package binary

import (
	"errors"
	"fmt"
	"io"
	"sync"
)

// errBody says that the request's body is not what its head said.
var errBody = errors.New("the request's body cannot be read")

// requestBody is the body on its way to a program. When it breaks, the program is ended: it must not take a part for the whole.
type requestBody struct {
	from   io.Reader
	broken func() error

	mu  sync.Mutex // guards err
	err error
}

// Read reads on; a body that breaks seems to end only after the program was told to.
func (b *requestBody) Read(p []byte) (int, error) {
	n, err := b.from.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		b.mu.Lock()
		b.err = fmt.Errorf("%w: %w", errBody, err)
		b.mu.Unlock()
		_ = b.broken() // It may have ended already.
	}
	return n, err
}

// fault returns why the body broke, or nil.
func (b *requestBody) fault() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.err
}
