package generic

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"sync"
)

// Loader loads a function's code and returns what serves its requests. It is called by one load call at a time, and
// not again once it succeeded. The error is shown to who made the call.
type Loader interface {
	Load(ctx context.Context, l Load) (http.Handler, error)
}

// Runtime answers load calls, and everything else by the function that was loaded. It is an http.Handler.
type Runtime struct {
	settings Settings
	loader   Loader
	log      io.Writer

	mu       sync.RWMutex // guards what follows
	loading  bool
	function http.Handler
}

// New returns a generic runtime that says what happens on log.
func New(settings Settings, loader Loader, log io.Writer) *Runtime {
	return &Runtime{settings: settings, loader: loader, log: log}
}

// ServeHTTP serves one request.
func (rt *Runtime) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.Method == http.MethodPost && (r.URL.Path == "/specialize" || r.URL.Path == "/v2/specialize"):
		rt.specialize(w, r)
	case r.URL.Path == "/healthz":
		answer(w, http.StatusOK, "OK")
	default:
		rt.mu.RLock()
		function := rt.function
		rt.mu.RUnlock()
		if function == nil {
			answer(w, http.StatusInternalServerError, "Generic container: no requests supported")
			return
		}
		function.ServeHTTP(w, r)
	}
}

func (rt *Runtime) specialize(w http.ResponseWriter, r *http.Request) {
	if !rt.begin() {
		answer(w, http.StatusBadRequest, "Not a generic container")
		return
	}
	load, err := readLoad(w, r, rt.settings.CodePath)
	if err != nil {
		rt.end(nil)
		answer(w, http.StatusBadRequest, err.Error())
		return
	}
	function, err := rt.load(r.Context(), load)
	rt.end(function)
	if err != nil {
		fmt.Fprintln(rt.log, "function cannot be loaded:", err)
		answer(w, http.StatusInternalServerError, err.Error())
		return
	}
	fmt.Fprintln(rt.log, "function loaded from", load.Path)
	// What comes next may be for another process.
	w.Header().Set("Connection", "close")
	w.WriteHeader(http.StatusAccepted)
}

func (rt *Runtime) load(ctx context.Context, l Load) (http.Handler, error) {
	if err := l.setenv(); err != nil {
		return nil, err
	}
	return rt.loader.Load(ctx, l)
}

// begin says whether the caller may load.
func (rt *Runtime) begin() bool {
	rt.mu.Lock()
	defer rt.mu.Unlock()
	if rt.loading || rt.function != nil {
		return false
	}
	rt.loading = true
	return true
}

// end ends a load; nil says that it failed.
func (rt *Runtime) end(function http.Handler) {
	rt.mu.Lock()
	defer rt.mu.Unlock()
	rt.loading, rt.function = false, function
}

func answer(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text+"\n")
}
