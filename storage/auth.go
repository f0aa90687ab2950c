package storage

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/http"
	"slices"
	"sync"
	"time"

	"hotpod.dev/sign"
)

// service is what shared keys of the store are derived for.
const service = "storagesvc"

// errUnauthorized tells a caller nothing about what was wrong.
var errUnauthorized = &fault{http.StatusUnauthorized, errors.New("unauthorized")}

// caller is who made a call, and what the call may do.
type caller struct {
	// namespace that the caller acts for; "" is not known.
	namespace string
	// tenant says that the caller may do nothing but read and add archives.
	tenant bool
	// max bounds what it may upload.
	max int64
	// confirm returns nil when what was read of the body is what the caller signed. Nothing may be kept before.
	confirm func() error
	// claim is called before an upload is kept, release when it was not after all.
	claim   func() error
	release func()
}

// authorize returns the caller of r, whose body it may replace.
func (s *Server) authorize(r *http.Request) (*caller, error) {
	c := &caller{
		max: s.config.MaxArchive, namespace: r.URL.Query().Get("namespace"),
		confirm: func() error { return nil }, claim: func() error { return nil }, release: func() {},
	}
	keys := s.config.Keys()
	switch {
	case sign.Signed(r.URL.Query()):
		return s.granted(r, c, keys)
	case len(keys.Masters) == 0 && !s.config.RequireAuth:
		return c, nil
	case r.Header.Get(sign.HeaderSharedSignature) == "":
		return nil, errUnauthorized
	default:
		return shared(r, c, keys)
	}
}

// granted is the way of pods: the URL says what it is for.
func (s *Server) granted(r *http.Request, c *caller, keys Keys) (*caller, error) {
	if keys.URLs == nil || r.URL.Path != sign.ArchivePath {
		return nil, errUnauthorized
	}
	q, now := r.URL.Query(), time.Now()
	c.tenant = true
	switch r.Method {
	case http.MethodGet, http.MethodHead:
		if _, err := keys.URLs.Download(q, now); err != nil {
			return nil, errUnauthorized
		}
		return c, nil
	case http.MethodPut:
		grant, err := keys.URLs.Upload(q, now)
		if err != nil {
			return nil, errUnauthorized
		}
		c.namespace, c.max = grant.Namespace, min(c.max, grant.MaxBytes)
		c.claim, c.release = func() error { return s.grants.claim(grant, time.Now()) }, func() { s.grants.release(grant) }
		return c, nil
	}
	return nil, errUnauthorized
}

// shared checks a signature made with a shared secret. The body is hashed while it is read, and the signature checked
// when that is done, so that a large one needs no memory; without a body it is checked at once.
func shared(r *http.Request, c *caller, keys Keys) (*caller, error) {
	if ns := r.Header.Get(sign.HeaderSharedNamespace); ns != "" {
		c.namespace, c.tenant = ns, true
	}
	body, began := &hashing{Reader: r.Body, sum: sha256.New()}, time.Now()
	c.confirm = func() error {
		if _, err := io.Copy(io.Discard, body); err != nil { // what comes after the last part of a form
			return fmt.Errorf("read the call: %w", err)
		}
		if !slices.ContainsFunc(keys.Masters, func(m []byte) bool { return signedBy(r, m, [32]byte(body.sum.Sum(nil)), began) }) {
			return errUnauthorized
		}
		return nil
	}
	if r.Method == http.MethodGet || r.Method == http.MethodHead || r.Method == http.MethodDelete {
		return c, c.confirm()
	}
	r.Body = struct {
		io.Reader
		io.Closer
	}{body, r.Body}
	return c, nil
}

func signedBy(r *http.Request, master []byte, sum [sha256.Size]byte, at time.Time) bool {
	key, err := sign.NewSharedKey(master, service, r.Header.Get(sign.HeaderSharedNamespace))
	return err == nil && len(master) > 0 && key.Check(r.Header, r.Method, r.URL.RequestURI(), sum, at) == nil
}

// hashing sums what is read.
type hashing struct {
	io.Reader
	sum hash.Hash
}

func (h *hashing) Read(p []byte) (int, error) {
	n, err := h.Reader.Read(p)
	h.sum.Write(p[:n])
	return n, err
}

// grants remembers which upload URLs were used, until they expire.
type grants struct {
	mu    sync.Mutex // guards below
	spent map[string]time.Time
}

func (g *grants) claim(grant sign.UploadGrant, now time.Time) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	for once, expires := range g.spent {
		if now.After(expires) {
			delete(g.spent, once)
		}
	}
	if _, spent := g.spent[grant.Once]; spent {
		return faultf(http.StatusConflict, "this URL was used for an upload before")
	}
	g.spent[grant.Once] = grant.Expires
	return nil
}

func (g *grants) release(grant sign.UploadGrant) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.spent, grant.Once)
}
