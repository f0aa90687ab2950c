package storage

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"

	"hotpod.dev/sign"
)

// PathUploads is where uploads in pieces begin.
const PathUploads = sign.ArchivePath + "/uploads"

// Begin announces an upload in pieces.
type Begin struct {
	// ID of the archive: its lower-case hexadecimal SHA-256.
	ID   string `json:"id"`
	Size int64  `json:"size"`
}

// Progress is the answer to a Begin and to each piece.
type Progress struct {
	// Offset is where the next piece begins.
	Offset int64 `json:"offset"`
	// Complete says that the archive is in the store.
	Complete bool `json:"complete"`
}

// begin answers how much of an archive is here.
func (s *Server) begin(w http.ResponseWriter, r *http.Request, c *caller) error {
	var b Begin
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<10)).Decode(&b); err != nil {
		return faultf(http.StatusBadRequest, "read the announcement: %w", err)
	}
	if err := c.confirm(); err != nil {
		return err
	}
	if !validID(b.ID) || b.Size <= 0 {
		return faultf(http.StatusBadRequest, "an upload needs the SHA-256 and the size of the archive")
	}
	if err := s.usage.settle(c, b.ID, b.Size); err != nil {
		return err
	}
	err := s.config.Backend.Touch(r.Context(), b.ID)
	if err == nil {
		return answer(w, Progress{Offset: b.Size, Complete: true})
	}
	if !errors.Is(err, ErrNotFound) {
		return err
	}
	if err := s.usage.admit(c, b.Size); err != nil {
		return err
	}
	_, held, closeIt, err := s.open(b.ID)
	if err != nil {
		return err
	}
	defer closeIt()
	return answer(w, Progress{Offset: held})
}

func (s *Server) open(id string) (file *os.File, held int64, closeIt func(), err error) {
	file, held, closeIt, ok, err := s.spool.pieces(id)
	if err == nil && !ok {
		err = faultf(http.StatusLocked, "another upload of this archive is going on")
	}
	return file, held, closeIt, err
}

// patch takes a piece. The query says the size of the whole.
func (s *Server) patch(w http.ResponseWriter, r *http.Request, c *caller) error {
	id := r.PathValue("id")
	offset, err1 := strconv.ParseInt(r.Header.Get(HeaderOffset), 10, 64)
	size, err2 := strconv.ParseInt(r.URL.Query().Get("size"), 10, 64)
	if !validID(id) || errors.Join(err1, err2) != nil || offset < 0 || size <= 0 {
		return faultf(http.StatusBadRequest, "a piece needs %s and the size of the whole", HeaderOffset)
	}
	if err := s.usage.admit(c, size-offset); err != nil {
		return err
	}
	file, held, closeIt, err := s.open(id)
	if err != nil {
		return err
	}
	defer closeIt()
	if held != offset {
		w.Header().Set(HeaderOffset, strconv.FormatInt(held, 10))
		return faultf(http.StatusConflict, "the next piece begins at %d, not at %d", held, offset)
	}
	held, err = s.add(r.Body, c, file, offset, size)
	if err != nil {
		return err
	}
	if held < size {
		return answer(w, Progress{Offset: held})
	}
	if err := s.finish(r.Context(), c, &spooled{file: file, id: id, size: size}); err != nil {
		return err
	}
	return answer(w, Progress{Offset: size, Complete: true})
}

// add appends a piece and returns how much is there. What arrived before a connection broke stays, unless it was
// signed, which only the whole piece can be.
func (s *Server) add(piece io.Reader, c *caller, file *os.File, offset, size int64) (int64, error) {
	n, err := io.Copy(file, io.LimitReader(piece, size-offset+1))
	if err == nil && offset+n > size {
		err = faultf(http.StatusBadRequest, "the pieces have more than the %d bytes announced", size)
	}
	confirmed := c.confirm()
	if confirmed != nil || err != nil && offset+n > size {
		if cut := file.Truncate(offset); cut != nil {
			return 0, fmt.Errorf("store upload: %w", cut)
		}
	}
	return offset + n, errors.Join(err, confirmed)
}

// finish checks and keeps what all pieces make.
func (s *Server) finish(ctx context.Context, c *caller, f *spooled) error {
	id, err := sumOf(f.file)
	if err != nil {
		return err
	}
	if id != f.id {
		_ = os.Remove(f.file.Name())
		return faultf(http.StatusUnprocessableEntity, "the archive's SHA-256 is %s, announced was %s", id, f.id)
	}
	if err := s.keep(ctx, c, f); err != nil {
		return err
	}
	_ = os.Remove(f.file.Name()) // where the backend did not take it
	return nil
}
