package storage

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"strconv"
	"time"

	"golang.org/x/sync/errgroup"

	"hotpod.dev/sign"
	"hotpod.dev/wire"
)

// Headers of the store, the first three are Fission's.
const (
	headerFileSize = "X-File-Size"
	headerKind     = "X-Fission-Storagetype"
	headerBucket   = "X-Fission-Bucket"
	// HeaderOffset says where a piece of an archive belongs.
	HeaderOffset = "Upload-Offset"
)

// Server is the archive store. Make it with New; it is safe for concurrent use.
type Server struct {
	config  Config
	log     *slog.Logger
	spool   *spool
	usage   *usage
	grants  grants
	images  images
	metrics *metrics
}

// New returns the server, with what its spool and backend hold already.
func New(c Config) (*Server, error) {
	c = c.defaults()
	if err := c.validate(); err != nil {
		return nil, fmt.Errorf("check configuration: %w", err)
	}
	if err := os.MkdirAll(c.Spool, 0o700); err != nil {
		return nil, fmt.Errorf("make the folder of uploads: %w", err)
	}
	s := &Server{config: c, log: c.Log, spool: newSpool(c.Spool), grants: grants{spent: map[string]time.Time{}}, images: images{known: map[imageKey]string{}}}
	s.usage = &usage{config: c, spool: s.spool, sizes: map[string]int64{}}
	s.metrics = newMetrics(c.Registerer, s.usage)
	return s, nil
}

// Run serves on the address and prunes until ctx ends; running transfers get a moment to finish.
func (s *Server) Run(ctx context.Context, address string) error {
	if err := s.usage.count(ctx); err != nil {
		return err
	}
	srv := &http.Server{
		Addr: address, Handler: s.Handler(), ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute,
		MaxHeaderBytes: 32 << 10, ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		if err := srv.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
			return fmt.Errorf("serve archives: %w", err)
		}
		return nil
	})
	group.Go(func() error {
		<-ctx.Done()
		const farewell = 20 * time.Second
		wait, cancel := context.WithTimeout(context.WithoutCancel(ctx), farewell)
		defer cancel()
		if srv.Shutdown(wait) != nil {
			_ = srv.Close()
		}
		return nil
	})
	group.Go(func() error { return s.prune(ctx) })
	return group.Wait()
}

// Handler returns what Run serves.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+sign.ArchivePath, s.handle("download", s.get))
	mux.HandleFunc("POST "+sign.ArchivePath, s.handle("upload", s.post))
	mux.HandleFunc("PUT "+sign.ArchivePath, s.handle("upload", s.put))
	mux.HandleFunc("DELETE "+sign.ArchivePath, s.handle("delete", s.delete))
	mux.HandleFunc("POST "+PathUploads, s.handle("begin", s.begin))
	mux.HandleFunc("PATCH "+PathUploads+"/{id}", s.handle("piece", s.patch))
	mux.HandleFunc("POST "+wire.PathImages, s.counted("image", s.fromImage))
	mux.HandleFunc("GET /healthz", func(http.ResponseWriter, *http.Request) {})
	return mux
}

// handle lets a call through to do.
func (s *Server) handle(what string, do func(http.ResponseWriter, *http.Request, *caller) error) http.HandlerFunc {
	return s.counted(what, func(w http.ResponseWriter, r *http.Request) error {
		c, err := s.authorize(r)
		if err != nil {
			return err
		}
		return do(w, r, c)
	})
}

// counted counts a call and answers what went wrong.
func (s *Server) counted(what string, do func(http.ResponseWriter, *http.Request) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		err := do(w, r)
		s.metrics.call(what, err)
		if err == nil {
			return
		}
		status := statusOf(err)
		switch {
		case status == http.StatusUnauthorized: // no body, as Fission's
			w.WriteHeader(status)
			return
		case status == http.StatusInternalServerError && r.Context().Err() == nil:
			s.log.Error("call failed", "call", what, "error", err)
		}
		http.Error(w, err.Error(), status)
	}
}

// get answers an archive or a part of it, or the list of all.
func (s *Server) get(w http.ResponseWriter, r *http.Request, c *caller) error {
	id := r.URL.Query().Get("id")
	if id == "" {
		return s.list(w, r, c)
	}
	if !validID(id) {
		return ErrNotFound
	}
	kind, bucket := s.config.Backend.Kind()
	w.Header().Set(headerKind, kind)
	if bucket != "" {
		w.Header().Set(headerBucket, bucket)
	}
	content, a, err := s.config.Backend.Open(r.Context(), id)
	if err != nil {
		return err
	}
	defer func() { _ = content.Close() }()
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("ETag", strconv.Quote(id)) // lets a range go on only with the same archive
	http.ServeContent(w, r, "", a.Modified, content)
	return nil
}

func (s *Server) list(w http.ResponseWriter, r *http.Request, c *caller) error {
	if c.tenant {
		return faultf(http.StatusForbidden, "archives of others are not listed")
	}
	ids := []string{}
	if err := s.config.Backend.List(r.Context(), func(a Archive) { ids = append(ids, a.ID) }); err != nil {
		return err
	}
	return answer(w, ids)
}

// delete deletes an archive, which packages may still name: the caller knows.
func (s *Server) delete(w http.ResponseWriter, r *http.Request, c *caller) error {
	id := r.URL.Query().Get("id")
	switch {
	case c.tenant:
		return faultf(http.StatusForbidden, "an archive may belong to others too")
	case id == "":
		return faultf(http.StatusBadRequest, "missing `id' query param")
	case !validID(id):
		return ErrNotFound
	}
	if err := s.config.Backend.Delete(r.Context(), id, time.Now().Add(time.Hour)); err != nil {
		return err
	}
	s.usage.remove(id)
	s.log.Info("archive deleted", "id", id)
	w.WriteHeader(http.StatusOK)
	return nil
}

func answer(w http.ResponseWriter, v any) error {
	w.Header().Set("Content-Type", "application/json")
	return json.NewEncoder(w).Encode(v)
}
