package sign

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Header carries a call's signature.
const Header = "X-Hotpod-Signature"

// TTL is how long a signature is good for by default. Calls are made at once; the rest is for clocks that differ.
const TTL = time.Minute

var (
	// ErrSignature is returned for a call that is not signed, or not for this pod, method, path and body.
	ErrSignature = errors.New("signature does not fit the call")
	// ErrExpired is returned for a call whose signature was good once.
	ErrExpired = errors.New("signature has expired")
)

// Signer signs control calls. It is safe for concurrent use.
type Signer struct {
	key ed25519.PrivateKey
}

// GenerateSeed returns a new seed for NewSigner.
func GenerateSeed() []byte {
	seed := make([]byte, ed25519.SeedSize)
	_, _ = rand.Read(seed) // never fails, see crypto/rand
	return seed
}

// NewSigner returns the signer of a seed of 32 bytes.
func NewSigner(seed []byte) (*Signer, error) {
	if len(seed) != ed25519.SeedSize {
		return nil, fmt.Errorf("a control key has %d bytes, this one has %d", ed25519.SeedSize, len(seed))
	}
	return &Signer{key: ed25519.NewKeyFromSeed(seed)}, nil
}

// PublicKey returns the key that pods verify with, in the form that NewVerifier reads.
func (s *Signer) PublicKey() string {
	return base64.RawStdEncoding.EncodeToString(s.key.Public().(ed25519.PublicKey))
}

// Sign returns the value of Header for a call to the pod; it is good until expires.
func (s *Signer) Sign(podUID, method, path string, body []byte, expires time.Time) string {
	ms := expires.UnixMilli()
	sig := ed25519.Sign(s.key, message(podUID, method, path, body, ms))
	return strconv.FormatInt(ms, 10) + "." + base64.RawURLEncoding.EncodeToString(sig)
}

// Verifier checks the calls that a pod receives. It is safe for concurrent use.
type Verifier struct {
	podUID string
	key    ed25519.PublicKey
}

// NewVerifier returns the verifier for a pod, from a Signer's PublicKey.
func NewVerifier(podUID, publicKey string) (*Verifier, error) {
	key, err := readKey(publicKey)
	if err != nil {
		return nil, err
	}
	if podUID == "" {
		return nil, errors.New("verify control calls: the pod's UID is not known")
	}
	return &Verifier{podUID: podUID, key: key}, nil
}

// readKey reads what PublicKey wrote.
func readKey(publicKey string) (ed25519.PublicKey, error) {
	key, err := base64.RawStdEncoding.DecodeString(publicKey)
	if err != nil {
		return nil, fmt.Errorf("read control key: %w", err)
	}
	if len(key) != ed25519.PublicKeySize {
		return nil, fmt.Errorf("read control key: %d bytes instead of %d", len(key), ed25519.PublicKeySize)
	}
	return key, nil
}

// Verify returns nil when header signs the call for this pod and has not expired at now, else ErrSignature or
// ErrExpired.
func (v *Verifier) Verify(header, method, path string, body []byte, now time.Time) error {
	expiry, encoded, ok := strings.Cut(header, ".")
	if !ok {
		return ErrSignature
	}
	ms, err := strconv.ParseInt(expiry, 10, 64)
	if err != nil {
		return ErrSignature
	}
	sig, err := base64.RawURLEncoding.DecodeString(encoded)
	if err != nil || !ed25519.Verify(v.key, message(v.podUID, method, path, body, ms), sig) {
		return ErrSignature
	}
	if now.UnixMilli() > ms {
		return ErrExpired
	}
	return nil
}

// message is what is signed. The lengths of its parts are told apart by newlines, which none but the hash can
// hold; the hash comes last and has a fixed length.
func message(podUID, method, path string, body []byte, expiryMillis int64) []byte {
	sum := sha256.Sum256(body)
	m := make([]byte, 0, 160)
	m = append(m, "hotpod control v1\n"...)
	m = append(m, podUID...)
	m = append(m, '\n')
	m = append(m, method...)
	m = append(m, '\n')
	m = append(m, path...)
	m = append(m, '\n')
	m = strconv.AppendInt(m, expiryMillis, 10)
	m = append(m, '\n')
	return append(m, sum[:]...)
}
