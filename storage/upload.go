package storage

import (
	"context"
	"errors"
	"io"
	"mime/multipart"
	"net/http"
	"strconv"
)

// Result is the answer to an upload.
type Result struct {
	// ID of the archive.
	ID   string `json:"id"`
	Size int64  `json:"size"`
}

// post takes the archive from the part "uploadfile" of a form.
func (s *Server) post(w http.ResponseWriter, r *http.Request, c *caller) error {
	size, err := strconv.ParseInt(r.Header.Get(headerFileSize), 10, 64)
	if err != nil || size < 0 {
		return faultf(http.StatusBadRequest, "missing or bad %s header", headerFileSize)
	}
	if err := s.usage.admit(c, size); err != nil {
		return err
	}
	part, err := filePart(r)
	if err != nil {
		return err
	}
	return s.receive(w, r, c, part, size)
}

// filePart returns the part that holds the archive. It is read as it comes, never kept.
func filePart(r *http.Request) (*multipart.Part, error) {
	form, err := r.MultipartReader()
	if err != nil {
		return nil, faultf(http.StatusBadRequest, "read the form: %w", err)
	}
	for {
		part, err := form.NextPart()
		if errors.Is(err, io.EOF) {
			return nil, faultf(http.StatusBadRequest, "missing upload file")
		}
		if err != nil {
			return nil, faultf(http.StatusBadRequest, "read the form: %w", err)
		}
		if part.FormName() == "uploadfile" {
			return part, nil
		}
	}
}

// put takes the archive as the body.
func (s *Server) put(w http.ResponseWriter, r *http.Request, c *caller) error {
	if err := s.usage.admit(c, max(r.ContentLength, 0)); err != nil {
		return err
	}
	return s.receive(w, r, c, r.Body, r.ContentLength)
}

// receive keeps what content holds; size is what it must have, if that is not negative.
func (s *Server) receive(w http.ResponseWriter, r *http.Request, c *caller, content io.Reader, size int64) error {
	f, err := s.spool.receive(http.MaxBytesReader(w, io.NopCloser(content), c.max))
	if err != nil {
		return incomplete(err, c.max)
	}
	defer f.discard()
	if size >= 0 && f.size != size {
		return faultf(http.StatusBadRequest, "the archive has %d bytes, announced were %d", f.size, size)
	}
	if err := c.confirm(); err != nil {
		return err
	}
	if err := s.keep(r.Context(), c, f); err != nil {
		return err
	}
	return answer(w, Result{ID: f.id, Size: f.size})
}

// incomplete explains why not everything arrived.
func incomplete(err error, limit int64) error {
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		return faultf(http.StatusRequestEntityTooLarge, "the archive is larger than the %d bytes allowed", limit)
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return faultf(http.StatusBadRequest, "the archive ends in the middle: %w", err)
	}
	return err
}

// keep hands a complete, checked archive to the backend.
func (s *Server) keep(ctx context.Context, c *caller, f *spooled) error {
	if err := s.usage.settle(c, f.id, f.size); err != nil {
		return err
	}
	if err := c.claim(); err != nil {
		return err
	}
	if err := s.config.Backend.Put(ctx, f.id, f.file); err != nil {
		c.release()
		return err
	}
	s.usage.add(f.id, f.size)
	s.metrics.received.Add(float64(f.size))
	s.log.Info("archive kept", "id", f.id, "bytes", f.size, "namespace", c.namespace)
	return nil
}
