package fetcher

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"runtime/debug"
	"strconv"
	"time"

	"hotpod.dev/sign"
	"hotpod.dev/wire"
)

// Server answers the control calls of one pod. Make it with New; it is safe for concurrent use.
type Server struct {
	cfg      Config
	log      *slog.Logger
	verifier *sign.Verifier
	opener   *sign.Opener
	runtime  *runtime
	judge    judge
	// used says that the volume held code before this process: another fetcher specialized the pod.
	used bool
	// after is called when the specialization is over.
	after func()
}

// New returns the server for cfg, with a sealing key of its own.
func New(cfg Config, log *slog.Logger) (*Server, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("check configuration: %w", err)
	}
	verifier, err := sign.NewVerifier(cfg.PodUID, cfg.ControlKey)
	if err != nil {
		return nil, err
	}
	opener, err := sign.NewOpener()
	if err != nil {
		return nil, err
	}
	used, err := usedBefore(cfg.CodeDir)
	if err != nil {
		return nil, err
	}
	if used {
		log.Warn("pod was specialized before this fetcher started and must be replaced")
	}
	return &Server{
		cfg: cfg, log: log, verifier: verifier, opener: opener, runtime: newRuntime(cfg.RuntimeAddress), used: used,
		after: func() { time.AfterFunc(freeAfter, debug.FreeOSMemory) },
	}, nil
}

// Run rehearses, listens and serves until ctx ends.
func (s *Server) Run(ctx context.Context) error {
	if s.cfg.PackagesDir != "" {
		s.log.Info("serving a builder")
	} else if err := s.rehearse(ctx); err != nil { // which costs time later, and nothing else
		s.log.Warn("rehearsal failed", "error", err)
	}
	address := net.JoinHostPort(s.cfg.Address, strconv.Itoa(s.cfg.Port))
	lis, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return fmt.Errorf("listen for control calls: %w", err)
	}
	// The pool keeps its connection to a warm pod open, so that a claim does not have to dial.
	srv := &http.Server{
		Handler: s.Handler(), ReadHeaderTimeout: 10 * time.Second, ReadTimeout: time.Minute,
		IdleTimeout: 24 * time.Hour, MaxHeaderBytes: 16 << 10,
		ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
	stop := context.AfterFunc(ctx, func() { _ = srv.Close() })
	defer stop()
	if err := srv.Serve(lis); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve control calls: %w", err)
	}
	return nil
}

// Handler returns what Run serves.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+wire.PathIdentity, s.signed(s.identity))
	if s.cfg.PackagesDir == "" {
		mux.HandleFunc("POST "+wire.PathSpecialize, s.signed(s.specialize))
	} else {
		s.handleBuilds(mux)
	}
	mux.HandleFunc("GET "+wire.PathHealth, func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("GET "+wire.PathReadiness, s.readiness)
	mux.HandleFunc("GET /version", wire.ServeVersion)
	return mux
}

// signed lets only calls through that the pool signed for this pod, and hands their body on.
func (s *Server) signed(next func(http.ResponseWriter, *http.Request, []byte)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, s.cfg.MaxCall))
		if err != nil {
			status := http.StatusBadRequest
			if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
				status = http.StatusRequestEntityTooLarge
			}
			http.Error(w, "read the call: "+err.Error(), status)
			return
		}
		if err := s.verifier.Verify(r.Header.Get(sign.Header), r.Method, r.URL.Path, body, time.Now()); err != nil {
			http.Error(w, err.Error(), http.StatusUnauthorized)
			return
		}
		if s.used {
			http.Error(w, "the pod was specialized before its fetcher restarted", http.StatusGone)
			return
		}
		next(w, r, body)
	}
}

func (s *Server) identity(w http.ResponseWriter, _ *http.Request, _ []byte) {
	wire.WriteJSON(w, http.StatusOK, s.whoAmI())
}

func (s *Server) whoAmI() wire.Identity {
	return wire.Identity{PodUID: s.cfg.PodUID, SealKey: s.opener.PublicKey(), Held: s.judge.decided()}
}

// readiness also asks whether the runtime listens: a kubelet cannot, where the runtime listens on loopback only.
func (s *Server) readiness(w http.ResponseWriter, r *http.Request) {
	if err := s.runtime.listening(r.Context()); err != nil {
		http.Error(w, "the runtime does not listen yet: "+err.Error(), http.StatusServiceUnavailable)
	}
}

// usedBefore reports whether dir holds code that an earlier fetcher put there.
func usedBefore(dir string) (bool, error) {
	for _, name := range []string{archiveName, singleName, workName} {
		_, err := os.Lstat(dir + "/" + name)
		if err == nil {
			return true, nil
		}
		if !errors.Is(err, os.ErrNotExist) {
			return false, fmt.Errorf("look for code of an earlier function: %w", err)
		}
	}
	return false, nil
}
