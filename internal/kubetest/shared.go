package kubetest

import (
	"context"
	"fmt"
	"os"
	"sync"
	"testing"
)

// Shared is one server for all tests of a package, started when the first test asks for it. The zero value is ready;
// the exported fields may be set before the first use. It is safe for concurrent use.
type Shared struct {
	// Options are those of the server.
	Options Options

	once   sync.Once
	server *Server
	err    error
}

// Main runs the tests and then stops the server, if one was started. It returns the code to exit with.
func (s *Shared) Main(m *testing.M) int {
	code := m.Run()
	if s.server != nil {
		if err := s.server.Stop(); err != nil {
			fmt.Fprintln(os.Stderr, "kubetest:", err)
			return max(code, 1)
		}
	}
	return code
}

// Get returns the running server and starts it when this is the first call. It fails the test when that is impossible.
func (s *Shared) Get(tb testing.TB) *Server {
	tb.Helper()
	s.once.Do(func() { s.server, s.err = New(context.Background(), s.Options) })
	if s.err != nil {
		tb.Fatalf("start the Kubernetes API: %v", s.err)
	}
	return s.server
}

// Start starts a server for one test and stops it when the test ends.
func Start(tb testing.TB, options Options) *Server {
	tb.Helper()
	s, err := New(context.Background(), options)
	if err != nil {
		tb.Fatalf("start the Kubernetes API: %v", err)
	}
	tb.Cleanup(func() {
		if err := s.Stop(); err != nil {
			tb.Errorf("stop the Kubernetes API: %v", err)
		}
	})
	return s
}
