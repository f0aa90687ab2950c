package store

import (
	"encoding/json"
	"net/http"
	"strconv"

	"hotpod.dev/wire"
)

const (
	// maxBody bounds a batch.
	maxBody = 4 << 20
	// maxRecent bounds a list.
	maxRecent = 200
)

// Keep answers POST wire.PathTimelines: parts send what they know.
func (s *Store) Keep() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var batch wire.Timelines
		if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody)).Decode(&batch); err != nil {
			http.Error(w, "read timelines: "+err.Error(), http.StatusBadRequest)
			return
		}
		if err := s.Add(r.Context(), batch.Timelines); err != nil {
			s.log.Warn("timelines are dropped", "error", err)
			http.Error(w, "the database does not take them", http.StatusServiceUnavailable)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	})
}

// Ask answers GET wire.PathTimelines: with ?id= what is known of a request, else the newest of ?namespace= and ?function=, at most ?limit=.
func (s *Store) Ask() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v := r.URL.Query()
		limit := 20
		if text := v.Get("limit"); text != "" {
			n, err := strconv.Atoi(text)
			if err != nil || n < 1 || n > maxRecent {
				http.Error(w, "limit must be from 1 to "+strconv.Itoa(maxRecent), http.StatusBadRequest)
				return
			}
			limit = n
		}
		var found []wire.Timeline
		var err error
		if id := v.Get("id"); id != "" {
			found, err = s.Request(r.Context(), id)
		} else {
			found, err = s.Recent(r.Context(), v.Get("namespace"), v.Get("function"), limit)
		}
		if err != nil {
			s.log.Warn("timelines cannot be read", "error", err)
			http.Error(w, "the database does not answer", http.StatusServiceUnavailable)
			return
		}
		wire.WriteJSON(w, http.StatusOK, wire.Timelines{Timelines: found})
	})
}
