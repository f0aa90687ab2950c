package sign

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// ArchivePath is where the archive store answers.
const ArchivePath = "/v1/archive"

// Keys of the queries of archive URLs.
const (
	archiveID        = "id"
	archiveUpload    = "upload"
	archiveNamespace = "namespace"
	archiveMax       = "max"
	archiveExpires   = "expires"
	// ArchiveSignature is there in URLs that are signed.
	ArchiveSignature = "signature"
)

// Archives makes URLs of the archive store, each good for one archive and a short time, so that pods need no
// credentials. It is safe for concurrent use.
type Archives struct {
	// Signer whose public key the store has.
	Signer *Signer
	// Store is where pods reach the store: scheme and host, "http://storagesvc.fission".
	Store string
	// Service is the store's name in packages: "storagesvc.fission".
	Service string
}

// ArchiveID returns the identity of an archive in an URL of any archive store, "" for other URLs.
func ArchiveID(archiveURL string) string {
	u, err := url.Parse(archiveURL)
	if err != nil || u.Path != ArchivePath {
		return ""
	}
	return u.Query().Get(archiveID)
}

// Name returns the URL by which a package names the archive.
func (a *Archives) Name(id string) string {
	return "http://" + a.Service + ArchivePath + "?" + url.Values{archiveID: {id}}.Encode()
}

// Download returns the URL that answers the archive that a package names, until expires, and its identity, which is
// its lower-case hexadecimal SHA-256. ok is false for a URL of another server.
func (a *Archives) Download(packageURL string, expires time.Time) (signed, id string, ok bool) {
	u, err := url.Parse(packageURL)
	if err != nil || !a.ours(u) {
		return "", "", false
	}
	if id = ArchiveID(packageURL); id == "" {
		return "", "", false
	}
	ms := expires.UnixMilli()
	q := url.Values{archiveID: {id}, archiveExpires: {strconv.FormatInt(ms, 10)}}
	q.Set(ArchiveSignature, a.Signer.sign(downloadMessage(id, ms)))
	return a.Store + ArchivePath + "?" + q.Encode(), id, true
}

// Upload returns a URL that takes one archive of at most maxBytes on behalf of a namespace, by PUT, until expires.
func (a *Archives) Upload(namespace string, maxBytes int64, expires time.Time) string {
	g := UploadGrant{Once: rand.Text(), Namespace: namespace, MaxBytes: maxBytes, Expires: expires}
	q := url.Values{
		archiveUpload: {g.Once}, archiveNamespace: {namespace}, archiveMax: {strconv.FormatInt(maxBytes, 10)},
		archiveExpires: {strconv.FormatInt(expires.UnixMilli(), 10)},
	}
	q.Set(ArchiveSignature, a.Signer.sign(g.message()))
	return a.Store + ArchivePath + "?" + q.Encode()
}

// ours reports whether a URL is of the store, by any name that a Service has.
func (a *Archives) ours(u *url.URL) bool {
	if u.Scheme != "http" {
		return false
	}
	if u.Scheme+"://"+u.Host == a.Store {
		return true
	}
	switch u.Port() {
	case "", "80":
	default:
		return false
	}
	switch strings.TrimPrefix(u.Hostname(), a.Service) {
	case "", ".svc", ".svc.cluster.local":
		return strings.HasPrefix(u.Hostname(), a.Service)
	}
	return false
}

// UploadGrant is what an upload URL allows.
type UploadGrant struct {
	// Once differs between any two URLs.
	Once string
	// Namespace that the archive is for.
	Namespace string
	// MaxBytes is the largest archive.
	MaxBytes int64
	// Expires is when the URL ends.
	Expires time.Time
}

func (g *UploadGrant) message() []byte {
	return fmt.Appendf(nil, "hotpod archive v1\nput\n%q\n%q\n%d\n%d", g.Once, g.Namespace, g.MaxBytes, g.Expires.UnixMilli())
}

func downloadMessage(id string, expiryMillis int64) []byte {
	return fmt.Appendf(nil, "hotpod archive v1\nget\n%q\n%d", id, expiryMillis)
}

func (s *Signer) sign(message []byte) string {
	return base64.RawURLEncoding.EncodeToString(ed25519.Sign(s.key, message))
}

// ArchiveVerifier checks the queries of archive URLs. It is safe for concurrent use.
type ArchiveVerifier struct {
	key ed25519.PublicKey
}

// NewArchiveVerifier returns the verifier for URLs made with the signer of that PublicKey.
func NewArchiveVerifier(publicKey string) (*ArchiveVerifier, error) {
	key, err := readKey(publicKey)
	if err != nil {
		return nil, err
	}
	return &ArchiveVerifier{key: key}, nil
}

// Signed reports whether a query claims to be signed.
func Signed(q url.Values) bool { return q.Has(ArchiveSignature) }

// Download returns the identity of the archive that a query allows to read, or ErrSignature or ErrExpired.
func (v *ArchiveVerifier) Download(q url.Values, now time.Time) (id string, err error) {
	id = q.Get(archiveID)
	ms, err := strconv.ParseInt(q.Get(archiveExpires), 10, 64)
	if err != nil || id == "" {
		return "", ErrSignature
	}
	return id, v.check(downloadMessage(id, ms), q, time.UnixMilli(ms), now)
}

// Upload returns what a query allows to upload, or ErrSignature or ErrExpired.
func (v *ArchiveVerifier) Upload(q url.Values, now time.Time) (UploadGrant, error) {
	ms, err1 := strconv.ParseInt(q.Get(archiveExpires), 10, 64)
	size, err2 := strconv.ParseInt(q.Get(archiveMax), 10, 64)
	if errors.Join(err1, err2) != nil || !q.Has(archiveUpload) {
		return UploadGrant{}, ErrSignature
	}
	g := UploadGrant{Once: q.Get(archiveUpload), Namespace: q.Get(archiveNamespace), MaxBytes: size, Expires: time.UnixMilli(ms)}
	return g, v.check(g.message(), q, g.Expires, now)
}

func (v *ArchiveVerifier) check(message []byte, q url.Values, expires, now time.Time) error {
	sig, err := base64.RawURLEncoding.DecodeString(q.Get(ArchiveSignature))
	if err != nil || !ed25519.Verify(v.key, message, sig) {
		return ErrSignature
	}
	if now.After(expires) {
		return ErrExpired
	}
	return nil
}
