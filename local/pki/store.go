package pki

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"slices"
	"time"
)

const (
	lifetime = 10 * 365 * 24 * time.Hour
	// A certificate that ends sooner than this is made anew.
	renewBefore = 90 * 24 * time.Hour
)

// Store is a folder of keys and certificates signed by one authority. Its methods may not be called concurrently.
type Store struct {
	dir   string
	ca    *x509.Certificate
	caKey crypto.Signer
}

// Open opens the folder and makes its authority when there is none.
func Open(dir string) (*Store, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	s := &Store{dir: dir}
	cert, key, err := s.read("ca")
	if err == nil && time.Until(cert.NotAfter) > renewBefore {
		s.ca, s.caKey = cert, key
		return s, nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read the authority (delete %s to make another): %w", dir, err)
	}
	template := &x509.Certificate{
		Subject:               pkix.Name{CommonName: "hotpod-local"},
		IsCA:                  true,
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	s.ca, s.caKey, err = s.make("ca", template)
	return s, err
}

// CertFile returns the path of the certificate with the name.
func (s *Store) CertFile(name string) string { return filepath.Join(s.dir, name+".crt") }

// KeyFile returns the path of the private key with the name.
func (s *Store) KeyFile(name string) string { return filepath.Join(s.dir, name+".key") }

// Identity is whom a certificate speaks for.
type Identity struct {
	// User and Groups are what the API server takes a client for.
	User   string
	Groups []string
	// Names and IPs are what a server is reached by; they may be empty.
	Names []string
	IPs   []net.IP
}

// Ensure makes the key and certificate with the name, unless good ones for the same identity are there.
func (s *Store) Ensure(name string, id Identity) error {
	cert, _, err := s.read(name)
	if err == nil && s.serves(cert, id) {
		return nil
	}
	template := &x509.Certificate{
		Subject:     pkix.Name{CommonName: id.User, Organization: id.Groups},
		DNSNames:    id.Names,
		IPAddresses: id.IPs,
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	_, _, err = s.make(name, template)
	return err
}

// serves reports whether the certificate is ours, lasts, and covers the identity.
func (s *Store) serves(cert *x509.Certificate, id Identity) bool {
	if cert.CheckSignatureFrom(s.ca) != nil || time.Until(cert.NotAfter) < renewBefore || cert.Subject.CommonName != id.User {
		return false
	}
	if !sameSet(cert.Subject.Organization, id.Groups) {
		return false
	}
	for _, name := range id.Names {
		if cert.VerifyHostname(name) != nil {
			return false
		}
	}
	for _, ip := range id.IPs {
		if cert.VerifyHostname(ip.String()) != nil {
			return false
		}
	}
	return true
}

func sameSet(a, b []string) bool {
	return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}

// EnsureKey makes a private key without a certificate, unless it is there.
func (s *Store) EnsureKey(name string) error {
	if _, err := readKey(s.KeyFile(name)); err == nil {
		return nil
	} else if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	_, err := s.newKey(name)
	return err
}

func (s *Store) make(name string, template *x509.Certificate) (*x509.Certificate, crypto.Signer, error) {
	key, err := s.newKey(name)
	if err != nil {
		return nil, nil, err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return nil, nil, err
	}
	template.SerialNumber = serial
	// An hour back, because the clock of a virtual machine may jump.
	template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(lifetime)
	parent, parentKey := s.ca, s.caKey
	if template.IsCA {
		parent, parentKey = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), parentKey)
	if err != nil {
		return nil, nil, fmt.Errorf("sign certificate %s: %w", name, err)
	}
	if err := WriteFile(s.CertFile(name), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o644); err != nil {
		return nil, nil, err
	}
	cert, err := x509.ParseCertificate(der)
	return cert, key, err
}

func (s *Store) newKey(name string) (crypto.Signer, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	// The API server takes the key of service account tokens in this older encoding only.
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return nil, err
	}
	return key, WriteFile(s.KeyFile(name), pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der}), 0o600)
}
