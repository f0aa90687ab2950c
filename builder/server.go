package builder

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"hotpod.dev/sign"
	"hotpod.dev/wire"
)

// maxCall bounds a call in bytes.
const maxCall = 64 << 10

// TypeEvents is the media type by which a caller asks for the log while the command runs.
const TypeEvents = "application/x-ndjson"

// Request asks for a build.
type Request struct {
	// Source is the name of the source on the volume.
	Source string `json:"srcPkgFilename"`
	// Command is the build command; empty means /build.
	Command string `json:"command"`
}

// Result is what became of a build.
type Result struct {
	// Artifact is the name on the volume of what was made.
	Artifact string `json:"artifactFilename"`
	// Logs is what the command printed, bounded.
	Logs string `json:"buildLogs"`
	// Error is why the build failed, empty when it did not. Fission's builder does not say it.
	Error string `json:"error,omitempty"`
}

// Event is one line of the streamed answer: a line of the log, or, the last, the result.
type Event struct {
	Line   string  `json:"line,omitempty"`
	Result *Result `json:"result,omitempty"`
}

// Server answers the calls of one builder pod. Make it with New; it is safe for concurrent use.
type Server struct {
	cfg      Config
	verifier *sign.Verifier // nil when calls need no signature
	cache    string
}

// New returns the server for cfg.
func New(cfg Config) (*Server, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("check configuration: %w", err)
	}
	dir, err := filepath.Abs(cfg.Dir)
	if err != nil {
		return nil, err
	}
	cfg.Dir = dir
	s := &Server{cfg: cfg, cache: cacheDir(cfg)}
	if cfg.ControlKey != "" {
		if s.verifier, err = sign.NewVerifier(cfg.PodUID, cfg.ControlKey); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// cacheDir returns the folder for downloads: the one asked for, when it can be written.
func cacheDir(cfg Config) string {
	own := filepath.Join(os.TempDir(), "hotpod-build-cache")
	if cfg.CacheDir == "" {
		return own
	}
	probe, err := os.MkdirTemp(cfg.CacheDir, ".probe-")
	if err != nil {
		cfg.Log.Warn("the cache cannot be used, downloads are kept for the life of the pod only", "error", err)
		return own
	}
	_ = os.Remove(probe)
	return cfg.CacheDir
}

// Run listens and serves until ctx ends; builds end with it.
func (s *Server) Run(ctx context.Context) error {
	lis, err := (&net.ListenConfig{}).Listen(ctx, "tcp", net.JoinHostPort(s.cfg.Address, strconv.Itoa(s.cfg.Port)))
	if err != nil {
		return fmt.Errorf("listen for builds: %w", err)
	}
	srv := &http.Server{
		Handler: s.Handler(), ReadHeaderTimeout: 10 * time.Second, MaxHeaderBytes: 16 << 10,
		BaseContext: func(net.Listener) context.Context { return ctx },
		ErrorLog:    slog.NewLogLogger(s.cfg.Log.Handler(), slog.LevelDebug),
	}
	stop := context.AfterFunc(ctx, func() { s.shutdown(srv) }) //nolint:contextcheck // it has ended
	defer stop()
	if err := srv.Serve(lis); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve builds: %w", err)
	}
	return nil
}

// shutdown lets builds tell that they were cancelled.
func (s *Server) shutdown(srv *http.Server) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*leftoverGrace)
	defer cancel()
	_ = srv.Shutdown(ctx)
}

// Handler returns what Run serves.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /{$}", s.signed(s.build))
	mux.HandleFunc("DELETE /clean", s.signed(s.clean))
	mux.HandleFunc("GET /healthz", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("GET /version", wire.ServeVersion)
	return mux
}

// signed lets only calls through that the platform signed for this pod, and hands their body on.
func (s *Server) signed(next func(http.ResponseWriter, *http.Request, []byte)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxCall))
		if err != nil {
			http.Error(w, "read the call: "+err.Error(), http.StatusBadRequest)
			return
		}
		if s.verifier != nil {
			if err := s.verifier.Verify(r.Header.Get(sign.Header), r.Method, r.URL.RequestURI(), body, time.Now()); err != nil {
				http.Error(w, err.Error(), http.StatusUnauthorized)
				return
			}
		}
		next(w, r, body)
	}
}

func (s *Server) build(w http.ResponseWriter, r *http.Request, body []byte) {
	var req Request
	if err := json.Unmarshal(body, &req); err != nil {
		http.Error(w, "read the call: "+err.Error(), http.StatusBadRequest)
		return
	}
	b, err := s.prepare(req.Source, req.Command)
	if err != nil {
		status := http.StatusInternalServerError
		if errors.Is(err, ErrName) || errors.Is(err, ErrCommand) {
			status = http.StatusBadRequest
		}
		http.Error(w, err.Error(), status)
		return
	}
	events := &eventWriter{w: w, on: strings.Contains(r.Header.Get("Accept"), TypeEvents)}
	kept := NewLog(s.cfg.MaxLog)
	start := time.Now()
	err = s.run(r.Context(), b, func(line string) {
		kept.Add(line)
		events.send(Event{Line: line})
	})
	s.cfg.Log.Info("build ended", "source", req.Source, "command", req.Command, "seconds", time.Since(start).Seconds(), "error", text(err))
	result := Result{Logs: kept.String(), Error: text(err)}
	if err == nil {
		result.Artifact = filepath.Base(b.artifact)
	} else {
		_ = os.RemoveAll(b.artifact)
	}
	events.finish(result)
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// eventWriter answers a build, as a stream when it is on.
type eventWriter struct {
	w  http.ResponseWriter
	on bool

	mu    sync.Mutex // guards all below; lines come from the command's output
	begun bool
}

func (e *eventWriter) send(ev Event) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.on {
		return
	}
	if !e.begun {
		e.w.Header().Set("Content-Type", TypeEvents)
		e.begun = true
	}
	if json.NewEncoder(e.w).Encode(ev) == nil {
		_ = http.NewResponseController(e.w).Flush()
	}
}

// finish answers with the result.
func (e *eventWriter) finish(result Result) {
	if e.on {
		e.send(Event{Result: &result})
		return
	}
	status := http.StatusOK
	if result.Error != "" {
		status = http.StatusInternalServerError
	}
	wire.WriteJSON(e.w, status, result)
}

// clean removes a source and everything that was made of it.
func (s *Server) clean(w http.ResponseWriter, r *http.Request, _ []byte) {
	name := r.URL.Query().Get("name")
	path, err := s.path(name)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	made, _ := filepath.Glob(escapeGlob(path) + "-*") // the pattern is well formed
	for _, p := range append(made, path) {
		if err := removeAll(p); err != nil {
			http.Error(w, "clean: "+err.Error(), http.StatusInternalServerError)
			return
		}
	}
}

func escapeGlob(path string) string {
	return strings.NewReplacer(`*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(path)
}

// removeAll also removes folders without the right to write, which Go's module cache makes.
func removeAll(path string) error {
	if err := os.RemoveAll(path); err == nil {
		return nil
	}
	_ = filepath.WalkDir(path, func(p string, d os.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			_ = os.Chmod(p, 0o700) //nolint:gosec // a folder needs its x bit, and it goes now
		}
		return nil
	})
	return os.RemoveAll(path)
}
