package generic

import (
	"context"
	"errors"
	"net"
	"net/http"
)

// maxHeader is more than the 60 KiB of headers that Envoy lets through, since routing adds some.
const maxHeader = 128 << 10

// Server returns an HTTP server for a handler. It has no deadlines of its own: the platform bounds the run of a function.
func Server(handler http.Handler) *http.Server {
	return &http.Server{Handler: handler, MaxHeaderBytes: maxHeader} //nolint:gosec // see above
}

// Serve serves until the context is done, then finishes what is in flight.
func Serve(ctx context.Context, listener net.Listener, handler http.Handler) error {
	server := Server(handler)
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	err := server.Shutdown(context.WithoutCancel(ctx))
	if serving := <-failed; !errors.Is(serving, http.ErrServerClosed) {
		err = errors.Join(err, serving)
	}
	return err
}
