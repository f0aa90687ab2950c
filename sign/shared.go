package sign

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// Headers of calls that are signed with a shared secret, as Fission's clients do it.
const (
	HeaderSharedTime      = "X-Fission-Auth-Timestamp"
	HeaderSharedSignature = "X-Fission-Auth-Signature"
	HeaderSharedNamespace = "X-Fission-Auth-Namespace"
)

// ServiceRouter is the service whose key signs calls of the router's internal listener.
const ServiceRouter = "router-internal"

// sharedSkew is how far clocks may differ, and the grain of time in signatures.
const sharedSkew = 60

// SharedKey signs and checks calls of one service, from a secret that both sides hold.
type SharedKey []byte

// NewSharedKey derives the key of a service, of a tenant's namespace when that is not empty.
func NewSharedKey(master []byte, service, namespace string) (SharedKey, error) {
	info := "fission-internal-v1:" + service
	if namespace != "" {
		info += ":" + namespace
	}
	key, err := hkdf.Key(sha256.New, master, nil, info, sha256.Size)
	if err != nil {
		return nil, fmt.Errorf("derive a key for %s: %w", service, err)
	}
	return key, nil
}

// Sign adds the signature to the headers of a call whose body has the SHA-256 sum.
func (k SharedKey) Sign(h http.Header, method, requestURI string, sum [sha256.Size]byte, now time.Time) {
	h.Set(HeaderSharedTime, strconv.FormatInt(now.Unix(), 10))
	h.Set(HeaderSharedSignature, hex.EncodeToString(k.mac(method, requestURI, sum, now.Unix())))
}

// Check returns nil when the headers sign the call and were made about now, else ErrSignature or ErrExpired.
func (k SharedKey) Check(h http.Header, method, requestURI string, sum [sha256.Size]byte, now time.Time) error {
	at, err1 := strconv.ParseInt(h.Get(HeaderSharedTime), 10, 64)
	mac, err2 := hex.DecodeString(h.Get(HeaderSharedSignature))
	if err1 != nil || err2 != nil || !hmac.Equal(mac, k.mac(method, requestURI, sum, at)) {
		return ErrSignature
	}
	if d := now.Unix() - at; d > sharedSkew || d < -sharedSkew {
		return ErrExpired
	}
	return nil
}

func (k SharedKey) mac(method, requestURI string, sum [sha256.Size]byte, unix int64) []byte {
	m := hmac.New(sha256.New, k)
	fmt.Fprintf(m, "%s\n%s\n%x\n%d", method, requestURI, sum, unix/sharedSkew*sharedSkew)
	return m.Sum(nil)
}
