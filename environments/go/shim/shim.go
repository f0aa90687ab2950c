// Package shim is the main program around a function: the builder puts this file beside the function's source, in its
// package. It serves on a socket that the runtime hands over, so nothing stands between the queue-proxy and the function.
package shim

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"os/signal"
	"reflect"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"
)

const (
	// hotpodSocket and hotpodReady are file descriptors that the runtime hands over: the listening socket, and a pipe
	// that takes a byte once the function is served.
	hotpodSocket, hotpodReady = 3, 4
	// hotpodHeaders is more than the 60 KiB of headers that Envoy lets through, since routing adds some.
	hotpodHeaders = 128 << 10
)

// HotpodMain serves one of the symbols, the one that HOTPOD_FUNCTION names, until SIGTERM; then it finishes what is in flight.
func HotpodMain(symbols map[string]any) {
	name := os.Getenv("HOTPOD_FUNCTION") //nolint:forbidigo // it is main's body
	if err := hotpodServe(symbols, name); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1) //nolint:forbidigo // it is main's body
	}
}

func hotpodServe(symbols map[string]any, name string) error {
	function, err := hotpodFunction(symbols, name)
	if err != nil {
		return err
	}
	lines := hotpodTakeOutputs()
	socket := os.NewFile(hotpodSocket, "socket")
	listener, err := net.FileListener(socket)
	if err != nil {
		return fmt.Errorf("take over the runtime's socket: %w", err)
	}
	socket.Close()
	server := &http.Server{Handler: hotpodHandler(function, lines), MaxHeaderBytes: hotpodHeaders} //nolint:gosec // the platform bounds the run of a function
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	drained := make(chan error, 1)
	go func() {
		<-ctx.Done()
		drained <- server.Shutdown(context.WithoutCancel(ctx))
	}()
	ready := os.NewFile(hotpodReady, "ready")
	_, _ = ready.Write([]byte{1})
	ready.Close()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return <-drained
}

// hotpodFunction finds a function by its name, in any of the forms that it may have.
func hotpodFunction(symbols map[string]any, name string) (http.Handler, error) {
	names := strings.Join(slices.Sorted(maps.Keys(symbols)), ", ")
	if name == "" {
		name = "Handler"
		if _, ok := symbols[name]; !ok && len(symbols) == 1 {
			name = names
		}
	}
	symbol, ok := symbols[name]
	if !ok {
		return nil, fmt.Errorf("there is no exported function %s; there is %s", name, names)
	}
	// A variable comes as its address: what it holds, or else the address itself, is the handler.
	if pointer := reflect.ValueOf(symbol); pointer.Kind() == reflect.Pointer {
		if handler, ok := hotpodForm(pointer.Elem().Interface()); ok {
			return handler, nil
		}
	}
	if handler, ok := hotpodForm(symbol); ok {
		return handler, nil
	}
	return nil, fmt.Errorf("%s is a %T: it must be func(http.ResponseWriter, *http.Request), the same after a context.Context, or an http.Handler", name, symbol)
}

func hotpodForm(symbol any) (http.Handler, bool) {
	switch f := symbol.(type) {
	case func(http.ResponseWriter, *http.Request):
		return http.HandlerFunc(f), f != nil
	case func(context.Context, http.ResponseWriter, *http.Request):
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { f(r.Context(), w, r) }), f != nil
	case http.Handler:
		return f, f != nil
	}
	return nil, false
}

// hotpodHandler puts what the environment contract reserves before the function, and its errors into answers.
func hotpodHandler(function http.Handler, lines *hotpodLines) http.Handler {
	showErrors := os.Getenv("HOTPOD_SHOW_ERRORS") != "false" //nolint:forbidigo // it is main's body
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/healthz":
			fmt.Fprintln(w, "OK")
			return
		case "/specialize", "/v2/specialize":
			if r.Method == http.MethodPost {
				http.Error(w, "Not a generic container", http.StatusBadRequest)
				return
			}
		}
		defer lines.begin(r)()
		answer := &hotpodAnswer{ResponseWriter: w}
		defer answer.recover(showErrors)
		function.ServeHTTP(answer, r)
	})
}

// hotpodAnswer knows whether something of an answer was sent.
type hotpodAnswer struct {
	http.ResponseWriter
	begun bool
}

// recover answers with the function's panic, or cuts the connection if a part of another answer is sent.
func (a *hotpodAnswer) recover(showErrors bool) {
	fault := recover()
	if fault == nil {
		return
	}
	if err, ok := fault.(error); ok && errors.Is(err, http.ErrAbortHandler) {
		panic(fault)
	}
	fmt.Fprintf(os.Stderr, "function error: panic: %v\n%s", fault, debug.Stack())
	if a.begun {
		panic(http.ErrAbortHandler)
	}
	clear(a.Header())
	text := "Internal server error"
	if showErrors {
		text += fmt.Sprintf(": %v", fault)
	}
	http.Error(a.ResponseWriter, text, http.StatusInternalServerError)
}

func (a *hotpodAnswer) WriteHeader(status int) {
	a.begun = a.begun || status >= 200 || status == http.StatusSwitchingProtocols
	a.ResponseWriter.WriteHeader(status)
}

func (a *hotpodAnswer) Write(p []byte) (int, error) {
	a.begun = true
	return a.ResponseWriter.Write(p)
}

func (a *hotpodAnswer) ReadFrom(from io.Reader) (int64, error) {
	a.begun = true
	return io.Copy(a.ResponseWriter, from)
}

func (a *hotpodAnswer) Flush() {
	a.begun = true
	_ = http.NewResponseController(a.ResponseWriter).Flush()
}

func (a *hotpodAnswer) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	a.begun = true
	return http.NewResponseController(a.ResponseWriter).Hijack()
}

func (a *hotpodAnswer) Unwrap() http.ResponseWriter { return a.ResponseWriter }
