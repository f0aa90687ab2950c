package guard

import (
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"time"

	"hotpod.dev/seldom"
	"hotpod.dev/sign"
	"hotpod.dev/wire"
)

// Guard is what Envoy asks about each call of the internal listener, whose method, path, body and signature it repeats
// (ext_authz over HTTP): 200 lets the call through, and any other answer is the caller's. Make it with New.
type Guard struct {
	keys  func() ([]sign.SharedKey, error)
	log   *slog.Logger
	voice seldom.Voice
}

// New returns a guard that takes signatures by any of the keys, which are asked for at each call. Without keys, and
// with no error, every call passes. While they cannot be read none does.
func New(log *slog.Logger, keys func() ([]sign.SharedKey, error)) *Guard {
	return &Guard{keys: keys, log: log}
}

// ServeHTTP implements http.Handler.
func (g *Guard) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	fault := g.judge(r)
	if fault == nil {
		return
	}
	g.tell(fault, r)
	id := r.Header.Get(wire.HeaderRequestID)
	if id == "" {
		id = rand.Text()
	}
	fault.Component = "router"
	maps.Copy(w.Header(), fault.Header())
	w.Header().Set(wire.HeaderRequestID, id)
	w.WriteHeader(fault.Status)
	_, _ = w.Write(fault.With(id, "").Body()) //nolint:gosec // JSON, and Envoy may be gone
}

// judge returns why a call is refused, nil when it is not.
func (g *Guard) judge(r *http.Request) *wire.Error {
	keys, err := g.keys()
	switch {
	case err != nil:
		return &wire.Error{
			Status: http.StatusServiceUnavailable, Reason: "key_missing",
			Message: "the router does not know yet what calls are signed with: look at the Secret hotpod-internal-key",
		}
	case len(keys) == 0, r.Method == http.MethodGet && (r.URL.Path == "/router-healthz" || r.URL.Path == "/readyz"):
		return nil
	case r.Header.Get(sign.HeaderSharedSignature) == "":
		return refused("signature_missing", "calls of the internal listener are signed with the Secret fission-internal-auth, and this one is not")
	}
	h := sha256.New()
	if _, err := io.Copy(h, r.Body); err != nil {
		return &wire.Error{Status: http.StatusBadRequest, Reason: "bad_request", Message: "the request's body did not arrive"}
	}
	sum := [sha256.Size]byte(h.Sum(nil))
	for _, key := range keys {
		err := key.Check(r.Header, r.Method, r.RequestURI, sum, time.Now())
		switch {
		case err == nil:
			return nil
		case errors.Is(err, sign.ErrExpired):
			return refused("signature_expired", "the call was signed more than a minute ago, or by a clock that is wrong")
		}
	}
	return refused("signature_wrong", "the call's signature is not that of its method, path and body by the Secret fission-internal-auth")
}

func refused(reason, message string) *wire.Error {
	return &wire.Error{Status: http.StatusUnauthorized, Reason: reason, Message: message}
}

// tell logs a refusal, now and then: who is refused must not fill the log.
func (g *Guard) tell(fault *wire.Error, r *http.Request) {
	if silent, ok := g.voice.Speak(fault.Reason); ok {
		g.log.Warn("a call of the internal listener is refused", "reason", fault.Reason, "method", r.Method, "path", r.URL.Path,
			"peer", r.Header.Get("X-Forwarded-For"), "not_logged", silent)
	}
}
