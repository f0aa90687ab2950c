package certs

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"time"
)

// Settings say how long certificates hold. All are replaced when two thirds of their life are over.
type Settings struct {
	// Life is a part's certificate's.
	Life time.Duration
	// AuthorityLife is an authority's; it is at least four times Life, so that no certificate outlives who signed it.
	AuthorityLife time.Duration
}

// Validate returns every fault of the settings.
func (s Settings) Validate() error {
	if s.Life <= 0 || s.AuthorityLife < 4*s.Life {
		return fmt.Errorf("certificates that hold for %s, of an authority that holds for %s: want more than 0, and at least four times that", s.Life, s.AuthorityLife)
	}
	return nil
}

// announced is how long an authority is trusted before it signs: all parts must have heard of it by then.
func (s Settings) announced() time.Duration { return min(10*time.Minute, s.Life/6) }

// Authorities are those of an installation. The zero value has none; Step makes the first.
type Authorities struct {
	signing, next *Authority
	// past are certificates of those that signed before.
	past []byte
}

// Keys of Authorities.Encode.
const (
	keySigning = "tls"
	keyNext    = "next"
	keyPast    = "past.crt"
	// KeyBundle is where a Secret has the certificates of those that are trusted.
	KeyBundle = "ca.crt"
	// KeyCert is where a Secret has a certificate.
	KeyCert = "tls.crt"
	// KeyKey is where a Secret has the certificate's key.
	KeyKey = "tls.key"
)

// DecodeAuthorities reads what Encode wrote; nothing is none.
func DecodeAuthorities(data map[string][]byte) (a Authorities, err error) {
	if len(data) == 0 {
		return a, nil
	}
	if a.signing, err = ParseAuthority(Pair{data[keySigning+".crt"], data[keySigning+".key"]}); err != nil {
		return Authorities{}, err
	}
	if len(data[keyNext+".crt"]) > 0 {
		if a.next, err = ParseAuthority(Pair{data[keyNext+".crt"], data[keyNext+".key"]}); err != nil {
			return Authorities{}, err
		}
	}
	a.past = data[keyPast]
	return a, nil
}

// Encode writes the authorities, with their keys.
func (a Authorities) Encode() map[string][]byte {
	data := map[string][]byte{
		keySigning + ".crt": a.signing.Cert, keySigning + ".key": a.signing.Key, keyPast: a.past, KeyBundle: a.Bundle(),
	}
	if a.next != nil {
		data[keyNext+".crt"], data[keyNext+".key"] = a.next.Cert, a.next.Key
	}
	return data
}

// Signing is the authority that signs now.
func (a Authorities) Signing() *Authority { return a.signing }

// Bundle is the certificates of all that are trusted, in PEM.
func (a Authorities) Bundle() []byte {
	b := bytes.Clone(a.signing.Cert)
	if a.next != nil {
		b = append(b, a.next.Cert...)
	}
	return append(b, a.past...)
}

// Step returns the authorities as they should be now, and why they differ from what they were, "" when they do not.
func (a Authorities) Step(s Settings, now time.Time) (Authorities, string, error) {
	if a.signing == nil || !a.signing.cert.NotAfter.After(now) {
		first, err := NewAuthority(now, s.AuthorityLife)
		return Authorities{signing: first}, "there is none that holds", err
	}
	if past, dropped := living(a.past, now); dropped {
		a.past = past
		return a, "an old one has ended", nil
	}
	switch {
	case a.next == nil && !due(a.signing.cert).After(now):
		next, err := NewAuthority(now, s.AuthorityLife)
		a.next = next
		return a, "the next one is announced", err
	case a.next != nil && !made(a.next.cert).Add(s.announced()).After(now):
		a.past = append(bytes.Clone(a.past), a.signing.Cert...)
		a.signing, a.next = a.next, nil
		return a, "the next one signs now", nil
	default:
		return a, "", nil
	}
}

// made is when a certificate was: see certificate.
func made(c *x509.Certificate) time.Time {
	return c.NotBefore.Add(min(backdate, c.NotAfter.Sub(c.NotBefore)/11))
}

// living drops certificates that have ended.
func living(bundle []byte, now time.Time) (kept []byte, dropped bool) {
	for rest := bundle; ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			return kept, dropped
		}
		text := pem.EncodeToMemory(block)
		if cert, err := parse(text); err != nil || !cert.NotAfter.After(now) {
			dropped = true
			continue
		}
		kept = append(kept, text...)
	}
}

// errNoAuthority is returned for a bundle without certificates.
var errNoAuthority = errors.New("ca.crt has no certificate")
