package certs

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net/url"
	"time"
)

// Parts that have a certificate.
const (
	Activator  = "activator"
	Autoscaler = "autoscaler"
	Controller = "controller"
	Logger     = "logger"
	Router     = "router"
	XDS        = "xds"
)

// Parts lists them.
func Parts() []string { return []string{Activator, Autoscaler, Controller, Logger, Router, XDS} }

// Identity is how a certificate names its part.
func Identity(part string) string { return "spiffe://hotpod/" + part }

// Pair is a certificate with its key, in PEM.
type Pair struct{ Cert, Key []byte }

// Authority signs certificates.
type Authority struct {
	Pair
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// NewAuthority makes an authority.
func NewAuthority(now time.Time, life time.Duration) (*Authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make an authority's key: %w", err)
	}
	template := certificate("hotpod authority "+rand.Text()[:8], now, life) // another name each, by which verifiers find it
	template.IsCA, template.BasicConstraintsValid, template.MaxPathLenZero = true, true, true
	template.KeyUsage = x509.KeyUsageCertSign
	pair, err := signed(template, template, key, key)
	if err != nil {
		return nil, err
	}
	return ParseAuthority(pair)
}

// ParseAuthority reads an authority.
func ParseAuthority(p Pair) (*Authority, error) {
	cert, err := parse(p.Cert)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(p.Key)
	if block == nil {
		return nil, errors.New("an authority's key is not PEM")
	}
	key, err := x509.ParseECPrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("read an authority's key: %w", err)
	}
	if !key.PublicKey.Equal(cert.PublicKey) {
		return nil, errors.New("an authority's key is not that of its certificate")
	}
	return &Authority{Pair: p, cert: cert, key: key}, nil
}

// Issue makes a part's certificate. names are those of its Service, for clients that look at names.
func (a *Authority) Issue(part string, names []string, now time.Time, life time.Duration) (Pair, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return Pair{}, fmt.Errorf("make a key: %w", err)
	}
	id, err := url.Parse(Identity(part))
	if err != nil {
		return Pair{}, fmt.Errorf("name %q: %w", part, err)
	}
	template := certificate(part, now, life)
	template.KeyUsage = x509.KeyUsageDigitalSignature
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
	template.DNSNames, template.URIs = names, []*url.URL{id}
	return signed(template, a.cert, key, a.key)
}

// Due says why a part needs another certificate than it has, "" when it does not.
func (a *Authority) Due(certPEM []byte, part string, now time.Time) string {
	cert, err := parse(certPEM)
	switch {
	case len(certPEM) == 0:
		return "missing"
	case err != nil:
		return "unreadable"
	case !names(cert, part):
		return "another part's"
	case cert.CheckSignatureFrom(a.cert) != nil:
		return "of another authority"
	case !due(cert).After(now):
		return "due"
	default:
		return ""
	}
}

// due is when a certificate is replaced: when two thirds of its life are over.
func due(c *x509.Certificate) time.Time { return c.NotBefore.Add(c.NotAfter.Sub(c.NotBefore) * 2 / 3) }

func names(c *x509.Certificate, parts ...string) bool {
	for _, u := range c.URIs {
		for _, part := range parts {
			if u.String() == Identity(part) {
				return true
			}
		}
	}
	return false
}

// backdate is how long before it was made a certificate holds already, because clocks differ; a tenth of its life if that is less.
const backdate = 5 * time.Minute

// certificate is what all have in common.
func certificate(name string, now time.Time, life time.Duration) *x509.Certificate {
	return &x509.Certificate{
		SerialNumber: new(big.Int).SetBytes([]byte(rand.Text())[:16]), Subject: pkix.Name{CommonName: name},
		NotBefore: now.Add(-min(backdate, life/10)), NotAfter: now.Add(life),
	}
}

func signed(template, parent *x509.Certificate, key, signer *ecdsa.PrivateKey) (Pair, error) {
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		return Pair{}, fmt.Errorf("sign a certificate: %w", err)
	}
	secret, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return Pair{}, fmt.Errorf("write a key: %w", err)
	}
	return Pair{
		Cert: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		Key:  pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: secret}),
	}, nil
}

// parse reads the first certificate of a text.
func parse(text []byte) (*x509.Certificate, error) {
	block, _ := pem.Decode(text)
	if block == nil || block.Type != "CERTIFICATE" {
		return nil, errors.New("a certificate is not PEM")
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("read a certificate: %w", err)
	}
	return cert, nil
}
