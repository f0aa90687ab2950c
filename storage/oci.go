package storage

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"sync"
	"time"

	"hotpod.dev/sign"
	"hotpod.dev/storage/image"
	"hotpod.dev/wire"
)

// images remembers what images became. What is not in the store any more is taken out of its image again.
type images struct {
	mu    sync.Mutex // guards below
	known map[imageKey]string
}

type imageKey struct{ digest, sub string }

func (i *images) get(k imageKey) string {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.known[k]
}

func (i *images) set(k imageKey, id string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	const most = 10_000
	if len(i.known) >= most {
		clear(i.known)
	}
	i.known[k] = id
}

// fromImage makes the code in an image an archive, for a part of the platform that signs the call as a control call.
// The archive counts as uploaded now: it stays for the grace after a function started with it last.
func (s *Server) fromImage(w http.ResponseWriter, r *http.Request) error {
	source, err := s.controlled(w, r)
	if err != nil {
		return err
	}
	if id := s.images.get(imageKey{source.Digest, source.SubPath}); id != "" && source.Digest != "" && s.config.Backend.Touch(r.Context(), id) == nil {
		return answer(w, wire.ImageArchive{ID: id, Digest: source.Digest})
	}
	img, err := image.Find(r.Context(), source)
	if err != nil {
		return imageFault(err)
	}
	key := imageKey{img.Digest, source.SubPath}
	if id := s.images.get(key); id != "" && s.config.Backend.Touch(r.Context(), id) == nil {
		return answer(w, wire.ImageArchive{ID: id, Digest: img.Digest})
	}
	f, err := s.spool.take(func(w io.Writer) error { return img.Write(w, s.config.MaxArchive) })
	if err != nil {
		return imageFault(err)
	}
	defer f.discard()
	platform := &caller{max: s.config.MaxArchive, claim: func() error { return nil }, release: func() {}}
	if err := s.keep(r.Context(), platform, f); err != nil {
		return err
	}
	s.images.set(key, f.id)
	return answer(w, wire.ImageArchive{ID: f.id, Digest: img.Digest})
}

// controlled returns what a signed call asks for.
func (s *Server) controlled(w http.ResponseWriter, r *http.Request) (source wire.ImageCode, err error) {
	var body json.RawMessage
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20)).Decode(&body); err != nil {
		return source, faultf(http.StatusBadRequest, "read the call: %w", err)
	}
	control := s.config.Keys().Control
	if control == nil || control.Verify(r.Header.Get(sign.Header), r.Method, r.URL.Path, body, time.Now()) != nil {
		return source, errUnauthorized
	}
	if err := json.Unmarshal(body, &source); err != nil {
		return source, faultf(http.StatusBadRequest, "read the call: %w", err)
	}
	return source, nil
}

// imageFault tells the owner's faults from the registry's.
func imageFault(err error) error {
	if e, ok := errors.AsType[*image.TheirsError](err); ok {
		return faultf(http.StatusUnprocessableEntity, "%w", e)
	}
	return faultf(http.StatusBadGateway, "%w", err)
}
