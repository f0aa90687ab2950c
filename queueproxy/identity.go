package queueproxy

import (
	"net/http"

	"hotpod.dev/wire"
)

// serveIdentity says what the pod holds, as a fetcher does where there is one.
func (q *Proxy) serveIdentity(w http.ResponseWriter, _ *http.Request, _ []byte) {
	id := wire.Identity{PodUID: q.cfg.PodUID}
	if a := q.assigned.Load(); a != nil {
		id.Held = &a.Held
	}
	writeJSON(w, http.StatusOK, id)
}
